"""What is neither a question nor an answer: a WebSocket, and the Model Context Protocol."""

from ..client import Client
from ..condition import Condition
from ..sight import Succeeds
from ..wanted import outages, refused

CLIENTS = [
    Client(
        "websockets",
        sees={
            Condition.CALL: Succeeds("hello"),
            Condition.LARGE: Succeeds("10000000"),
            **refused("UNAUTHENTICATED"),
            **outages("error_code"),
        },
    ),
    Client(
        "mcp",
        sees={
            Condition.CALL: Succeeds("alice@example.com said hello"),
            **refused("mcp.shared.exceptions.MCPError"),
            **outages("mcp.shared.exceptions.MCPError"),
        },
    ),
]
