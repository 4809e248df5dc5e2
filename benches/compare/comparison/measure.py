"""One row: every peer in turn, round after round, so that whatever disturbs the machine disturbs all of them; or all at once."""

import resource
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median

from . import wire
from .load import Target
from .peers import BY_NAME, started
from .place import BUILT, ORIGIN, ORIGIN_TLS
from .process import busy, running


LONGEST_WARM_UP = 900


@dataclass(frozen=True)
class Effort:
    """How often each peer has its turn, and how many seconds a turn is."""

    rounds: int
    seconds: int


@dataclass(frozen=True)
class Sample:
    """One peer under load once."""

    cost: float
    # How much of the time its workers ran or would have: below 0.9 the load was not enough to fill them.
    wanted: float
    # How much of its cores' time went to programs that have nothing to do with the comparison.
    foreign: float


@dataclass(frozen=True)
class Figure:
    """One peer in one row."""

    median: float
    low: float
    high: float
    wanted: float
    foreign: float
    samples: int

    @classmethod
    def of(cls, samples):
        costs = sorted(sample.cost for sample in samples)
        return cls(
            median(costs),
            costs[0],
            costs[-1],
            median(sample.wanted for sample in samples),
            median(sample.foreign for sample in samples),
            len(costs),
        )


@contextmanager
def origin(place, expires_in=3600, cores=(1,)):
    command = [BUILT / "origin", "--plain", f"127.0.0.1:{ORIGIN}", "--tls", f"127.0.0.1:{ORIGIN_TLS}"]
    command += ["--cert", place.folder / "cert.pem", "--key", place.folder / "key.pem", "--expires-in", expires_in]
    log = place.folder / "origin.log"
    with running(command, cores, log) as process:
        wire.wait_for(ORIGIN, process, log)
        yield process


def row(row, place, effort, at_once=False):
    """Figures by the names of peers. Each has turns of its own, or all have the same ones: what disturbs one then disturbs the others
    alike, but each finds less of its own in the caches."""
    if at_once and row.unit == "s/GiB":
        raise RuntimeError("the origin cannot tell apart the bytes of several")
    samples = {name: [] for name in row.peers}
    with ExitStack() as stack:
        behind = stack.enter_context(origin(place, cores=row.load_cores))
        proxies = [stack.enter_context(started(BY_NAME[name], place, row.setting)) for name in row.peers]
        for proxy in proxies:
            probe(proxy, place)
            if row.warm:
                row.warm.run(Target(proxy.port, proxy.secure, place, row.load_cores), LONGEST_WARM_UP)
        for turn in range(effort.rounds):
            for group in [proxies] if at_once else [[proxy] for proxy in proxies]:
                targets = [Target(proxy.port, proxy.secure, place, row.load_cores, turn) for proxy in group]
                for proxy, sample in zip(group, _samples(row, group, behind, targets, effort.seconds)):
                    samples[proxy.peer.name].append(sample)
    return {name: Figure.of(those) for name, those in samples.items()}


def probe(proxy, place):
    """One right answer before any load: 200, and as long as it must be."""
    status, body = wire.get(proxy.port, "/", place.token(), place.ca if proxy.secure else None)
    if (status, len(body)) != (200, 1024):
        raise RuntimeError(f"{proxy.peer.name} answers {status} with {len(body)} bytes: {body[:200]}")


def _samples(row, proxies, behind, targets, seconds):
    """One turn, of one proxy or of several at once."""
    cores, workers = row.setting.cores, row.setting.workers
    before, cpu, others = wire.settled(ORIGIN, row.silence), [proxy.process.cpu() for proxy in proxies], _others(row, behind)
    begun = time.monotonic()
    with ThreadPoolExecutor(len(targets)) as loads:
        done = list(loads.map(lambda target: row.load.run(target, seconds), targets))
    used, lasted = [proxy.process.cpu() - had for proxy, had in zip(proxies, cpu)], time.monotonic() - begun
    foreign = (_others(row, behind) - others - sum(one.ran for one in used)) / lasted / len(cores)
    if not all(done):
        raise RuntimeError(f"{seconds} s were not enough for one answer of each")
    after = wire.seen(ORIGIN)
    came = {kind: after[kind] - before[kind] for kind in after}
    if row.forwards:
        _judge(proxies, came, done)
    work = [came["bytes"] / 2**30] if row.unit == "s/GiB" else [answers / 1e6 for answers in done]
    time_for_all = min(lasted, seconds) * workers
    return [Sample(one.ran / its, one.wanted(workers) / time_for_all, foreign) for one, its in zip(used, work)]


def _others(row, behind):
    """What the proxy's cores have worked; without the load and what is behind the proxy, where those are on the same cores."""
    if not set(row.setting.cores) & set(row.load_cores):
        return busy(row.setting.cores)
    load = resource.getrusage(resource.RUSAGE_CHILDREN)
    return busy(row.setting.cores) - load.ru_utime - load.ru_stime - behind.cpu().ran


def _judge(proxies, came, done):
    """Every request has reached the origin, under the token that its peer has to send and no other."""
    right = Counter()
    for proxy, some in zip(proxies, done):
        right[_sends(proxy.peer)] += some
    strangers = sum(came[kind] for kind in ("swapped", "fixed", "leaked", "other", "absent") if kind not in right)
    if strangers or any(came[kind] < some for kind, some in right.items()):
        names = ", ".join(proxy.peer.name for proxy in proxies)
        raise RuntimeError(f"{names}: the origin saw {came}; all of them should be {dict(right)}")


def _sends(peer):
    if peer.work.startswith("nothing"):
        return "leaked"
    return "swapped" if peer.swaps else "fixed"
