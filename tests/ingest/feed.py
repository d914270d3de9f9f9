"""Raw bytes through ingest, and the rows, rejects and counts that come out; nothing is written to a disk."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import pytest

from qol.contracts.load import load_contracts
from qol.contracts.model import Contracts
from qol.identity.pseudonyms import Identities
from qol.ingest import line_batches
from qol.ingest.examples import InMemoryLake, contract_values, day_columns
from qol.ingest.line_reader import ObjectRange
from qol.ingest.listing import RANGE_BYTES, RawObject, ingest_tasks
from qol.ingest.results import IngestContext, IngestResult, Tally
from qol.ingest.task import ingest
from qol.lake.base import Lake, StoredObject

CONTRACTS = load_contracts(Path(__file__).parents[2] / "schemas")
KEY = bytes(range(32))
#: Columns that hold days since 1970.
DATES = frozenset[str]().union(*map(day_columns, CONTRACTS.sources))
#: 2026-11-09T00:00 in Tokyo, a Monday.
MONDAY_START = 1_794_150_000
#: Vendor ids of the tests with the pseudonyms their user map gives them.
KNOWN: dict[tuple[str, str], tuple[str, str | None]] = {
    ("garmin", f"u{number}"): (f"P{number}", None) for number in range(1, 10)
}
COUNTS = [field.name for field in fields(Tally) if field.name not in ("object_index", "start")]

#: Runs a test with the columnar reader first, and without it.
both_readers = pytest.mark.parametrize("fast", [True, False], ids=["columnar", "records"])

Row = dict[str, Any]


@dataclass(frozen=True)
class Fed:
    """Rows and rejects by their absolute lines (`line`, from 1), counts summed over all ranges."""

    rows: list[Row]
    rejects: list[Row]
    tally: dict[str, int]
    issues: Counter[tuple[str, str, str]]
    reasons: Counter[tuple[str, str]]

    @property
    def row(self) -> Row:
        """The only row."""
        assert (len(self.rows), self.rejects) == (1, [])
        return self.rows[0]

    @property
    def verdicts(self) -> list[str]:
        """The reasons of the rejects, in order."""
        return [reject["reason"] for reject in self.rejects]


def daily(*without: str, **values: object) -> bytes:
    """A Garmin day of user u1 in Tokyo as a line, with other values and without some."""
    record = {
        "userId": "u1",
        "calendarDate": "2026-11-09",
        "startTimeInSeconds": MONDAY_START,
        "startTimeOffsetInSeconds": 32_400,
        "durationInSeconds": 86_400,
        **values,
    }
    return json.dumps({name: value for name, value in record.items() if name not in without}).encode()


def lines(*texts: bytes) -> bytes:
    """An object of these lines."""
    return b"".join(text + b"\n" for text in texts)


def feed(data: bytes, record: str = "garmin_dailies", size: int = RANGE_BYTES, **how: Any) -> Fed:
    """Ingest one object of a record type in ranges of `size` bytes; `how` as for `task_results`."""
    return gathered(object_results(data, record, size, **how))


def read_tasks(objects: Mapping[str, bytes], tasks: Iterable[list[ObjectRange]], **how: Any) -> Fed:
    """What tasks give together; `how` as for `task_results`."""
    return gathered(task_results(objects, tasks, **how))


def object_results(data: bytes, record: str, size: int = RANGE_BYTES, **how: Any) -> list[IngestResult]:
    """What each task of one object gives; `how` as for `task_results`."""
    key = f"raw/object.jsonl{'.gz' if how.pop('gzip', False) else ''}"
    raw = RawObject(StoredObject(key, len(data), "tag"), record, how.pop("arrival", "2026-11-10"))
    return task_results({key: data}, ingest_tasks((raw,), size), **how)


def task_results(
    objects: Mapping[str, bytes],
    tasks: Iterable[list[ObjectRange]],
    *,
    fast: bool | None = None,
    contracts: Contracts = CONTRACTS,
    known: Mapping[tuple[str, str], tuple[str, str | None]] = KNOWN,
    **context: Any,
) -> list[IngestResult]:
    """What each task gives; `fast` sends all lines to the columnar reader first, or none; `context` may have what Identities has."""
    lake = cast("Lake", InMemoryLake(objects))
    who = {name: context.pop(name) for name in ("owners", "withdrawn", "erased") if name in context}
    identities = Identities(KEY, dict(known), **who)
    setting = IngestContext(contracts, identities, **{"zone": "Asia/Tokyo", "bucket_limits": (), **context})
    minimum = {True: 1, False: 10**9, None: line_batches.MIN_COLUMNAR_LINES}[fast]
    with patch.object(line_batches, "MIN_COLUMNAR_LINES", minimum):
        return [ingest(lake, setting, parts) for parts in tasks]


def gathered(results: Sequence[IngestResult]) -> Fed:
    """Several tasks' results with line numbers that count from the start of each object."""
    tallies = sorted((t for result in results for t in result.tallies), key=lambda t: (t.object_index, t.start))
    before: dict[tuple[int, int], int] = {}
    seen: Counter[int] = Counter()
    for tally in tallies:
        before[tally.object_index, tally.start] = seen[tally.object_index]
        seen[tally.object_index] += tally.physical_lines
    rows = [
        readable({"record": name, **row}, before)
        for result in results
        for name, frame in result.rows.items()
        for row in frame.to_dicts()
    ]
    rejects = [readable(row, before) for result in results for row in result.rejects.to_dicts()]
    return Fed(
        sorted(rows, key=lambda row: (row["object_index"], row["line"], repr(row))),
        sorted(rejects, key=lambda row: (row["object_index"], row["line"], row["item"])),
        {name: sum(getattr(tally, name) for tally in tallies) for name in COUNTS},
        sum((result.issues for result in results), Counter()),
        sum((result.reasons for result in results), Counter()),
    )


def readable(row: Row, before: Mapping[tuple[int, int], int]) -> Row:
    """A row with its absolute line, dates and times as a contract writes them, and no trace of how it was split."""
    line = row.pop("line_number") + before[row["object_index"], row.pop("range_start")]
    return {"line": line, **contract_values(row, DATES)}
