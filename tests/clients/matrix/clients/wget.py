"""wget."""

from ..client import Client
from ..condition import OUTAGES, Condition
from ..sight import Succeeds
from ..wanted import ALICE, by_status, refused

CLIENTS = [
    Client(
        "wget",
        sees={
            Condition.CALL: ALICE,
            Condition.LARGE: Succeeds("100000000"),
            **refused("401 Unauthorized"),
            **by_status("HTTP/1.1 {}", OUTAGES),
        },
    ),
]
