"""The rows of the comparison: which load, on whom, and what ours must reach."""

from dataclasses import dataclass, replace

from .load import H2load, Handshakes, Rotating, Wrk
from .peers import Setting

_MIB = 1 << 20
_BEST = ("lakegate", "haproxy", "nginx", "envoy")


@dataclass(frozen=True)
class Goal:
    """At most so many times the figure of a peer (`of`), of the best of all peers, or of one (`of` is empty)."""

    most: float
    of: str = ""


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    load: object
    goal: Goal
    peers: tuple = _BEST
    setting: Setting = Setting()
    load_cores: tuple = (1,)
    unit: str = "us"
    # Whether there are requests at all, and so tokens to be looked at.
    forwards: bool = True
    # Where a figure is no matter of full load, an idle core says nothing.
    saturates: bool = True

    def among(self, names):
        """The same row with these peers alone."""
        return replace(self, peers=tuple(name for name in self.peers if name in names))


ALL = ("lakegate", "haproxy", "nginx", "nginx-lua", "envoy", "envoy-jwt", "pingora", "caddy", "haproxy-tcp")
_BULK = ("lakegate", "haproxy", "nginx", "envoy", "pingora", "caddy")
_BOTH = (0, 1)

ROWS = [
    Row("h1-64", "HTTP/1.1, 64 connections", Wrk(64), Goal(0.95, "haproxy"), ALL),
    Row("h1-256", "HTTP/1.1, 256 connections", Wrk(256), Goal(0.95, "haproxy"), ALL),
    Row("tls", "HTTP/1.1, TLS from the client, 64 connections", Wrk(64), Goal(0.85, "haproxy"), setting=Setting("tls")),
    Row("upstream-tls", "HTTP/1.1, TLS to the upstream, 64 connections", Wrk(64), Goal(0.87, "haproxy"), setting=Setting("upstream_tls")),
    Row("h2", "HTTP/2 over TLS, 16 connections x 8 streams", H2load(16, 8), Goal(1.0, "haproxy"), setting=Setting("tls")),
    Row("handshake", "a full TLS 1.3 handshake", Handshakes(), Goal(0.5, "haproxy"), setting=Setting("tls"), forwards=False, saturates=False),
    Row("down-1m", "1 MiB down, 16 connections", Wrk(16, f"/bytes/{_MIB}"), Goal(1.0, "best"), _BULK, unit="s/GiB", saturates=False),
    Row("down-64m", "64 MiB down, 4 connections", Wrk(4, f"/bytes/{64 * _MIB}"), Goal(1.0, "best"), _BULK, unit="s/GiB", saturates=False),
    Row("up-1m", "1 MiB up, 16 connections", Wrk(16, upload=_MIB), Goal(1.0, "best"), _BULK, unit="s/GiB", saturates=False),
    Row("up-64m", "64 MiB up, 4 connections", Wrk(4, upload=64 * _MIB), Goal(1.0, "best"), _BULK, unit="s/GiB", saturates=False),
    Row(
        "never-seen",
        "a JWT never seen: RS256 verified, exchanged, forwarded",
        Rotating("rs256", take=4000, fresh=True),
        Goal(100.0),
        ("lakegate", "nginx-lua", "envoy-jwt"),
        saturates=False,
    ),
    Row("one-worker", "HTTP/1.1, 64 connections, one worker on both cores", Wrk(64), Goal(1.0, "haproxy"), _BEST, Setting(cores=_BOTH), _BOTH, saturates=False),
    Row("two-workers", "HTTP/1.1, 64 connections, two workers on both cores", Wrk(64), Goal(1.0, "haproxy"), _BEST, Setting(workers=2, cores=_BOTH), _BOTH, saturates=False),
]
BY_NAME = {row.name: row for row in ROWS}
