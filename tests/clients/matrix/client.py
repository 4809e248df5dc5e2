"""A client: its programs in the document, and what its user sees under each condition."""

from collections.abc import Mapping
from dataclasses import dataclass

from .condition import GOOD, OUTAGES, Condition
from .document import Block, Document
from .sight import Fails, Succeeds


@dataclass(frozen=True)
class Client:
    """A condition that is missing from `sees` is one that the client knows nothing of."""

    name: str
    sees: Mapping[Condition, Succeeds | Fails]
    environment: str = "api"  # the virtual environment that it lives in

    def expectation(self, condition: Condition) -> Succeeds | Fails | None:
        expected = self.sees.get(condition)
        return expected.unless_said(condition.says) if isinstance(expected, Fails) else expected

    def settings(self, document: Document) -> Block:
        return document.block(self.name, "settings") or Block("sh", "")

    def program(self, document: Document, condition: Condition) -> Block:
        """What it does under this condition; in an outage its patient way to call, if it has one."""
        names = [condition.title] if condition in GOOD else ["call"]
        if condition in OUTAGES:
            names.insert(0, "patience")
        found = (document.block(self.name, name) for name in names)
        return next(block for block in found if block)
