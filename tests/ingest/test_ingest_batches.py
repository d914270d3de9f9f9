"""Objects of a few lines are decoded together; every line still counts for its own object, day and place."""

import gzip
from typing import Any
from unittest.mock import patch

import pytest

from qol.identity.pseudonyms import Identities
from qol.ingest import clean_lines, line_batches
from qol.ingest.columnar_reader import ColumnarReader
from qol.ingest.examples import InMemoryLake
from qol.ingest.listing import RawObject, ingest_tasks
from qol.ingest.record_reader import RecordReader
from qol.ingest.results import IngestContext, IngestResult, Tally
from qol.ingest.task import ingest
from qol.lake.base import StoredObject

from .feed import CONTRACTS, KEY, daily, feed, lines, readable

GOOD = [daily(steps=number) for number in range(8)]
#: Objects whose lines differ in verdict, with the day each arrived.
OBJECTS: dict[str, tuple[str, bytes]] = {
    "raw/a.jsonl": ("2026-11-10", lines(GOOD[0], b"", GOOD[1])),
    "raw/b.jsonl": ("2026-11-10", lines(b"{", GOOD[2])),
    "raw/c.jsonl.gz": ("2026-11-10", gzip.compress(lines(GOOD[3]))[:-4]),
    "raw/d.jsonl": ("2026-11-11", lines(daily(steps=4, steps_goal=True), b'{"userId": "u1"}')),
    "raw/e.jsonl": ("2026-11-11", b""),
    "raw/f.jsonl": ("2009-01-01", lines(GOOD[5])),
    "raw/g.jsonl": ("2026-11-10", lines(b"[" + GOOD[6] + b"," + GOOD[7] + b"]", daily(steps=-4))),
}


def read_objects(least: int) -> IngestResult:
    """All objects in one task; batches of `least` lines or more go to the typed decoder."""
    raws = [
        RawObject(StoredObject(key, len(data), "tag"), "garmin_dailies", arrival)
        for key, (arrival, data) in OBJECTS.items()
    ]
    setting = IngestContext(CONTRACTS, Identities(KEY, {}), "Asia/Tokyo", ())
    lake: Any = InMemoryLake({key: data for key, (_, data) in OBJECTS.items()})
    [parts] = ingest_tasks(tuple(raws))
    with patch.object(line_batches, "MIN_COLUMNAR_LINES", least):
        return ingest(lake, setting, parts)


def read_rows(given: IngestResult) -> list[tuple[Any, ...]]:
    rows = given.rows["garmin_dailies"].sort("object_index", "line_number", "steps").to_dicts()
    shown = [readable(row, {(place, 0): 0 for place in range(len(OBJECTS))}) for row in rows]
    return [(row["object_index"], row["line"], row["steps"], row["arrival_date"]) for row in shown]


@pytest.mark.parametrize("least", [1, 5, 10**9], ids=["all together", "some together", "line by line"])
@pytest.mark.parametrize("most", [2, 4096])
def test_lines_of_small_objects_count_for_their_own_object(least: int, most: int) -> None:
    with patch.object(line_batches, "MAX_BATCH_LINES", most):
        given = read_objects(least)
    assert given.tallies == [
        Tally(0, 0, physical_lines=3, lines=3, blank=1, records=2),
        Tally(1, 0, physical_lines=2, lines=2, rejected=1, records=1),
        Tally(2, 0, physical_lines=1, lines=2, rejected=1, records=1),
        Tally(3, 0, physical_lines=2, lines=2, rejected=1, records=1),
        Tally(4, 0),
        Tally(5, 0, physical_lines=1, lines=1, rejected=1),
        Tally(6, 0, physical_lines=2, lines=3, records=3),
    ]
    assert read_rows(given) == [
        (0, 1, 0, "2026-11-10"),
        (0, 3, 1, "2026-11-10"),
        (1, 2, 2, "2026-11-10"),
        (2, 1, 3, "2026-11-10"),
        (3, 1, 4, "2026-11-11"),
        (6, 1, 6, "2026-11-10"),
        (6, 1, 7, "2026-11-10"),
        (6, 2, None, "2026-11-10"),
    ]
    rejects = given.rejects.select("raw_object", "line_number", "item", "reason", "arrival_date").rows()
    hashed = Identities(KEY, {}).object_hash
    assert rejects == [
        (hashed("raw/b.jsonl"), 1, 0, "not_json", "2026-11-10"),
        (hashed("raw/c.jsonl.gz"), 2, 0, "truncated_object", "2026-11-10"),
        (hashed("raw/d.jsonl"), 2, 0, "missing_key", "2026-11-11"),
        (hashed("raw/f.jsonl"), 1, 0, "day_out_of_range", "2009-01-01"),
    ]


def test_the_few_lines_of_four_objects_are_decoded_in_one_go() -> None:
    seen: list[tuple[int, int]] = []
    read = ColumnarReader.read

    def noted(self: ColumnarReader, lines: Any, arrival_day: int, groups: Any) -> Any:
        seen.append((arrival_day, len(lines)))
        return read(self, lines, arrival_day, groups)

    with patch.object(ColumnarReader, "read", noted):
        read_objects(5)
    assert seen == [(20_767, 8)]


def test_the_few_records_of_envelopes_are_decoded_with_the_bare_lines_of_their_day() -> None:
    bare = [daily(steps=number) for number in range(31)]
    sound = b'{"dailies":[' + daily(steps=31) + b"," + daily(steps=32) + b"]}"
    spoiled = b'{"dailies":[' + daily(steps=33) + b"," + daily(steps=-4) + b"]}"
    read: list[Any] = []
    with patch.object(RecordReader, "read", autospec=True, side_effect=RecordReader.read) as by_record:
        fed = feed(lines(*bare[:2], sound, spoiled, *bare[2:]))
        read += [call.args[1].get("steps") for call in by_record.call_args_list]
    assert read == [33, -4]  # an envelope is judged as a whole
    places = {row["steps"]: row["line"] for row in fed.rows}
    assert [places[steps] for steps in (0, 1, 2, 30, 31, 32, 33, None)] == [1, 2, 5, 33, 3, 3, 4, 4]
    assert (fed.tally["lines"], fed.tally["records"], fed.rejects) == (35, 35, [])


def test_a_blank_line_that_is_a_block_of_its_own_is_counted() -> None:
    with patch.object(clean_lines, "BLOCK_LINES", 32):
        fed = feed(lines(*(daily(steps=number) for number in range(32)), b""))
    assert (fed.tally["records"], fed.tally["blank"], fed.rejects) == (32, 1, [])
