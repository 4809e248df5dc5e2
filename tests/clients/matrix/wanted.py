"""Expectations that many clients share."""

from .condition import OUTAGES, REFUSED, Condition
from .sight import Fails, Succeeds

ALICE = Succeeds("alice@example.com")
ECHO = Succeeds("You said: hello")


def refused(naming: str, **more) -> dict:
    """How it complains about a bad token: at once, as nobody should repeat that."""
    return {condition: Fails(naming, **{"within": 45, **more}) for condition in REFUSED}


def outages(naming: str, **more) -> dict:
    """How it complains when something behind the gateway, or the gateway itself, cannot serve it for now."""
    return {condition: Fails(naming, **more) for condition in OUTAGES}


def by_status(text: str, conditions: list[Condition]) -> dict:
    """How it complains where the status stands in the complaint: `text` has {} for it."""
    return {condition: Fails(text.format(condition.value.status)) for condition in conditions}


def status_alone(text: str, conditions: list[Condition]) -> dict:
    """How it complains if it keeps the gateway's words to itself. It is in the document which clients do."""
    told = {condition: text.format(condition.value.status) for condition in conditions}
    return {condition: Fails(text, saying=text) for condition, text in told.items()}
