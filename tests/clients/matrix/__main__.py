"""python -m matrix PROGRAMS FOLDER [CLIENT…]: runs the matrix, and exits with 1 if anybody sees what they should not."""

import importlib
import os
import pkgutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import clients
from .client import Client
from .condition import Condition
from .document import Document
from .report import Result, show
from .stage import stage
from .workshop import Workshop

DOCUMENT = Path(__file__).parents[3] / "docs" / "clients.md"


def main() -> int:
    programs, folder, *wanted = sys.argv[1:]
    document = Document(DOCUMENT)
    chosen = [client for client in everybody() if not wanted or client.name in wanted]
    with stage(Path(programs), Path(folder) / "stage") as found:
        workshop = Workshop(found, document, Path(folder))
        # Most programs wait most of the time.
        with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
            results = list(pool.map(lambda task: play(workshop, *task), tasks(chosen)))
    show(results)
    stale = [] if wanted else document.unused()
    if stale:
        print("code blocks of docs/clients.md that no client runs:", *stale)
    return 1 if stale or any(result.fault for result in results) else 0


def everybody() -> list[Client]:
    """Every CLIENT and all CLIENTS of the modules in `clients`."""
    modules = [importlib.import_module(f"{clients.__name__}.{module.name}") for module in pkgutil.iter_modules(clients.__path__)]
    return [client for module in modules for client in module.CLIENTS]


def tasks(chosen: list[Client]) -> list[tuple[Client, Condition]]:
    """Outages first: they take longest."""
    return [(client, condition) for condition in reversed(Condition) for client in chosen if condition in client.sees]


def play(workshop: Workshop, client: Client, condition: Condition) -> Result:
    run = workshop.run(client, condition)
    return Result(client, condition, run, client.expectation(condition).fault(run))


if __name__ == "__main__":
    sys.exit(main())
