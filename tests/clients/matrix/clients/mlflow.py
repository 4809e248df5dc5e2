"""mlflow-skinny: tracking by Databricks' SDK and by its own REST client, and deployments."""

from ..client import Client
from ..condition import OUTAGES, Condition
from ..sight import Succeeds
from ..wanted import ECHO, outages, refused, status_alone

EXPERIMENT = Succeeds("/Users/alice@example.com/testbed")
REFUSED = refused("mlflow.exceptions.RestException: UNAUTHENTICATED")

CLIENTS = [
    Client(
        "mlflow-skinny",
        sees={Condition.CALL: EXPERIMENT, **REFUSED, **outages("TimeoutError: Timed out after 0:00:04")},
    ),
    Client(
        "mlflow-rest",
        sees={Condition.CALL: EXPERIMENT, **REFUSED, **status_alone("too many {} error responses", OUTAGES)},
    ),
    Client(
        "mlflow-deployments",
        sees={Condition.CALL: ECHO, Condition.STREAM: ECHO, **refused("requests.exceptions.HTTPError: 401")},
    ),
]
