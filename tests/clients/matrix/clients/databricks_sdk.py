"""databricks-sdk: with each kind of credential that it knows and the gateway takes."""

from ..client import Client
from ..condition import Condition
from ..sight import Fails, Succeeds
from ..wanted import ALICE, outages, refused

REFUSED = refused("databricks.sdk.errors.platform.Unauthenticated")

# Its patience has an end, and the true reason stands above it.
OUTAGES = outages("TimeoutError: Timed out after 0:00:04")

CLIENTS = [
    Client(
        "databricks-sdk",
        sees={Condition.CALL: ALICE, Condition.LARGE: Succeeds("60000000"), **REFUSED, **OUTAGES},
    ),
    # The gateway's token endpoint refuses, before any call.
    Client(
        "databricks-sdk-oidc",
        sees={
            Condition.CALL: ALICE,
            **refused("ValueError: invalid_grant"),
            **OUTAGES,
            Condition.OVERLOADED: Fails("ValueError: temporarily_unavailable"),
        },
    ),
    Client("databricks-sdk-basic", sees={Condition.CALL: ALICE, **REFUSED}),
    Client("databricks-sdk-netrc", sees={Condition.CALL: ALICE, **REFUSED}),
]
