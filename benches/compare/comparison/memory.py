"""What a connection and a cached token hold: growth of the process's share of memory."""

import json
import subprocess
import time
from contextlib import contextmanager

from . import measure
from .load import Rotating, Target
from .peers import BY_NAME, Setting, started
from .place import BUILT

IDLE_CONNECTIONS = 4000
# Others that come and go.
PASSERS_BY = 200
# A proxy may keep more for a connection that was used a moment ago. All rest for much longer than this.
SETTLED_SECONDS = 6
IDLE_PEERS = ("lakegate", "haproxy", "nginx", "envoy")


def idle(place, way):
    """KiB for a connection that made one request and rests, by the names of peers."""
    return {name: _idle(BY_NAME[name], place, way) for name in IDLE_PEERS}


def cached_token(place, count):
    """Bytes for each of `count` subjects: a JWT of 1 KB seen, a Databricks token of 1 KB held."""
    setting = Setting(capacity=1_200_000)
    with measure.origin(place), started(BY_NAME["lakegate"], place, setting) as proxy:
        target = Target(proxy.port, False, place, (1,))
        Rotating("rs256", take=1).run(target, 1)
        before = proxy.process.memory()
        if Rotating("es256", take=count, fresh=True).run(target, measure.LONGEST_WARM_UP) != count:
            raise RuntimeError(f"not all of {count} tokens were used")
        return (proxy.process.memory() - before) / count


def _idle(peer, place, way):
    with measure.origin(place), started(peer, place, Setting(way)) as proxy:
        target = Target(proxy.port, proxy.secure, place, (1,))
        # What the first connections make it set up is nobody's in particular.
        _pass_by(target)
        before = proxy.process.memory()
        with _resting(target, IDLE_CONNECTIONS):
            time.sleep(SETTLED_SECONDS)
            # Allocators give back what is free when they have something to do.
            _pass_by(target)
            return (proxy.process.memory() - before) / IDLE_CONNECTIONS / 1024


def _pass_by(target):
    with _resting(target, PASSERS_BY):
        pass


@contextmanager
def _resting(target, connections):
    command = [BUILT / "load", "idle", "--address", f"127.0.0.1:{target.port}", "--connections", connections]
    command += ["--tokens", target.place.tokens("rs256"), "--take", 1]
    if target.secure:
        command += ["--ca", target.place.ca]
    with subprocess.Popen([*map(str, command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as load:
        if load.stdout.readline().strip() != "resting":
            raise RuntimeError("the connections could not be opened")
        yield
        said, _ = load.communicate()
        if json.loads(said)["requests"] != connections:
            raise RuntimeError("not every connection had its answer")
