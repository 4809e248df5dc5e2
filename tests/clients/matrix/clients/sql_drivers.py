"""Thrift over HTTP: databricks-sql-connector, dbt on top of it, and @databricks/sql."""

from ..client import Client
from ..condition import OUTAGES, REFUSED, Condition
from ..sight import Succeeds
from ..wanted import ALICE, outages, refused, status_alone

# What it says once it does not want to wait any longer; the gateway's own words are in no attribute of it.
IMPATIENT = "Retry request would exceed Retry policy max retry duration"

CLIENTS = [
    Client(
        "databricks-sql-connector",
        sees={
            Condition.CALL: ALICE,
            Condition.LARGE: Succeeds("250000"),
            **refused("databricks.sql.exc.RequestError"),
            **outages("databricks.sql.exc.RequestError", saying=IMPATIENT),
        },
    ),
    Client(
        "dbt-databricks",
        environment="dbt",
        sees={
            Condition.CALL: Succeeds("OK connection ok"),
            **refused("ERROR"),
            **outages("ERROR", saying=IMPATIENT, within=110),  # it is slow to start
        },
    ),
    Client(
        "databricks-sql-js",
        sees={
            Condition.CALL: ALICE,
            Condition.LARGE: Succeeds("250000"),
            **status_alone("THTTPException: Received a response with a bad HTTP status code: {}", REFUSED + OUTAGES),
        },
    ),
]
