"""`benches/compare/run`: what is to be measured, and what becomes of it."""

import argparse
import resource
import sys
from dataclasses import dataclass

from . import measure, place, rows, table


@dataclass(frozen=True)
class Effort:
    rounds: int
    seconds: float


QUICK = Effort(rounds=2, seconds=1.5)
WHOLE = Effort(rounds=7, seconds=2)
_QUICK_ROWS = ("h1-64", "h1-256")
_QUICK_PEERS = ("lakegate", "haproxy", "nginx")


def main():
    asked = _arguments()
    _prepare()
    effort = QUICK if asked.quick else WHOLE
    effort = Effort(asked.rounds or effort.rounds, asked.seconds or effort.seconds)
    with place.prepared({"rs256": 1 + 4000 * effort.rounds}) as where:
        for row in _chosen(asked):
            print(table.of(row, measure.row(row, where, effort)), flush=True)


def _arguments():
    parser = argparse.ArgumentParser(prog="benches/compare/run", description="lakegate beside other proxies")
    parser.add_argument("--quick", action="store_true", help="a minute: HTTP/1.1 against HAProxy and nginx")
    parser.add_argument("--row", action="append", choices=rows.BY_NAME, help="this row; may be repeated")
    parser.add_argument("--peer", action="append", choices=rows.ALL, help="these peers alone; may be repeated")
    parser.add_argument("--rounds", type=int, help="how often each peer has its turn")
    parser.add_argument("--seconds", type=float, help="how long a turn is")
    return parser.parse_args()


def _chosen(asked):
    names = asked.row or (_QUICK_ROWS if asked.quick else rows.BY_NAME)
    for name in names:
        row = rows.BY_NAME[name]
        peers = asked.peer or (_QUICK_PEERS if asked.quick else row.peers)
        yield row.among(peers)


def _prepare():
    """A proxy between ten thousand connections holds twenty thousand."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


sys.exit(main())
