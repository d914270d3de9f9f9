"""A deletion takes its record out of the published days, whenever either of them came."""

import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qol.contracts.many_records import Deletes
from qol.contracts.model import Contracts
from qol.lake import Lake
from qol.run import plan
from tests.builders import MONDAY_START, contracts_with, published_files, run_lake, split, user_id, write_lines

from .test_conservation_and_confluence import PROPERTY

pytestmark = pytest.mark.usefixtures("edge")

MEASUREMENTS = """
source: phone
record: measurements
description: Steps between two times, immutable; an edit is a deletion and a new record.
person: [user_id]
key: [uuid]
day: {start: start_seconds, offset: offset_seconds}
source_timestamp: start_seconds
fields:
  uuid: {path: uuid, type: document_id, description: Id of the record.}
  start_seconds: {path: start, type: epoch_seconds, unit: s, description: Start.}
  end_seconds: {path: end, type: epoch_seconds, unit: s, description: End.}
  offset_seconds: {path: offset, type: integer, unit: s, description: Local time minus UTC.}
  device: {path: device, type: code, description: Who measured it.}
  steps: {path: steps, type: integer, unit: count, description: Steps.}
overlaps: {start: start_seconds, end: end_seconds, by: device, order: [WATCH, PHONE], share: share}
derived: {counted: steps * share}
daily: {steps: {value: counted, over: sum}}
examples:
  - name: an hour
    arrival: 2026-11-10
    raw: {user_id: u1, uuid: a, start: 1794200000, end: 1794203600, offset: 32400, device: PHONE, steps: 10}
    expect: {steps: 10}
"""
DELETED = """
source: phone
record: deleted
description: A record that is gone.
person: [user_id]
key: [uuid]
deletes: {records: [measurements], field: uuid, by: uuid}
fields:
  uuid: {path: uuid, type: document_id, namespace: measurements, description: Id of the record that is gone.}
examples:
  - name: one
    arrival: 2026-11-10
    raw: {user_id: u1, uuid: a}
    expect: {day: 2026-11-10}
"""
LATER = datetime(2026, 12, 16, 0, 5, tzinfo=UTC)
WEEK = "date=2026-11-09/part-00000.parquet"
U1, U2 = user_id("u1", "phone"), user_id("u2", "phone")


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> Contracts:
    return contracts_with(tmp_path_factory.mktemp("contracts"), MEASUREMENTS, DELETED)


def walked(uuid: str, day: int = 0, user: str = "u1", steps: int = 10, hour: int = 8, **fields: Any) -> dict[str, Any]:
    """Steps of an hour, `day` days after Monday 2026-11-09 in Tokyo."""
    start = MONDAY_START + day * 86_400 + hour * 3600
    record = {"user_id": user, "uuid": uuid, "start": start, "end": start + 3600, "offset": 32_400}
    return record | {"device": "PHONE", "steps": steps} | fields


def gone(uuid: str, user: str = "u1") -> dict[str, Any]:
    return {"user_id": user, "uuid": uuid}


def deliver(lake: Path, arrival: str, records: Sequence[dict[str, Any]], name: str = "a.jsonl") -> None:
    for record, lines in (
        ("measurements", [r for r in records if "steps" in r]),
        ("deleted", [r for r in records if "steps" not in r]),
    ):
        if lines:
            write_lines(lake, arrival, lines, folder=f"raw/phone/{record}", name=name)


def steps(lake: Path, monday: str = "2026-11-09") -> dict[tuple[str, int], int]:
    rows = pl.read_parquet(lake / f"processed/daily/date={monday}/part-00000.parquet", hive_partitioning=False)
    return {(user, day.day): found for user, day, found in rows.select("user_id", "day", "steps").iter_rows()}


def stored(lake: Path) -> int:
    return pl.read_parquet(lake / f"processed/records/phone_measurements/{WEEK}").height


@pytest.mark.usefixtures("no_gate")
def test_a_deletion_counts_after_before_and_with_its_record_and_weeks_later(
    tmp_path: Path, contracts: Contracts
) -> None:
    kept, taken = walked("a", steps=10), walked("b", steps=7, hour=12)
    schedules: dict[str, list[tuple[str, list[dict[str, Any]]]]] = {
        "together": [("2026-11-10", [kept, taken, gone("b")])],
        "after": [("2026-11-10", [kept, taken]), ("2026-11-11", [gone("b")])],
        "before": [("2026-11-10", [gone("b")]), ("2026-11-11", [kept, taken])],
        "weeks later": [("2026-11-10", [kept, taken]), ("2026-12-15", [gone("b")])],
        "weeks earlier": [("2026-10-06", [gone("b")]), ("2026-11-11", [kept, taken])],
    }
    days = set()
    for name, deliveries in schedules.items():
        lake = tmp_path / name.replace(" ", "-")
        for arrival, records in deliveries:
            deliver(lake, arrival, records)
            run_lake(lake, contracts, now=datetime.fromisoformat(f"{arrival}T12:00:00+00:00"))
        run_lake(lake, contracts, now=LATER)
        assert (steps(lake), stored(lake)) == ({(U1, 9): 10}, 2), name
        days.add(tuple((lake / f"processed/{table}/{WEEK}").read_bytes() for table in ("daily", "weekly")))
    assert len(days) == 1


