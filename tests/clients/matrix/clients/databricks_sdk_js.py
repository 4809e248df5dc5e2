"""@databricks/sdk-experimental."""

from ..client import Client
from ..condition import OUTAGES, REFUSED, Condition
from ..sight import Fails
from ..wanted import ALICE, by_status

CLIENTS = [
    Client(
        "databricks-sdk-js",
        sees={
            Condition.CALL: ALICE,
            **by_status("statusCode: {}", REFUSED + OUTAGES),
            # The one status that it repeats; the last answer is not in the error.
            Condition.THROTTLED: Fails("TimeoutError", saying="Timeout"),
        },
    ),
]
