"""Who is compared: how each is started, and what it does with a token."""

import string
from contextlib import contextmanager
from dataclasses import dataclass, field

from . import wire
from .place import BUILT, FIXED, HERE, ORIGIN, TOOLS
from .process import running


@dataclass(frozen=True)
class Peer:
    name: str
    title: str
    # What it does for a request beside forwarding it.
    work: str
    # Its configurations by the way that requests take; the empty key stands for every way.
    files: dict
    # `{file}` is the configuration, the others are names of templates.
    command: list
    environment: dict = field(default_factory=dict)
    swaps: bool = False
    version: tuple = ()

    def takes(self, way):
        return way in self.files or "" in self.files


@dataclass(frozen=True)
class Proxy:
    """A peer that runs, and the port where it is to be asked."""

    peer: Peer
    process: object
    port: int
    secure: bool


@dataclass(frozen=True)
class Setting:
    """How a peer is started: the way that requests take, and its workers on which cores."""

    way: str = "plain"
    workers: int = 1
    cores: tuple = (0,)
    capacity: int = 100_000


class Template(string.Template):
    """`@name`: `$` and braces mean something in too many configurations."""

    delimiter = "@"


WAYS = ("plain", "tls", "upstream_tls")
_SHIPPED = BUILT.parent / "shipped/lakegate"
_RUN = ["run", "--config", "{file}"]
_ENVOY = [TOOLS / "envoy", "-c", "{file}", "--concurrency", "@workers", "--disable-hot-restart", "-l", "off"]

PEERS = [
    Peer(
        "lakegate",
        "lakegate",
        "look-up, swap, rewrite; verification and exchange of what is new; metrics, access log",
        {"plain": "lakegate.toml", "tls": "lakegate-tls.toml", "upstream_tls": "lakegate-upstream-tls.toml"},
        [_SHIPPED, *_RUN],
        swaps=True,
        version=(_SHIPPED, "--version"),
    ),
    Peer(
        "lakegate-plain",
        "lakegate, by `cargo build`",
        "the same, without the profile",
        {"plain": "lakegate.toml"},
        [BUILT / "lakegate", *_RUN],
        swaps=True,
    ),
    Peer(
        "lakegate-silent",
        "lakegate, silent",
        "the same, without any log",
        {"plain": "lakegate-silent.toml"},
        [_SHIPPED, *_RUN],
        swaps=True,
    ),
    Peer("haproxy", "HAProxy", "a fixed header", {"": "haproxy.cfg"}, ["haproxy", "-db", "-f", "{file}"], version=("haproxy", "-v")),
    Peer("nginx", "nginx", "a fixed header", {"": "nginx.conf"}, ["nginx", "-c", "{file}"], version=("nginx", "-v")),
    Peer(
        "nginx-lua",
        "nginx + Lua",
        "look-up, swap; exchange of what is new, no verification",
        {"plain": "nginx-lua.conf"},
        ["nginx", "-c", "{file}"],
        swaps=True,
    ),
    Peer(
        "envoy",
        "Envoy",
        "a fixed header",
        {"": "envoy.yaml"},
        [*_ENVOY, "--base-id", "1"],
        version=(TOOLS / "envoy", "--version"),
    ),
    Peer(
        "envoy-jwt",
        "Envoy + jwt_authn",
        "verification of what is new, a fixed header, no exchange",
        {"plain": "envoy-jwt.yaml"},
        [*_ENVOY, "--base-id", "2"],
    ),
    Peer(
        "pingora",
        "Pingora",
        "a fixed header",
        {"plain": None},
        [TOOLS / "pingora/release/pingora-peer", "127.0.0.1:@plain", f"127.0.0.1:{ORIGIN}", "@workers", FIXED],
    ),
    Peer(
        "caddy",
        "Caddy",
        "a fixed header",
        {"plain": "Caddyfile"},
        ["caddy", "run", "--adapter", "caddyfile", "--config", "{file}"],
        {"GOGC": "400", "GOMAXPROCS": "@workers"},
        version=("caddy", "version"),
    ),
    Peer(
        "haproxy-tcp",
        "HAProxy, bytes only",
        "nothing: it reads no HTTP",
        {"plain": "haproxy-tcp.cfg"},
        ["haproxy", "-db", "-f", "{file}"],
    ),
]
BY_NAME = {peer.name: peer for peer in PEERS}
_BASE = {peer.name: 21010 + 10 * number for number, peer in enumerate(PEERS)}


@contextmanager
def started(peer, place, setting):
    """The peer, once it accepts connections."""
    base = _BASE[peer.name]
    ports = {way: base + number for number, way in enumerate(WAYS)}
    names = place.names() | ports | {"admin": base + 9, "workers": setting.workers, "capacity": setting.capacity}
    file = peer.files.get(setting.way, peer.files.get(""))
    if file:
        template = Template((HERE / "peers" / file).read_text())
        configured = place.folder / file
        configured.write_text(template.substitute(names))
        names["file"] = configured

    def fill(text):
        text = str(text)
        return str(names["file"]) if text == "{file}" else Template(text).substitute(names)

    environment = {name: fill(value) for name, value in peer.environment.items()} | {"HOME": str(place.folder)}
    log = place.folder / f"{peer.name}.log"
    with running(map(fill, peer.command), setting.cores, log, environment) as process:
        port = ports[setting.way]
        wire.wait_for(port, process, log)
        yield Proxy(peer, process, port, setting.way == "tls")
