"""What a driver needs for millions of raw objects: a run that lists them and plans their tasks, and one that passes over all.

The objects exist only in a listing, and tasks answer without reading: each object is one control message.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import md5, sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import report
from benchmarks.measure import Outcome, python, run_measured
from qol.contracts.load import load_contracts
from qol.identity.user_map import UserMap
from qol.ingest.listing import unpack_task
from qol.ingest.results import Tally
from qol.lake.base import Listing, StoredObject
from qol.lake.local import LocalLake
from qol.run.block_store import NO_BLOCKS
from qol.run.context import RunContext, begin_manifest
from qol.run.local_engine import LocalEngine
from qol.run.pipeline import run_pipeline
from qol.run.request import RunRequest
from qol.run.steps import NO_PARTITIONS, MapStep, MapSummary, tally_rows
from qol.tables.manifest import Manifest

OBJECTS = 2_000_000
#: The goal for both runs.
MAX_GIB = 1.5
NOW = datetime(2026, 11, 18, 0, 5, tzinfo=UTC)
DAYS = [(NOW.date() - timedelta(days=back)).isoformat() for back in range(15)]
RAW, DAILY = "raw/", "raw/daily/"
LINE = (
    b'{"userId":"u1","calendarDate":"2026-11-09","startTimeInSeconds":1794150000,"durationInSeconds":86400,"steps":9}\n'
)


class ListedLake(LocalLake):
    """A folder whose `raw/daily/` has so many objects, named as the receiver does; they cannot be read."""

    def __init__(self, root: Path, objects: int) -> None:
        super().__init__(root)
        self.objects = objects

    def children(self, prefix: str) -> Listing:
        """Folders above the objects as a bucket lists them."""
        if prefix in (RAW, DAILY):
            return Listing((), ("daily/",) if prefix == RAW else tuple(f"date={day}/" for day in sorted(DAYS)))
        return super().children(prefix)

    def walk(self, prefix: str) -> Iterator[StoredObject]:
        """The objects of a day."""
        if not prefix.startswith(DAILY):
            yield from super().walk(prefix)
            return
        for number in range(self.objects // len(DAYS)):
            name = f"{prefix}{number}".encode()
            etag = md5(name, usedforsecurity=False).hexdigest()
            yield StoredObject(f"{prefix}{sha256(name).hexdigest()}.jsonl", 2_000, etag)


class CountingEngine(LocalEngine):
    """Answers tasks without reading."""

    def map(self, items: Iterable[Any], function: Callable[[Any], Any]) -> list[Any]:
        """Summaries of ingest tasks in which each object is one control message; everything else is done."""
        return [_summary(task) for task in items] if isinstance(function, MapStep) else super().map(items, function)


def _summary(task: bytes) -> MapSummary:
    parts = unpack_task(task)
    tallies = tally_rows([Tally(part.object_index, part.start, physical_lines=1, lines=1, control=1) for part in parts])
    return MapSummary(
        tallies,
        Counter(),
        Counter(),
        {},
        NO_PARTITIONS,
        set(),
        set(),
        [],
        lateness=Counter(),
        unstamped=0,
        deletions={},
        blocks=NO_BLOCKS,
    )


def run(lake: LocalLake, engine: Callable[[Path, int], LocalEngine]) -> Manifest:
    """One run in this process."""
    contracts, request = load_contracts(), RunRequest(lake=lake.uri, now=NOW)
    manifest = begin_manifest(contracts, request)
    run_pipeline(RunContext(lake, contracts, request, b"k" * 32, lambda: UserMap(()), engine, manifest))
    return manifest


def prepare(folder: Path) -> None:
    """A lake with one record, as a lake without records reads everything; its object is gone."""
    target = folder / f"raw/daily/date={date(2026, 11, 17)}/a.jsonl"
    target.parent.mkdir(parents=True)
    target.write_bytes(LINE)
    run(LocalLake(folder), lambda scratch, _: LocalEngine(scratch, 1))


def measure(objects: int) -> str:
    """Both runs, in Markdown."""
    rows = []
    with TemporaryDirectory() as folder:
        prepare(Path(folder))
        for name in ("lists, plans and notes all", "passes over all"):
            report.progress(f"a run that {name}")
            log = Path(folder) / "log"
            outcome = run_measured(
                python("benchmarks.listing", "--objects", str(objects), "--lake", folder), log, with_memory=True
            )
            rows.append(_row(name, outcome, log.read_text(encoding="utf-8").strip()))
    head = ["run", "s", f"peak GiB (at most {MAX_GIB:g})", "objects read, passed over, seconds by stage"]
    return f"{objects:,} listed objects.\n\n{report.table(head, rows)}"


def _row(name: str, outcome: Outcome, said: str) -> list[str]:
    return [name, report.seconds(outcome.seconds), report.gib(outcome.memory), said]


def _run_listed(folder: Path, objects: int) -> None:
    manifest = run(ListedLake(folder, objects), lambda scratch, _: CountingEngine(scratch, 1))
    assert manifest.raw_objects is not None
    print(manifest.raw_objects.read, manifest.raw_objects.passed_over, manifest.stages)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=OBJECTS)
    parser.add_argument("--lake", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.lake is None:
        report.say(measure(options.objects))
    else:
        _run_listed(options.lake, options.objects)


if __name__ == "__main__":
    main()
