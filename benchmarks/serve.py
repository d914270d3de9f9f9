"""The API under load: weeks of random users, batches, the first answer and memory; and a primary-key lookup in PostgreSQL.

Locust asks over loopback for a bounded time. The server is `qol serve`, one process, as it is shipped.
"""

import argparse
import csv
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import urllib3

from benchmarks import report
from benchmarks.measure import TICKS
from benchmarks.serve_lake import KEY, MONDAY, headers, make_lake
from benchmarks.serve_postgres import lookups
from qol.identity.key_lookup import KEY_VARIABLE
from qol.tables.layout import partition_key

CACHE = Path(__file__).parents[1] / ".bench"
NOW = "2026-11-18T03:05:00Z"
PEOPLE, SECONDS = 200_000, 20
#: What the page asks for.
WEEKS = 13
SUMMARY = "/v1/measurements/summary?period=week"
#: Requests that a warm server was asked before, and those of one caller after the other.
WARM, ALONE = 200, 500
#: By what Locust's users do: how many at once, and the goal for the time that 95 of 100 requests take, in ms.
LOADS = {"SummaryUser": (4, 60), "BulkUser": (2, 300)}
MIN_RATE, MAX_MIB, MAX_START = 150, 400, 3.0


@dataclass(frozen=True)
class Server:
    """A server that listens: its process, its address, and when it was started."""

    process: subprocess.Popen[str]
    address: str
    started: float

    @property
    def processor_seconds(self) -> float:
        """What it has spent."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    @property
    def peak_mib(self) -> float:
        """The most memory that was resident."""
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found is not None
        return int(found[1]) / 1024


@contextmanager
def served(lake: Path) -> Iterator[Server]:
    """`qol serve` on a lake, until the block ends."""
    command = [sys.executable, "-c", "from qol.cli import main; main()", "serve", "--lake", str(lake)]
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--port", "0", "--now", NOW], text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, KEY_VARIABLE: KEY, "QOL_RATE_LIMIT_PER_MINUTE": "1000000"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert found is not None
        yield Server(process, found[0], started)
    finally:
        process.terminate()
        process.wait(30)


def load(server: Server, lake: Path, people: int, user: str, seconds: int) -> dict[str, str]:
    """Locust's row of figures of one kind of user over some seconds."""
    at_once, _ = LOADS[user]
    prefix = CACHE / "locust" / user
    prefix.parent.mkdir(parents=True, exist_ok=True)
    words = ["--headless", "--host", server.address, "-u", str(at_once), "-r", str(at_once), "-t", f"{seconds}s"]
    subprocess.run(
        [sys.executable, "-m", "locust", "-f", "benchmarks/serve_load.py", user, *words, "--csv", str(prefix),
         "--only-summary", "--reset-stats"],
        cwd=CACHE.parent, env={**os.environ, "QOL_BENCH_LAKE": str(lake), "QOL_BENCH_PEOPLE": str(people)},
        check=True, timeout=seconds + 120, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with Path(f"{prefix}_stats.csv").open(encoding="utf-8") as file:
        row = next(row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
    assert row["Failure Count"] == "0", row
    return row


def alone(server: Server, lake: Path, people: int, count: int, query: str = "") -> list[float]:
    """Milliseconds of requests of random users, one after the other on one connection, sorted."""
    pool = urllib3.connectionpool.connection_from_url(server.address, retries=False)
    chance, taken = random.Random(count), []
    for _ in range(count):
        who = headers(lake, chance.randrange(people))
        started = time.perf_counter()
        assert pool.request("GET", SUMMARY + query, headers=who).status == 200
        taken.append((time.perf_counter() - started) * 1000)
    return sorted(taken)


def measure(people: int, seconds: int, cache: Path = CACHE) -> str:
    """Everything about the API, in Markdown."""
    lake = make_lake(people, cache)
    # Batches and state go into a copy, so that every run finds the same lake.
    copy = cache / "lakes" / f"serve-{os.getpid()}"
    _link_weeks(lake, copy)
    try:
        with served(copy) as server:
            return report.table(["measured", "value", "goal"], list(_rows(server, copy, people, seconds)))
    finally:
        shutil.rmtree(copy)


def _link_weeks(lake: Path, copy: Path) -> None:
    """The same file as each of the weeks that the page asks for."""
    for back in range(WEEKS):
        key = partition_key("weekly_metrics", str(MONDAY - timedelta(weeks=back)))
        (copy / key).parent.mkdir(parents=True)
        os.link(lake / partition_key("weekly_metrics", str(MONDAY)), copy / key)


def _rows(server: Server, lake: Path, people: int, seconds: int) -> Iterator[Sequence[str]]:
    alone(server, lake, people, 1)
    first = time.perf_counter() - server.started
    yield "first answer after start, s", f"{first:.1f}", f"{MAX_START:g}"
    alone(server, lake, people, WARM)
    before = server.processor_seconds
    taken = alone(server, lake, people, ALONE)
    spent = (server.processor_seconds - before) * 1000 / ALONE
    yield "summary, one caller: median ms", f"{taken[ALONE // 2]:.1f}", ""
    yield "summary, one caller: processor ms of the server", f"{spent:.1f}", ""
    report.progress("asking for weeks of random users")
    row = load(server, lake, people, "SummaryUser", seconds)
    yield "summary: requests a second", f"{float(row['Requests/s']):.0f}", f"{MIN_RATE} or more"
    yield "summary: p95, ms", row["95%"], f"{LOADS['SummaryUser'][1]}"
    yield "memory after summaries, MiB", f"{server.peak_mib:.0f}", f"{MAX_MIB}"
    alone(server, lake, people, 1, f"&last={WEEKS}")
    taken = alone(server, lake, people, WARM, f"&last={WEEKS}")
    yield f"summary of {WEEKS} weeks, as the page asks, one caller: median ms", f"{taken[WARM // 2]:.1f}", ""
    report.progress("posting batches")
    row = load(server, lake, people, "BulkUser", seconds)
    yield "batches of 500 records: a second", f"{float(row['Requests/s']):.0f}", ""
    yield "batches of 500 records: p95, ms", row["95%"], f"{LOADS['BulkUser'][1]}"
    yield "memory at the end, MiB", f"{server.peak_mib:.0f}", f"{MAX_MIB}"
    report.progress("asking PostgreSQL")
    found = lookups(lake)
    yield "PostgreSQL, lookup by primary key, one caller: median ms", f"{found[len(found) // 2]:.2f}", ""
    yield "PostgreSQL, lookup by primary key, one caller: p95, ms", f"{found[len(found) * 95 // 100]:.2f}", ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="of each kind of load")
    options = parser.parse_args()
    report.say(f"{report.machine()}\n\n{measure(options.people, options.seconds)}")


if __name__ == "__main__":
    main()
