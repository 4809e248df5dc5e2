"""Runs one client's program as its user would: in a shell, with the settings and a home of its own."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from .client import Client
from .condition import Condition
from .document import Block, Document
from .sight import Run
from .stage import Stage

# Longer than any user's patience that is asserted.
DEADLINE = 120
SUBJECT = "alice@example.com"
FILES = {"python": "program.py", "js": "program.cjs", "sh": "program.sh"}


@dataclass(frozen=True)
class Workshop:
    """`folder` holds the virtual environments and node_modules."""

    stage: Stage
    document: Document
    folder: Path

    def run(self, client: Client, condition: Condition) -> Run:
        home = self.folder / "runs" / client.name / condition.name.lower()
        home.mkdir(parents=True, exist_ok=True)
        host = self.stage.hosts[condition.value.place]
        settings = client.settings(self.document).at(host, self.stage.ca)
        program = client.program(self.document, condition).at(host, self.stage.ca)
        (home / "run.sh").write_text(self._script(home, settings, program))
        token = self.stage.token(condition, SUBJECT)
        return _run(home, self._environment(client, home, token))

    def _script(self, home: Path, settings: Block, program: Block) -> str:
        (home / FILES[program.language]).write_text(program.text)
        interpreter = {"python": "python", "js": "node", "sh": "source"}[program.language]
        return f"set -euo pipefail\n{settings.text}\n{interpreter} ./{FILES[program.language]}\n"

    def _environment(self, client: Client, home: Path, token: str) -> dict:
        """Nothing of the machine's own settings, proxies above all."""
        path = [str(self.folder / client.environment / "bin"), os.environ["PATH"]]
        return {"PATH": ":".join(path), "HOME": str(home), "JWT": token, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}


def _run(home: Path, environment: dict) -> Run:
    started = time.monotonic()
    with open(home / "output.txt", "w+") as output:
        process = subprocess.Popen(
            ["bash", "run.sh"],
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        code = _end_of(process)
        output.seek(0)
        return Run(code, output.read(), time.monotonic() - started)


def _end_of(process) -> int | None:
    try:
        return process.wait(DEADLINE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None
