"""The machine beneath the figures: what it is, and who else used it while we measured."""

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from django.conf import settings

from tests.benchmarks.pgbench import program

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
FSYNC_SECONDS = 1


class Machine(NamedTuple):
    """What a figure depends on besides the code."""

    cores: int
    cpu: str
    fdatasync: str


def describe() -> Machine:
    """Cores, processor, and pg_test_fsync's line for fdatasync on the disk of the databases."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text(encoding="utf-8") if cpuinfo.exists() else ""
    model = re.search(r"model name\s*: (.+)", text)
    return Machine(
        cores=len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1,
        cpu=model[1] if model else "unknown processor",
        fdatasync=_fdatasync(),
    )


def _cores() -> int:
    """Those this process may run on, where the system reports it."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _fdatasync() -> str:
    file = settings.HUIMIN_LOCAL_DIR / "bench" / "fsync.tmp"
    file.parent.mkdir(parents=True, exist_ok=True)
    command = [str(program("pg_test_fsync")), "-s", str(FSYNC_SECONDS), "-f", str(file)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"fdatasync\s+([\d.]+ ops/sec\s+[\d.]+ usecs/op)", output)
    return " ".join(found[1].split()) if found else "unknown"


@dataclass(frozen=True, slots=True)
class Clock:
    """CPU seconds so far: of the whole machine, of our processes, stolen by the host."""

    busy_s: float
    ours_s: float
    stolen_s: float
    total_s: float

    @classmethod
    def read(cls) -> Self:
        """Now. All zero where the system has no /proc."""
        stat = Path("/proc/stat")
        if not stat.exists():
            return cls(0, 0, 0, 0)
        ticks = [int(item) for item in stat.read_text(encoding="utf-8").splitlines()[0].split()[1:]]
        user, nice, system, idle, iowait, irq, softirq, stolen = ticks[:8]
        busy = user + nice + system + irq + softirq
        return cls(
            busy / TICKS_PER_S,
            _ours_s(),
            stolen / TICKS_PER_S,
            (busy + idle + iowait + stolen) / TICKS_PER_S,
        )


@dataclass
class Noise:
    """What of the machine was not ours while it was watched, in CPU seconds."""

    foreign_s: float = 0.0
    stolen_s: float = 0.0
    total_s: float = 0.0

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Add what others take within the block. Interrupts count as theirs: it errs upwards."""
        before = Clock.read()
        yield
        after = Clock.read()
        foreign_s = (after.busy_s - before.busy_s) - (after.ours_s - before.ours_s)
        self.foreign_s += max(foreign_s, 0)
        self.stolen_s += after.stolen_s - before.stolen_s
        self.total_s += after.total_s - before.total_s

    def __str__(self) -> str:
        total_s = max(self.total_s, 1e-9)
        return (
            f"others used {100 * self.foreign_s / total_s:.0f} % of the machine,"
            f" {100 * self.stolen_s / total_s:.1f} % was stolen by its host"
        )


def _ours_s() -> float:
    """CPU of this process, its descendants and the embedded servers, children that ended included.

    An ended child is counted in its parent, so nothing is counted twice.
    """
    parents: dict[int, int] = {}
    used_s: dict[int, float] = {}
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            try:
                fields = (directory / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            except OSError:  # it has just gone
                continue
            pid = int(directory.name)
            parents[pid] = int(fields[1])
            used_s[pid] = sum(int(item) for item in fields[11:15]) / TICKS_PER_S
    roots = {os.getpid(), *_server_pids()}
    return sum(used for pid, used in used_s.items() if _descends(pid, roots, parents))


def _descends(pid: int, roots: set[int], parents: dict[int, int]) -> bool:
    while pid and pid not in roots:
        pid = parents.get(pid, 0)
    return pid in roots


def _server_pids() -> list[int]:
    """The embedded PostgreSQL, where there is one."""
    try:
        lines = (settings.HUIMIN_LOCAL_DIR / "pg" / "postmaster.pid").read_text(encoding="utf-8")
    except OSError:
        return []
    return [int(lines.splitlines()[0])]
