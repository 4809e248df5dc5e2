"""A program that is measured: started on given cores, watched through /proc, ended."""

import os
import signal
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cpu:
    """What each thread of a process and its children has had: seconds that it ran, and seconds that it was ready but waited for a core."""

    threads: dict

    @property
    def ran(self):
        return sum(ran for ran, _ in self.threads.values())

    def wanted(self, workers):
        """Seconds that its busiest threads, as many as there are workers, ran or would have."""
        return sum(sorted(map(sum, self.threads.values()))[-workers:])

    def __sub__(self, earlier):
        before = {thread: earlier.threads.get(thread, (0, 0)) for thread in self.threads}
        return Cpu({thread: (ran - before[thread][0], waited - before[thread][1]) for thread, (ran, waited) in self.threads.items()})


class Process:
    def __init__(self, popen):
        self._popen = popen

    @property
    def alive(self):
        return self._popen.poll() is None

    def cpu(self):
        """From the scheduler's own books (`schedstat`), which count in nanoseconds and not in ticks."""
        threads = {}
        for pid in self._pids():
            for books in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                with suppress(FileNotFoundError, ProcessLookupError):
                    ran, waited = books.read_text().split()[:2]
                    threads[books.parent.name] = (int(ran) / 1e9, int(waited) / 1e9)
        return Cpu(threads)

    def memory(self):
        """Bytes that are this process's share (PSS)."""
        total = 0
        for pid in self._pids():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        return total

    def stop(self):
        self._popen.send_signal(signal.SIGTERM)
        try:
            self._popen.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()

    def _pids(self):
        """The whole tree: some proxies do their work in children."""
        found, waiting = [], [self._popen.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                with suppress(FileNotFoundError, ProcessLookupError):
                    waiting += map(int, children.read_text().split())
        return found


def busy(cores):
    """Seconds that these cores have worked for anybody (`/proc/stat`)."""
    ticks = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *columns = line.split()
        if name in {f"cpu{core}" for core in cores}:
            user, nice, system, _idle, _waiting, hard, soft, *_ = map(int, columns)
            ticks += user + nice + system + hard + soft
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(command, cores, log, environment=None):
    """Runs `command` on `cores`; what it prints goes to the file `log`, as a service manager would have it."""
    with open(log, "wb") as output:
        popen = _start(command, cores, stdout=output, stderr=subprocess.STDOUT, env=os.environ | (environment or {}))
    process = Process(popen)
    try:
        yield process
    finally:
        process.stop()


def said(command, cores):
    """Runs `command` to its end, and returns what it printed."""
    popen = _start(command, cores, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    output, errors = popen.communicate()
    if popen.returncode:
        raise RuntimeError(f"{command[0]}: {output[-500:]}{errors[-500:]}")
    return output


def _start(command, cores, **options):
    """In a session of its own, which is put before other jobs of the machine where that is allowed (`autogroup` in sched(7))."""
    pinned = ["taskset", "-c", ",".join(map(str, cores)), *map(str, command)]
    popen = subprocess.Popen(pinned, stdin=subprocess.DEVNULL, start_new_session=True, **options)
    with suppress(OSError):
        Path(f"/proc/{popen.pid}/autogroup").write_text("-15")
    return popen
