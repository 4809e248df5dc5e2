"""delta-sharing, with the identity provider's token in the profile."""

from ..client import Client
from ..condition import OUTAGES, REFUSED, Condition
from ..sight import Succeeds
from ..wanted import by_status

CLIENTS = [
    Client(
        "delta-sharing",
        sees={
            Condition.CALL: Succeeds("Table(name='numbers', share='share', schema='default')"),
            **by_status("requests.exceptions.HTTPError: {}", REFUSED + OUTAGES),
        },
    ),
]
