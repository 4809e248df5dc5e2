"""How often the token endpoint is asked: measured on one machine, computed for many."""

import time
from dataclasses import dataclass

from . import measure, wire
from .load import Rotating, Target
from .peers import BY_NAME, Setting, started
from .place import ORIGIN

# Nothing is served in the last seconds of a token: an entry lives that much shorter.
MARGIN = 5
# (subjects, seconds that a token lives)
MEASURED = ((100, 15), (1000, 15), (1000, 25), (5000, 25))


@dataclass(frozen=True)
class Rate:
    subjects: int
    lifetime: int
    measured: float
    computed: float


def computed(subjects, lifetime, replicas=1):
    """Exchanges per second when every subject is active all the time at every replica: the most that there can be."""
    return subjects * replicas / (lifetime - MARGIN)


def measured(place):
    return [_measure(place, subjects, lifetime) for subjects, lifetime in MEASURED]


def _measure(place, subjects, lifetime):
    """Over two lives of a token, from the middle of one to the middle of another. Those who are exchanged in one rush are so again in the
    next, at the end of each life: counted from end to end, a rush would be in or out of it by chance."""
    with measure.origin(place, expires_in=lifetime), started(BY_NAME["lakegate"], place, Setting()) as proxy:
        target = Target(proxy.port, False, place, (1,))
        load = Rotating("es256", take=subjects)
        load.run(target, (lifetime - MARGIN) * 3 // 2)
        before, begun = wire.seen(ORIGIN)["exchanges"], time.monotonic()
        load.run(target, 2 * (lifetime - MARGIN))
        rate = (wire.seen(ORIGIN)["exchanges"] - before) / (time.monotonic() - begun)
    return Rate(subjects, lifetime, rate, computed(subjects, lifetime))
