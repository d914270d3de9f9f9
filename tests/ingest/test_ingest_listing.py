"""What a run reads and what it does not, with the reason; the cost follows the window, not history."""

import tracemalloc
from datetime import date
from pathlib import Path

import pytest

from benchmarks.listing import ListedLake
from qol.ingest.listing import RawListing, Window, ingest_tasks, list_raw, pack_task, unpack_task
from qol.lake.base import Listing
from qol.lake.local import LocalLake

from .feed import CONTRACTS

WEEK = Window(date(2026, 11, 9), date(2026, 11, 15))


def listed(root: Path, *keys: str, window: Window = WEEK) -> RawListing:
    """The listing of a lake of these raw objects."""
    for key in keys:
        path = root / "raw" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return list_raw(LocalLake(root), CONTRACTS, window)


def read(listing: RawListing) -> list[tuple[str, str, str]]:
    return [(raw.stored.key.removeprefix("raw/"), raw.record, raw.arrival_date) for raw in listing.objects]


def skipped(listing: RawListing) -> dict[str, str]:
    return {entry.stored.key.removeprefix("raw/"): entry.reason for entry in listing.skipped}


def test_both_ends_of_the_window_are_read_and_nothing_beyond(tmp_path: Path) -> None:
    days = ["2026-11-08", "2026-11-09", "2026-11-15", "2026-11-16"]
    listing = listed(tmp_path, *[f"daily/date={day}/a.jsonl" for day in days])
    assert [day for _, _, day in read(listing)] == ["2026-11-09", "2026-11-15"]
    assert listing.skipped == ()


def test_a_window_without_a_start_reads_from_the_oldest(tmp_path: Path) -> None:
    keys = [f"daily/date={day}/a.jsonl" for day in ("2015-01-01", "2026-11-15", "2026-11-16")]
    listing = listed(tmp_path, *keys, window=Window(None, date(2026, 11, 15)))
    assert [day for _, _, day in read(listing)] == ["2015-01-01", "2026-11-15"]


def test_the_folder_tells_the_record_type(tmp_path: Path) -> None:
    folders = ["daily", "garmin/dailies", "garmin/sleeps", "garmin/deregistrations"]
    listing = listed(tmp_path, *[f"{folder}/date=2026-11-10/a.jsonl" for folder in folders])
    records = {key.split("/date=")[0]: record for key, record, _ in read(listing)}
    assert records == {
        "daily": "garmin_dailies",
        "garmin/dailies": "garmin_dailies",
        "garmin/sleeps": "garmin_sleeps",
        "garmin/deregistrations": "garmin_deregistrations",
    }


@pytest.mark.parametrize(
    "name", [".x.jsonl", "_late.jsonl", "x.jsonl.gz", "deeper/x.jsonl", "_temporary/.x.jsonl", "日本.jsonl"]
)
def test_every_json_lines_object_is_read_whatever_its_name(tmp_path: Path, name: str) -> None:
    listing = listed(tmp_path, f"daily/date=2026-11-10/{name}")
    assert read(listing) == [(f"daily/date=2026-11-10/{name}", "garmin_dailies", "2026-11-10")]


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("x.jsonl", "no_date"),
        ("daily/x.jsonl", "no_date"),
        ("daily/2026-11-10/x.jsonl", "no_date"),
        ("daily/date=2026-02-30/x.jsonl", "no_date"),
        ("daily/date=2026-11-1/x.jsonl", "no_date"),
        ("daily/date=2026-11-10.bak/x.jsonl", "no_date"),
        ("daily/Date=2026-11-10/x.jsonl", "no_date"),
        ("date=2026-11-10/x.jsonl", "unknown_record"),
        ("garmin/date=2026-11-10/x.jsonl", "unknown_record"),
        ("garmin/solarDetails/date=2026-11-10/x.jsonl", "unknown_record"),
        ("garmin/sleeps/old/date=2026-11-10/x.jsonl", "unknown_record"),
        ("oura/deregistrations/date=2026-11-10/x.jsonl", "unknown_record"),
        ("Daily/date=2026-11-10/x.jsonl", "unknown_record"),
        ("daily/date=2026-11-10/x.json", "not_jsonl"),
        ("daily/date=2026-11-10/x.jsonl.zst", "not_jsonl"),
        ("daily/date=2026-11-10/x.jsonl.tmp", "not_jsonl"),
        ("daily/date=2026-11-10/x.JSONL", "not_jsonl"),
        ("daily/date=2026-11-10/_SUCCESS", "not_jsonl"),
    ],
)
def test_what_is_not_read_is_named_with_its_reason(tmp_path: Path, key: str, reason: str) -> None:
    listing = listed(tmp_path, key)
    assert (read(listing), skipped(listing)) == ([], {key: reason})


def test_objects_come_in_the_order_of_their_arrival(tmp_path: Path) -> None:
    keys = ["garmin/hrv/date=2026-11-10/a.jsonl", "daily/date=2026-11-11/a.jsonl", "daily/date=2026-11-10/b.jsonl"]
    listing = listed(tmp_path, *keys)
    assert [key for key, _, _ in read(listing)] == [keys[2], keys[0], keys[1]]


def test_a_lake_without_raw_data_lists_nothing(tmp_path: Path) -> None:
    listing = list_raw(LocalLake(tmp_path), CONTRACTS, WEEK)
    assert (list(listing.objects), listing.skipped) == ([], ())


def test_folders_outside_the_window_are_never_opened(tmp_path: Path) -> None:
    opened: list[str] = []

    class Watched(LocalLake):
        def children(self, prefix: str) -> Listing:
            opened.append(prefix)
            return super().children(prefix)

    listed(tmp_path, *[f"daily/date=2026-{month:02d}-10/a.jsonl" for month in range(1, 13)])
    list_raw(Watched(tmp_path), CONTRACTS, WEEK)
    assert opened == ["raw/", "raw/daily/", "raw/daily/date=2026-11-10/"]


def test_the_place_of_an_object_says_nothing_that_no_contract_says(tmp_path: Path) -> None:
    listing = listed(
        tmp_path,
        "daily/date=2026-11-10/sato/date=2026-11-10/a.jsonl",
        "daily/date=2026-11-10/sato.txt",
        "daily/sato.txt",
        "garmin/sato/date=2026-11-10/a.jsonl",
        "sato/a.jsonl",
    )
    assert [raw.place for raw in listing.objects] == ["raw/daily/date=2026-11-10"]
    assert [skipped.place for skipped in listing.skipped] == [
        "raw/daily/date=2026-11-10",
        "raw/daily",
        "raw/(other)/date=2026-11-10",
        "raw/(other)",
    ]


def test_opening_an_object_counts_as_16_kib_of_it_when_small_ones_are_packed_together(tmp_path: Path) -> None:
    listing = listed(tmp_path, *[f"daily/date=2026-11-09/{number}.jsonl" for number in range(7)])
    assert [len(task) for task in ingest_tasks(listing.objects, 64 * 2**10)] == [3, 3, 1]


def test_listing_and_planning_hold_no_python_object_for_each_raw_object(tmp_path: Path) -> None:
    objects = 15_000
    tracemalloc.start()  # counts Python's objects, not Arrow's columns
    listing = list_raw(ListedLake(tmp_path, objects), CONTRACTS, Window(None, date.max))
    tasks = [pack_task(task) for task in ingest_tasks(listing.objects)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(len(unpack_task(task)) for task in tasks) == len(listing.objects) == objects
    assert peak < 300 * objects  # a listed object and its range would take a thousand