@pytest.mark.usefixtures("no_gate")
def test_what_a_deleted_record_took_from_a_worse_device_counts_again(tmp_path: Path, contracts: Contracts) -> None:
    deliver(tmp_path, "2026-11-10", [walked("phone", steps=12), walked("watch", steps=11, device="WATCH")])
    run_lake(tmp_path, contracts)
    assert steps(tmp_path) == {(U1, 9): 11}
    deliver(tmp_path, "2026-11-11", [gone("watch")])
    run_lake(tmp_path, contracts)
    assert steps(tmp_path) == {(U1, 9): 12}


def test_a_week_whose_every_record_is_deleted_has_files_without_rows(tmp_path: Path, contracts: Contracts) -> None:
    deliver(tmp_path / "one", "2026-11-10", [walked("a")])
    run_lake(tmp_path / "one", contracts)
    deliver(tmp_path / "one", "2026-11-17", [gone("a")])
    assert run_lake(tmp_path / "one", contracts).status == "published"
    deliver(tmp_path / "other", "2026-11-10", [walked("a")])
    deliver(tmp_path / "other", "2026-11-17", [gone("a")])
    run_lake(tmp_path / "other", contracts)
    found = [published_files(tmp_path / lake, "processed/daily", "processed/weekly") for lake in ("one", "other")]
    assert found[0] == found[1]
    assert (steps(tmp_path / "one"), stored(tmp_path / "one")) == ({}, 1)
    assert pl.read_parquet(tmp_path / f"one/processed/weekly/{WEEK}").height == 0
    assert run_lake(tmp_path / "one", contracts).status == "nothing_to_do"


@pytest.mark.usefixtures("no_gate")
def test_the_week_after_one_whose_every_record_was_deleted_is_computed(tmp_path: Path, contracts: Contracts) -> None:
    for arrival, record in (("2026-11-10", walked("a")), ("2026-11-17", gone("a")), ("2026-11-18", walked("b", day=7))):
        deliver(tmp_path, arrival, [record])
        run_lake(tmp_path, contracts, now=datetime.fromisoformat(f"{arrival}T12:00:00+00:00"))
    run_lake(tmp_path, contracts, now=LATER)
    assert steps(tmp_path) == {}
    assert steps(tmp_path, "2026-11-16") == {(U1, 16): 10}
    assert pl.read_parquet(tmp_path / "processed/weekly/date=2026-11-16/part-00000.parquet").height == 1


@pytest.mark.usefixtures("no_gate")
def test_only_new_deletions_make_a_run_look_through_published_records(
    tmp_path: Path, contracts: Contracts, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    holds = plan._holds

    def spied(lake: Lake, rule: Deletes, ids: pl.Series, key: str) -> bool:
        looked.append(key)
        return holds(lake, rule, ids, key)

    monkeypatch.setattr(plan, "_holds", spied)
    deliver(tmp_path, "2026-10-13", [walked("a", day=-28), walked("b", day=-35)])
    run_lake(tmp_path, contracts)
    assert looked == []
    deliver(tmp_path, "2026-11-17", [gone("b")])
    run_lake(tmp_path, contracts)
    assert looked == [
        f"processed/records/phone_measurements/date={day}/part-00000.parquet" for day in ("2026-10-05", "2026-10-12")
    ]
    assert run_lake(tmp_path, contracts).status == "nothing_to_do"
    assert len(looked) == 2
    assert (steps(tmp_path, "2026-10-05"), steps(tmp_path, "2026-10-12")) == ({}, {(U1, 12): 10})


@st.composite
def messages(draw: st.DrawFn) -> dict[str, Any]:
    """A record of one of a few ids, or the deletion of one."""
    uuid, user = draw(st.sampled_from("abcd")), draw(st.sampled_from(["u1", "u2"]))
    if draw(st.integers(0, 2)) == 0:
        return gone(uuid, user)
    place = "abcd".index(uuid)
    device = draw(st.sampled_from(["WATCH", "PHONE"]))
    return walked(uuid, day=-7 * (place % 2), user=user, hour=8 + place // 2, device=device) | {"steps": 10 + place}


@pytest.mark.usefixtures("no_gate")
@PROPERTY
@given(st.lists(messages(), min_size=1, max_size=12), st.randoms(use_true_random=False), st.integers(0, 12))
def test_any_order_split_and_repetition_publishes_the_same_days(
    contracts: Contracts, given: list[dict[str, Any]], random: Any, cut: int
) -> None:
    stamped = [record | {"_received_at": f"2026-11-{10 + n % 7}T01:00:00Z"} for n, record in enumerate(given)]
    mixed = stamped + random.sample(stamped, len(stamped) // 2)
    random.shuffle(mixed)

    def at_once(lake: Path) -> None:
        deliver(lake, "2026-11-17", stamped)
        run_lake(lake, contracts)

    def in_pieces(lake: Path) -> None:
        deliver(lake, "2026-11-16", mixed[:cut], "b.jsonl")
        with split(buckets=3):
            run_lake(lake, contracts)
        deliver(lake, "2026-11-17", mixed[cut:], "c.jsonl")
        with split(range_bytes=150, buckets=2):
            run_lake(lake, contracts)

    assert days_of(at_once) == days_of(in_pieces)


def days_of(build: Callable[[Path], None]) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        return published_files(Path(folder), "processed/daily", "processed/weekly")
