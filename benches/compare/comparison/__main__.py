"""`benches/compare/run`: what is to be measured, and what becomes of it."""

import argparse
import resource
import sys
from dataclasses import asdict

from . import exchanges, latency, measure, memory, place, report, rows, table
from .figures import Figures
from .measure import Effort

QUICK = Effort(rounds=3, seconds=1)
WHOLE = Effort(rounds=7, seconds=2)
_QUICK_ROWS = ("h1-64", "h1-256")
_QUICK_PEERS = ("lakegate", "haproxy", "nginx")
# What is no row: by the names that `--row` knows.
_OTHERS = ("idle", "tokens", "latency", "exchanges")


def main():
    asked = _arguments()
    if asked.report:
        return report.write(Figures())
    _raise_limits()
    effort = QUICK if asked.quick else WHOLE
    effort = Effort(asked.rounds or effort.rounds, asked.seconds or effort.seconds)
    names = asked.row or (_QUICK_ROWS if asked.quick else [*rows.BY_NAME, *_OTHERS])
    figures = Figures() if asked.publish else None
    failed = False
    with place.prepared(_batches(names, effort, asked.subjects)) as where:
        for name in names:
            try:
                _measure(name, where, effort, asked, figures)
            except RuntimeError as error:
                print(f"{name}: not measured: {error}", file=sys.stderr, flush=True)
                failed = True
    if figures:
        report.write(figures)
    return failed


def _arguments():
    parser = argparse.ArgumentParser(prog="benches/compare/run", description="lakegate beside other proxies")
    parser.add_argument("--quick", action="store_true", help="a minute: HTTP/1.1 against HAProxy and nginx")
    parser.add_argument("--row", action="append", choices=[*rows.BY_NAME, *_OTHERS], help="this row; may be repeated")
    parser.add_argument("--peer", action="append", choices=[*rows.ALL, *rows.ASIDE], help="these peers alone; may be repeated")
    parser.add_argument("--rounds", type=int, help="how often each peer has its turn")
    parser.add_argument("--seconds", type=int, help="how long a turn is")
    parser.add_argument("--at-once", action="store_true", help="all peers at the same time, on the same core: on an uneven machine, several times as exact")
    parser.add_argument("--subjects", type=int, default=1_000_000, help="the most distinct subjects there shall be")
    parser.add_argument("--publish", action="store_true", help="keep the figures, and write docs/performance.md anew")
    parser.add_argument("--report", action="store_true", help="write docs/performance.md from the figures that are kept")
    asked = parser.parse_args()
    if asked.at_once and asked.publish:
        parser.error("what was measured at once is not published: the rows are of peers that have a core of their own")
    return asked


def _measure(name, where, effort, asked, figures):
    if name in _OTHERS:
        _other(name, where, effort, asked.subjects, figures)
    else:
        _row(rows.BY_NAME[name], where, effort, asked, figures)


def _row(row, where, effort, asked, figures):
    row = row.among(asked.peer or (_QUICK_PEERS if asked.quick else row.peers))
    if row.distinct > asked.subjects:
        return
    measured = measure.row(row, where, effort, asked.at_once)
    print(table.of(row, measured), flush=True)
    if figures:
        figures.add("rows", row.name, measured)


def _other(name, where, effort, subjects, figures):
    counts = [count for count in (100_000, 1_000_000) if count <= subjects]
    measured = {
        "idle": lambda: {way: memory.idle(where, way) for way in ("plain", "tls")},
        "tokens": lambda: {str(count): memory.cached_token(where, count) for count in counts},
        "latency": lambda: {"half": latency.added(where, effort)},
        "exchanges": lambda: {"rates": [asdict(rate) for rate in exchanges.measured(where)]},
    }[name]()
    print(name, measured, flush=True)
    for key, value in measured.items() if figures else ():
        figures.add(name, key, value)


def _batches(names, effort, subjects):
    """As many tokens as the rows want."""
    wanted = [rows.BY_NAME[name].distinct for name in names if name in rows.BY_NAME]
    wanted += [min(subjects, 1_000_000)] * ("tokens" in names) + [5000] * ("exchanges" in names)
    most = max((count for count in wanted if count <= subjects), default=0)
    fresh = rows.FRESH * effort.rounds if "never-seen" in names else 0
    return {"rs256": 1 + fresh} | ({"es256": most} if most else {})


def _raise_limits():
    """A proxy between ten thousand connections holds twenty thousand."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())
