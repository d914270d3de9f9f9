"""A command as its own process: wall seconds, processor seconds and peak memory of the whole process tree."""

import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

INTERVAL = 0.1
PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
#: Proportional sizes cost a walk over page tables, a fifth of a core, so they are asked for only near the peak of resident
#: sizes, and not in runs whose seconds count.
NEAR_PEAK = 0.9


class CommandFailedError(Exception):
    """When a measured command fails; says how it ended and the end of what it printed."""


@dataclass(frozen=True)
class Outcome:
    """What one run took; `memory` is the peak of the tree's proportional set sizes, shared pages counted once, if measured."""

    seconds: float
    processor_seconds: float
    memory: int


def run_measured(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None, *, with_memory: bool = False
) -> Outcome:
    """Run a command from start to exit; CommandFailedError when it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    before = _spent_by_children()
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment and {**os.environ, **environment}
        )
        tree = _Tree(process.pid, with_memory=with_memory)
        while not _has_ended(process):
            tree.look()
        seconds = time.perf_counter() - started
    if process.returncode:
        tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise CommandFailedError(f"{' '.join(command)}: exit code {process.returncode}; {log} ends with\n{tail}")
    # Samples miss a process's last moments, the kernel's sum those whose parent did not wait for them.
    return Outcome(seconds, max(tree.processor_seconds, _spent_by_children() - before), tree.peak)


def _spent_by_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(INTERVAL)
    except subprocess.TimeoutExpired:
        return False
    return True


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module with this interpreter."""
    return [sys.executable, "-m", module, *arguments]


def middle(outcomes: Sequence[Outcome]) -> float:
    """Median wall seconds."""
    return median(outcome.seconds for outcome in outcomes)


def interleaved(variants: Mapping[str, Callable[[bool], Outcome]], rounds: int, seed: int) -> dict[str, list[Outcome]]:
    """Run each variant once to warm it, then once a round in an order of chance; outcomes by name.

    Memory is that of the warming run, whose seconds do not count. A variant is called with whether to measure it.
    """
    order, chance = list(variants), random.Random(seed)
    outcomes: dict[str, list[Outcome]] = {name: [] for name in order}
    peaks: dict[str, int] = {}
    for number in range(rounds + 1):
        chance.shuffle(order)
        for name in order:
            print(f"{name}, {f'round {number} of {rounds}' if number else 'warming'} ...", file=sys.stderr, flush=True)
            outcome = variants[name](not number)
            if number:
                outcomes[name].append(replace(outcome, memory=peaks[name]))
            else:
                peaks[name] = outcome.memory
    return outcomes


class _Tree:
    """A process and all it started, also those whose parent has ended."""

    def __init__(self, root: int, *, with_memory: bool) -> None:
        self._with_memory = with_memory
        self._members = {root}
        self._spent: dict[int, float] = {}
        self._most_resident = 0
        self.peak = 0

    @property
    def processor_seconds(self) -> float:
        return sum(self._spent.values())

    def look(self) -> None:
        """Take one sample."""
        stats = _all_processes()
        before = 0
        while before != len(self._members):
            before = len(self._members)
            self._members |= {pid for pid, stat in stats.items() if stat.parent in self._members}
        alive = [pid for pid in self._members if pid in stats]
        self._spent.update((pid, stats[pid].seconds) for pid in alive)
        resident = sum(stats[pid].resident for pid in alive)
        self._most_resident = max(self._most_resident, resident)
        if self._with_memory and resident >= NEAR_PEAK * self._most_resident:
            self.peak = max(self.peak, sum(_proportional(pid) for pid in alive))


@dataclass(frozen=True)
class _Stat:
    parent: int
    seconds: float
    resident: int


def _all_processes() -> dict[int, _Stat]:
    stats = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            try:
                text = Path(entry.path, "stat").read_text(encoding="ascii", errors="replace")
            except (FileNotFoundError, ProcessLookupError):
                continue
            # The name before the last bracket may hold spaces.
            fields = text.rpartition(")")[2].split()
            ticks = int(fields[11]) + int(fields[12])
            stats[int(entry.name)] = _Stat(int(fields[1]), ticks / TICKS, int(fields[21]) * PAGE)
    return stats


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
