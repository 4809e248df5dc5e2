"""The programs that are run: the code blocks of docs/clients.md, by name."""

import re
from dataclasses import dataclass
from pathlib import Path

# ```LANGUAGE CLIENT/NAME
_BLOCK = re.compile(r"^```(\w+) ([\w.@-]+)/([\w-]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# What stands in the document for the gateway's address and for its authority's certificate.
HOST = "lakegate.example.com"
CA = "/etc/ssl/certs/lakegate-ca.pem"


@dataclass(frozen=True)
class Block:
    """One code block."""

    language: str
    text: str

    def at(self, host: str, ca: Path) -> "Block":
        """The same, with true names instead of the document's."""
        return Block(self.language, self.text.replace(HOST, host).replace(CA, str(ca)))


class Document:
    """All named code blocks. Those that no client runs are a fault: they would rot."""

    def __init__(self, file: Path):
        found = _BLOCK.findall(file.read_text())
        self._blocks = {(client, name): Block(language, text) for language, client, name, text in found}
        self._used = set()

    def block(self, client: str, name: str) -> Block | None:
        self._used.add((client, name))
        return self._blocks.get((client, name))

    def unused(self) -> list[str]:
        return sorted("/".join(name) for name in self._blocks.keys() - self._used)
