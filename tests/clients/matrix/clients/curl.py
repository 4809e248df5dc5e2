"""curl: HTTP/2 and HTTP/1.1, uploads that ask first, credentials in three places."""

from ..client import Client
from ..condition import Condition
from ..sight import Succeeds
from ..wanted import ALICE, outages, refused

COMPLAINTS = refused('"UNAUTHENTICATED"') | outages('"error_code"')

CLIENTS = [
    Client(
        "curl",
        sees={
            Condition.CALL: ALICE,
            Condition.LARGE: Succeeds("the same"),
            Condition.STREAM: Succeeds("data: [DONE]"),
            **COMPLAINTS,
        },
    ),
    Client("curl-basic", sees={Condition.CALL: ALICE, **COMPLAINTS}),
    Client("curl-netrc", sees={Condition.CALL: ALICE, **COMPLAINTS}),
]
