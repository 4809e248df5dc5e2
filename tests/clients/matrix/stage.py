"""The fakes and the gateways, as processes."""

import http.client
import json
import socket
import ssl
import subprocess
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .condition import Condition

# Nothing listens on the discard port.
CLOSED = "https://localhost:9"

# Each place is a workspace of a gateway's, on an address of its own; the last one has its gateway to itself.
ROUTED = ["good", "throttled", "tokenless", "away"]
PLACES = [*ROUTED, "full"]


@dataclass(frozen=True)
class Stage:
    """Where everything is while the matrix runs."""

    issuer: str
    hosts: dict
    ca: Path

    def token(self, condition: Condition, subject: str) -> str:
        return _fetch(f"{self.issuer}/mint?sub={subject}{condition.value.token}")


@contextmanager
def stage(programs: Path, folder: Path):
    """Fakes, and two gateways: one with room, one that is full."""
    folder.mkdir(parents=True, exist_ok=True)
    addresses, port = _free_addresses()
    hosts = {place: _host(address, port) for place, address in addresses.items()}
    with ExitStack() as stack:
        fakes = stack.enter_context(_fakes(programs, folder, addresses.values()))
        for name, limit, places in [("roomy", 10000, ROUTED), ("full", 1, ["full"])]:
            config = _config(fakes, {place: hosts[place] for place in places}, port, limit)
            stack.enter_context(_gateway(programs, folder / f"{name}.toml", config))
        found = Stage(fakes["issuer"], hosts, folder / "ca.pem")
        stack.enter_context(_request_that_stays(found))
        yield found


@contextmanager
def _fakes(programs: Path, folder: Path, names):
    command = [programs / "examples" / "fakes", folder, *names]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield json.loads(process.stdout.readline())
    rest, _ = process.communicate()
    leaked = json.loads(rest)["leaked_jwts"]
    assert leaked == 0, f"{leaked} JWTs of the identity provider reached the workspace's API"


@contextmanager
def _gateway(programs: Path, file: Path, config: str):
    file.write_text(config)
    with open(file.with_suffix(".log"), "w") as log:
        command = [programs / "lakegate", "run", "--config", file]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait_for_ready(file.with_suffix(".log"), process)
            yield
        finally:
            process.kill()
            process.wait()


def _wait_for_ready(log: Path, process):
    deadline = time.monotonic() + 30
    while not all(sign in log.read_text() for sign in ("listening", "keys fetched")):
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


@contextmanager
def _request_that_stays(found: Stage):
    """Takes the only place in the full gateway, with a stream that never ends."""
    host = found.hosts["full"]
    connection = http.client.HTTPSConnection(host, context=ssl.create_default_context(cafile=found.ca))
    token = found.token(Condition.CALL, "guest@example.com")
    connection.request("GET", "/testbed/stream", headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    yield
    connection.close()


def _config(fakes, hosts, port, limit) -> str:
    workspaces = {
        "good": {"url": fakes["workspace"]},
        "throttled": {"url": fakes["throttled"]},
        "tokenless": {"url": fakes["workspace"], "token_url": f"{CLOSED}/oidc/v1/token"},
        "away": {"url": CLOSED, "token_url": f"{fakes['workspace']}/oidc/v1/token"},
        "full": {"url": fakes["workspace"]},
    }
    listen = [f"{host.split(':')[0]}:{port}" for host in hosts.values()]
    lines = [
        "[server]",
        f"listen = {json.dumps(listen)}",
        'tls = { cert = "tls.crt", key = "tls.key" }',
        f"max_requests_in_flight = {limit}",
        "[outbound]",
        'ca = "ca.pem"',
        "[[issuer]]",
        f'url = "{fakes["issuer"]}"',
        'audiences = ["databricks-gateway"]',
    ]
    for place, host in hosts.items():
        settings = {"name": place, "hosts": [host], **workspaces[place]}
        lines += ["[[workspace]]", *(f"{key} = {json.dumps(value)}" for key, value in settings.items())]
    return "\n".join(lines) + "\n"


def _free_addresses():
    """One loopback address for each place, all with port 443 free if there are any, else all with one that is."""
    for port in (443, 0):
        for network in range(1, 255):
            addresses = {place: f"127.0.{network}.{number}" for number, place in enumerate(PLACES, 1)}
            found = _bindable(list(addresses.values()), port)
            if found:
                return addresses, found
    raise SystemExit("no free address on loopback")


def _bindable(addresses, port):
    try:
        for address in addresses:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
                port = probe.getsockname()[1]
    except OSError:
        return None
    return port


def _host(address, port):
    return address if port == 443 else f"{address}:{port}"


def _fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()
