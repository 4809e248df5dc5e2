"""How many instructions the gateway executes for a request whose tokens it remembers: a figure that needs no quiet machine.

The program, as tests build it, runs under callgrind and answers requests on one connection, one after the other; what a few
and what many of them took, subtracted, leaves out how it starts and ends. All its threads are counted but the first, which serves
nobody: it starts the others, and what that takes differs by millions from run to run, which are thousands for each request.
"""

import argparse
import http.client
import json
import os
import re
import subprocess
import sys
from dataclasses import replace

from . import measure
from .peers import BY_NAME, Setting, started
from .place import ROOT, prepared

COMMITTED = ROOT / "benches/instructions.json"
FEW, MANY = 200, 1200
MOST_GROWTH = 0.05
# What is shipped has a profile, which differs from build to build.
OURS = BY_NAME["lakegate-plain"]


def main():
    parser = argparse.ArgumentParser(prog="benches/instructions", description=__doc__.splitlines()[0])
    parser.add_argument("--commit", action="store_true", help=f"write the figure to {COMMITTED.name}")
    parser.add_argument("--silent", action="store_true", help="only tell how much of it the logs are")
    asked = parser.parse_args()
    if asked.silent:
        return tell_silence()
    figure = {"instructions": per_request(), "toolchain": toolchain()}
    if asked.commit:
        COMMITTED.write_text(json.dumps(figure, indent=2) + "\n")
    return judge(figure, json.loads(COMMITTED.read_text()))


def tell_silence():
    """What the access log and tracing cost; counters are always on."""
    usual, silent = per_request(), per_request(replace(OURS, files=BY_NAME["lakegate-silent"].files))
    print(f"{usual} instructions for a request, {silent} without any log: it takes {1 - silent / usual:.1%}")
    return 0


def per_request(peer=OURS):
    with prepared({"rs256": 1}) as place, measure.origin(place, cores=_cores()):
        few, many = (_executed(peer, place, requests) for requests in (FEW, MANY))
    return round((many - few) / (MANY - FEW))


def toolchain():
    """Another compiler makes other instructions."""
    return subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.strip()


def judge(figure, committed):
    """0 while the hit path is no dearer than it was."""
    now, then = figure["instructions"], committed["instructions"]
    growth = now / then - 1
    print(f"{now} instructions for a request, {growth:+.1%} against the {then} committed")
    if figure["toolchain"] != committed["toolchain"]:
        print(f"not judged: that was {committed['toolchain']}, this is {figure['toolchain']}")
        return 0
    if growth > MOST_GROWTH:
        print(f"more than {MOST_GROWTH:.0%} dearer. If it has to be: benches/instructions --commit", file=sys.stderr)
        return 1
    return 0


def _executed(peer, place, requests):
    report = f"callgrind-{requests}"
    tool = ["valgrind", "--tool=callgrind", "--separate-threads=yes", f"--callgrind-out-file={place.folder / report}"]
    with started(replace(peer, command=[*tool, *peer.command]), place, Setting(cores=_cores())) as proxy:
        _ask(proxy.port, place.token(), requests)
    threads = [thread for thread in place.folder.glob(f"{report}-*") if not thread.name.endswith("-01")]
    if not threads:
        raise RuntimeError("callgrind has counted no thread that serves")
    return sum(int(re.search(r"^totals: (\d+)$", thread.read_text(), re.MULTILINE)[1]) for thread in threads)


def _ask(port, token, requests):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(requests):
        connection.request("GET", "/api/2.0/sql/statements/1", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        length = len(answer.read())
        if (answer.status, length) != (200, 1024):
            raise RuntimeError(f"the answer is {answer.status} with {length} bytes")
    connection.close()


def _cores():
    return tuple(sorted(os.sched_getaffinity(0)))


if __name__ == "__main__":
    sys.exit(main())
