"""Metrics that are lists of times: from a record to the file and to whoever asks for them."""

from datetime import date
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from qol.contracts.columns import daily_columns
from qol.contracts.frames import drop_null_columns, normalize_negative_zero
from qol.lake import LocalLake
from qol.publish.assemble import assemble, stage_part
from qol.tables.layout import partition_key
from qol.tables.query import run_query
from qol.transform.daily_rows import daily

from .builders import Row, after_midnight, contract_of, contracts_of, records, the_day_of

SLEEPS = """
source: ring
record: sleeps
key: [start_seconds]
source_timestamp: start_seconds
fields:
  start_seconds: {path: start, type: epoch_seconds, description: Start.}
  end_seconds: {path: end, type: epoch_seconds, description: End.}
  kind: {path: type, type: code, description: Kind.}
  asleep: {path: asleep, type: intervals, description: When asleep.}
daily: {asleep_intervals: asleep, sleep_minutes: (end_seconds - start_seconds) / 60}
"""
EPISODES = "episodes: {start: start_seconds, end: end_seconds, rank: {field: kind, tiers: [[NIGHT]], unlisted: 0}, main: sleep_minutes}"


def a_sleep(start: int, end: int, asleep: list[int] | None) -> Row:
    return {"start_seconds": after_midnight(start), "end_seconds": after_midnight(end), "asleep": asleep}


def test_a_days_best_record_or_main_episode_gives_its_stretches_as_they_are() -> None:
    night, nap = a_sleep(-60, 420, [-50, 100, 130, 415]), a_sleep(800, 830, [805, 830])
    assert the_day_of(contract_of(SLEEPS), [night, nap])["asleep_intervals"] == [805, 830]
    assert the_day_of(contract_of(SLEEPS, EPISODES), [night, nap])["asleep_intervals"] == [-50, 100, 130, 415]


def test_of_two_record_types_the_first_that_knows_its_stretches_gives_them() -> None:
    first, second = (contract_of(SLEEPS, f"{{record: {name}, priority: {place}}}") for place, name in enumerate("ab"))
    nights = {
        "ring_a": records(first, [a_sleep(0, 60, None), a_sleep(0, 60, [1, 2]) | {"user_id": "p2"}]),
        "ring_b": records(second, [a_sleep(0, 60, [3, 4]) | {"user_id": user} for user in ("p1", "p2")]),
    }
    assert daily(contracts_of(first, second), nights, {})["asleep_intervals"].to_list() == [[3, 4], [1, 2]]


def test_stretches_are_in_the_published_file_and_in_the_answer_to_a_query(tmp_path: Path) -> None:
    contract = contract_of(SLEEPS)
    contracts, lake = contracts_of(contract), LocalLake(tmp_path)
    rows = daily(contracts, {contract.name: records(contract, [a_sleep(-60, 420, [-50, 415])])}, {})
    part = stage_part(
        lake, "_staging/", "daily_metrics", "2026-11-09", normalize_negative_zero(drop_null_columns(rows))
    )
    made = assemble(lake, "_staging/", daily_columns(contracts), [part])
    lake.publish(made.staged, made.key, None)
    file = tmp_path / partition_key("daily_metrics", "2026-11-09")
    assert str(pq.read_schema(file).field("asleep_intervals").type) == "list<element: int32>"
    assert pl.read_parquet(file)["asleep_intervals"].to_list() == [[-50, 415]]
    answer = run_query(lake, contracts, "SELECT day, asleep_intervals, asleep_intervals[1] FROM daily_metrics")
    assert list(answer.rows) == [(date(2026, 11, 9), [-50, 415], -50)]
