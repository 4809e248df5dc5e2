"""openai, at serving endpoints."""

from ..client import Client
from ..condition import Condition
from ..sight import Fails, Succeeds
from ..wanted import ECHO, outages, refused

CLIENTS = [
    Client(
        "openai",
        sees={
            Condition.CALL: ECHO,
            Condition.STREAM: ECHO,
            Condition.LARGE: Succeeds("5000010"),
            **refused("openai.AuthenticationError: Error code: 401"),
            **outages("openai.InternalServerError: Error code: 503"),
            Condition.THROTTLED: Fails("openai.RateLimitError: Error code: 429"),
        },
    ),
]
