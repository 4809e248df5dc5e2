"""The conditions under which every client is run."""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True)
class Setting:
    """What makes a condition: which place of the gateway is called, and with which token."""

    title: str
    place: str = "good"
    token: str = ""  # added to the query of the identity provider's /mint
    status: int = 200
    says: str = ""  # what the gateway tells, in the words that a person reads


class Condition(Enum):
    """All of them hold at the same time, each at an address of its own: nothing is ever switched."""

    CALL = Setting("call")
    LARGE = Setting("large")
    STREAM = Setting("stream")
    EXPIRED = Setting("expired", token="&ttl=-60", status=401, says="the token expired 1 minute ago")
    AUDIENCE = Setting("audience", token="&aud=others", status=401, says="request a token for the right audience")
    OVERLOADED = Setting("overloaded", place="full", status=503, says="as many requests in flight as it takes")
    THROTTLED = Setting("throttled", place="throttled", status=429, says="the Databricks token endpoint is not available")
    TOKENLESS = Setting("no tokens", place="tokenless", status=503, says="the Databricks token endpoint is not available")
    AWAY = Setting("away", place="away", status=503, says="the workspace cannot be reached")

    @property
    def title(self) -> str:
        return self.value.title

    @property
    def says(self) -> str:
        return self.value.says


GOOD = [condition for condition in Condition if not condition.says]
REFUSED = [Condition.EXPIRED, Condition.AUDIENCE]
OUTAGES = [Condition.OVERLOADED, Condition.THROTTLED, Condition.TOKENLESS, Condition.AWAY]
