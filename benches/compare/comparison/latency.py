"""What a proxy adds to the time of a request while it is half busy."""

import time
from contextlib import ExitStack
from statistics import median

from . import measure
from .load import Target, Wrk, paced
from .peers import BY_NAME, Setting, started
from .place import ORIGIN
from .process import busy

PEERS = ("lakegate", "haproxy", "nginx")


def added(place, effort):
    """Microseconds at the median and at the 99th percentile beyond those without a proxy, at half of what HAProxy can do."""
    with ExitStack() as stack:
        stack.enter_context(measure.origin(place))
        targets, proxies = {"direct": Target(ORIGIN, False, place, (1,))}, []
        for name in PEERS:
            proxy = stack.enter_context(started(BY_NAME[name], place, Setting()))
            measure.probe(proxy, place)
            proxies.append(proxy.process)
            targets[name] = Target(proxy.port, False, place, (1,))
        rate = Wrk(64).run(targets["haproxy"], 2) / 2 / 2
        begun, worked = time.monotonic(), _foreign(proxies)
        rounds = [{name: paced(target, rate, effort.seconds) for name, target in targets.items()} for _ in range(effort.rounds)]
        foreign = (_foreign(proxies) - worked) / (time.monotonic() - begun)
    figures = {"rate": rate, "foreign": foreign}
    for name in PEERS:
        for quantile in ("p50_us", "p99_us"):
            beyond = [turn[name][quantile] - turn["direct"][quantile] for turn in rounds]
            figures.setdefault(name, {})[quantile] = median(beyond)
    return figures


def _foreign(proxies):
    """Seconds that the proxies' core has worked for others."""
    return busy((0,)) - sum(proxy.cpu().ran for proxy in proxies)
