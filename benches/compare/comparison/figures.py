"""What was measured, kept beside the documentation: rows can be measured at different times, each with its date and machine."""

import json
from dataclasses import asdict
from datetime import datetime, timezone

from . import machine
from .measure import Figure
from .place import ROOT

FILE = ROOT / "docs/performance/figures.json"


class Figures:
    def __init__(self):
        self._all = json.loads(FILE.read_text()) if FILE.exists() else {}

    def add(self, kind, name, value):
        """`value` is what JSON can hold, or figures by the names of peers."""
        if kind == "rows":
            value = {peer: asdict(figure) for peer, figure in value.items()}
        measured = {"value": value, "when": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M"), "commit": machine.commit()}
        self._all.setdefault(kind, {})[name] = measured
        self._all["machine"] = machine.described()
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_text(json.dumps(self._all, indent=1, sort_keys=True) + "\n")

    def row(self, name):
        """Figures by the names of peers; none where it was not measured yet."""
        measured = self._all.get("rows", {}).get(name)
        return {peer: Figure(**figure) for peer, figure in measured["value"].items()} if measured else {}

    def other(self, kind, name):
        measured = self._all.get(kind, {}).get(name)
        return measured and measured["value"]

    def period(self):
        """When the rows were measured, and of which commits lakegate was."""
        rows = self._all["rows"].values()
        times, commits = sorted(row["when"] for row in rows), sorted({row["commit"] for row in rows})
        return f"from {times[0]} to {times[-1]} UTC, lakegate of {', '.join(commits)}"

    @property
    def machine(self):
        return self._all["machine"]
