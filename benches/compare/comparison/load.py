"""Load on a proxy: how much was answered, whatever made the requests."""

import json
import re
from dataclasses import dataclass

from .place import BUILT, HERE
from .process import said

PATH = "/api/2.0/sql/statements/1"


@dataclass(frozen=True)
class Target:
    """Whom to ask, under which token, from which cores."""

    port: int
    secure: bool
    place: object
    cores: tuple
    # The how manieth time: what may be used only once begins where the last time ended.
    turn: int = 0

    def url(self, path):
        return f"{'https' if self.secure else 'http'}://127.0.0.1:{self.port}{path}"

    def fields(self):
        return [
            f"Authorization: Bearer {self.place.token()}",
            "User-Agent: databricks-sdk-py/0.57.0",
            "Accept: */*",
            "Accept-Encoding: gzip, deflate",
        ]

    def run(self, command):
        return said(command, self.cores)


@dataclass(frozen=True)
class Wrk:
    """HTTP/1.1 with keep-alive, closed loop: the next request follows the answer."""

    connections: int
    path: str = PATH
    upload: int = 0

    def run(self, target, seconds):
        command = ["wrk", "-t1", f"-c{self.connections}", f"-d{seconds}s", "--timeout", "20s"]
        command += [part for field in target.fields() for part in ("-H", field)]
        if self.upload:
            command += ["-s", HERE / "upload.lua"]
        command.append(target.url(self.path))
        if self.upload:
            command += ["--", str(self.upload)]
        output = target.run(command)
        if "Non-2xx" in output or "Socket errors" in output:
            raise RuntimeError(f"port {target.port}: {output}")
        return int(re.search(r"(\d+) requests in", output)[1])


@dataclass(frozen=True)
class H2load:
    """HTTP/2 over TLS: connections times streams."""

    connections: int
    streams: int

    def run(self, target, seconds):
        command = ["h2load", "-c", self.connections, "-m", self.streams, "-D", seconds, "--warm-up-time=0"]
        command += [part for field in target.fields() for part in ("-H", field)]
        output = target.run([*command, target.url(PATH)])
        total, good = re.search(r"(\d+) done", output)[1], re.search(r"status codes: (\d+) 2xx", output)[1]
        if int(good) < int(total) or " 0 failed, 0 errored" not in output:
            raise RuntimeError(f"port {target.port}: {output}")
        return int(good)


@dataclass(frozen=True)
class Handshakes:
    """Full handshakes of TLS 1.3, none resumed, no request after them."""

    def run(self, target, seconds):
        command = ["openssl", "s_time", "-connect", f"127.0.0.1:{target.port}", "-new", "-tls1_3", "-time", seconds]
        output = target.run(command)
        return int(re.search(r"(\d+) connections in \d+ real", output)[1])


@dataclass(frozen=True)
class Rotating:
    """Another token in each request; once each where `fresh`."""

    algorithm: str
    connections: int = 64
    take: int = 1 << 40
    fresh: bool = False

    def run(self, target, seconds):
        skip = target.turn * self.take if self.fresh else 0
        command = [BUILT / "load", "closed", "--address", f"127.0.0.1:{target.port}"]
        command += ["--connections", self.connections, "--seconds", seconds]
        command += ["--tokens", target.place.tokens(self.algorithm), "--skip", skip, "--take", self.take]
        if self.fresh:
            command.append("--once")
        return json.loads(target.run(command))["requests"]


def paced(target, rate, seconds):
    """Requests at a steady pace: `p50_us` and `p99_us` of what they took."""
    command = [BUILT / "load", "paced", "--address", f"127.0.0.1:{target.port}", "--rate", rate]
    command += ["--seconds", seconds, "--tokens", target.place.tokens("rs256")]
    return json.loads(target.run(command))
