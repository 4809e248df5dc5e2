"""databricks-connect: Spark Connect, which is gRPC with its trailers."""

from ..client import Client
from ..condition import Condition
from ..sight import Fails, Succeeds
from ..wanted import outages, refused

CLIENTS = [
    Client(
        "databricks-connect",
        environment="connect",
        sees={
            Condition.CALL: Succeeds("[Row(id=0), Row(id=1), Row(id=2)]"),
            Condition.STREAM: Succeeds("20000"),
            **refused("SparkConnectGrpcException"),
            **outages("RetriesExceeded", within=110),
            # No status that it repeats.
            Condition.THROTTLED: Fails("SparkConnectGrpcException"),
        },
    ),
]
