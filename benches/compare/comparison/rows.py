"""The rows of the comparison: which load, on whom, and what ours must reach."""

from dataclasses import dataclass, replace

from .load import H2load, Handshakes, Rotating, Wrk
from .peers import BY_NAME as PEERS
from .peers import Setting

# Tokens that one turn uses up where each is used once.
FRESH = 4000
_MIB = 1 << 20
_BEST = ("lakegate", "haproxy", "nginx", "envoy")


@dataclass(frozen=True)
class Goal:
    """At most so many times the figure of `of`: a peer, the `best` of them, our own in another row; or so many units. 0: no goal."""

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
    # What each peer is asked first, without being measured: what shall be in caches.
    warm: object = None
    # How many seconds without a request end a turn: thousands of connections that are cut have requests in many a queue.
    silence: float = 0.1
    # Where a figure is no matter of full load, an idle core says nothing.
    saturates: bool = True

    @property
    def distinct(self):
        """How many subjects must be known."""
        return self.warm.take if self.warm else 0

    def among(self, names):
        """The same row with these peers alone."""
        aside = (name for name in ASIDE if PEERS[name].takes(self.setting.way))
        return replace(self, peers=tuple(name for name in (*self.peers, *aside) if name in names))


ALL = ("lakegate", "lakegate-plain", "haproxy", "nginx", "nginx-lua", "envoy", "envoy-jwt", "pingora", "caddy", "haproxy-tcp")
# Part of a row only where they are asked for.
ASIDE = ("lakegate-silent",)
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
        Rotating("rs256", take=FRESH, fresh=True),
        Goal(100.0),
        ("lakegate", "nginx-lua", "envoy-jwt"),
        saturates=False,
    ),
    Row("one-worker", "HTTP/1.1, 64 connections, one worker on both cores", Wrk(64), Goal(0), _BEST, Setting(cores=_BOTH), _BOTH, saturates=False),
    Row("two-workers", "HTTP/1.1, 64 connections, two workers on both cores", Wrk(64), Goal(1.05, "one-worker"), _BEST, Setting(workers=2, cores=_BOTH), _BOTH, saturates=False),
    # The same with as much load on each core. Of the rows before, the load has a core nearly to itself in one, and none in the other.
    Row("one-core", "HTTP/1.1, 64 connections, one worker and the load on one core", Wrk(64), Goal(0), _BEST, Setting(), (0,), saturates=False),
    Row("two-cores", "HTTP/1.1, 128 connections, two workers and the load on two cores", Wrk(128), Goal(1.05, "one-core"), _BEST, Setting(workers=2, cores=_BOTH), _BOTH, saturates=False),
]
BY_NAME = {row.name: row for row in ROWS}


def _series(name, points, row):
    """Rows that differ in one number."""
    return {point: row(f"{name}-{point}", point) for point in points}


def _subjects(name, count):
    load, warm = Rotating("es256", take=count), Rotating("es256", take=count, fresh=True)
    setting = Setting(capacity=1_200_000)
    return Row(name, f"{count:,} subjects in turn", load, Goal(0), ("lakegate",), setting, warm=warm, saturates=False)


def _connections(name, count):
    # The origin holds a connection for each of every peer, and may have 20,000 files open.
    peers = ("lakegate", "haproxy", "nginx") if count < 5000 else ("lakegate", "haproxy")
    return Row(name, f"{count:,} connections", Wrk(count), Goal(0), peers, silence=0.1 if count < 5000 else 2.0, saturates=False)


def _size(name, size):
    connections = 64 if size <= 1 << 16 else 16 if size <= _MIB else 4
    load = Wrk(connections, f"/bytes/{size}")
    return Row(name, f"an answer of {size:,} bytes", load, Goal(0), ("lakegate", "haproxy", "nginx"), saturates=False)


# How cost grows: by name what the number means, and a row for each number.
SERIES = {
    "subjects": ("distinct subjects, their tokens cached", _series("subjects", [10**n for n in range(7)], _subjects)),
    "connections": ("connections", _series("connections", [1, 4, 16, 64, 256, 1024, 4096, 9900], _connections)),
    "size": ("bytes of the answer", _series("size", [0, 1 << 10, 1 << 14, 1 << 18, _MIB, 1 << 24, 1 << 26], _size)),
}
BY_NAME |= {row.name: row for _, points in SERIES.values() for row in points.values()}
