"""The HTTP libraries of Python: what programs are made of that know nothing of Databricks."""

from ..client import Client
from ..condition import Condition
from ..sight import Succeeds
from ..wanted import ALICE, outages, refused

COMPLAINTS = {
    "requests": "requests.exceptions.HTTPError",
    "httpx": "httpx.HTTPStatusError",
    "aiohttp": "RuntimeError",
}


def library(name: str, complaint: str) -> Client:
    good = {
        Condition.CALL: ALICE,
        Condition.LARGE: Succeeds("60000000"),
        Condition.STREAM: Succeeds("data: [DONE]"),
    }
    return Client(name, sees=good | refused(complaint) | outages(complaint))


NETRC = Client(
    "requests-netrc",
    sees={Condition.CALL: ALICE, **refused(COMPLAINTS["requests"]), **outages(COMPLAINTS["requests"])},
)

CLIENTS = [NETRC, *(library(name, complaint) for name, complaint in COMPLAINTS.items())]
