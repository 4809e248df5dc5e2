"""Where everything is: programs, ports, certificates, tokens."""

import os
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HERE = ROOT / "benches/compare"
TOOLS = Path(os.environ.get("COMPARE_TOOLS", ROOT / "target/compare"))
BUILT = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"

ORIGIN = 21000
ORIGIN_TLS = 21001
# What peers without a token exchange send instead: as long as the tokens of the origin.
FIXED = "fixed-" + "t" * 1018


@dataclass(frozen=True)
class Place:
    """A folder with all that the programs need: it lives as long as the run."""

    folder: Path

    @property
    def ca(self):
        return self.folder / "ca.pem"

    def tokens(self, algorithm):
        return self.folder / "tokens" / f"{algorithm}.tokens"

    def token(self):
        """One that every row may use."""
        with open(self.tokens("rs256")) as lines:
            return lines.readline().strip()

    def names(self):
        """What the templates of configurations may ask for."""
        return {
            "folder": self.folder,
            "ca": self.ca,
            "cert": self.folder / "cert.pem",
            "key": self.folder / "key.pem",
            "pem": self.folder / "cert-and-key.pem",
            "tokens": self.folder / "tokens",
            "issuer": (self.folder / "tokens/issuer").read_text(),
            "origin": ORIGIN,
            "origin_tls": ORIGIN_TLS,
            "fixed": FIXED,
        }


@contextmanager
def prepared(batches):
    """Certificates and tokens: `batches` says how many of which algorithm."""
    with tempfile.TemporaryDirectory(prefix="compare-") as folder:
        place = Place(Path(folder))
        _certify(place)
        counts = [f"{algorithm}={count}" for algorithm, count in batches.items()]
        subprocess.run([BUILT / "tokens", place.folder / "tokens", *counts], check=True)
        yield place


def _certify(place):
    """An authority and a certificate of P-256, which is what servers use today."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=place.folder, check=True, capture_output=True)

    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=comparison", "-days", "7")
    openssl("req", *curve, "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=localhost")
    (place.folder / "extensions").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "7", "-extfile", "extensions"]
    openssl("x509", "-req", "-in", "request.pem", "-out", "cert.pem", *signing)
    both = (place.folder / "cert.pem").read_text() + (place.folder / "key.pem").read_text()
    (place.folder / "cert-and-key.pem").write_text(both)
