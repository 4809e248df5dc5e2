"""The results: one line for each client, one cell for each condition."""

from dataclasses import dataclass

from .client import Client
from .condition import Condition
from .sight import Run


@dataclass(frozen=True)
class Result:
    """What came of one client under one condition; without a fault it is as it should be."""

    client: Client
    condition: Condition
    run: Run
    fault: str | None

    def cell(self) -> str:
        return f"{'ok' if self.fault is None else 'FAIL'} {self.run.seconds:.1f}"


def show(results: list[Result]) -> None:
    """What failed programs said, and then the table."""
    for result in results:
        if result.fault:
            print(f"\n--- {result.client.name}, {result.condition.title}: {result.fault}\n{result.run.output[-6000:]}")
    cells = {(result.client.name, result.condition): result.cell() for result in results}
    names = sorted({result.client.name for result in results})
    width = max(map(len, names))
    print(f"\n{'':{width}}", *(f"{condition.title:>10}" for condition in Condition))
    for name in names:
        print(f"{name:{width}}", *(f"{cells.get((name, condition), '-'):>10}" for condition in Condition))
