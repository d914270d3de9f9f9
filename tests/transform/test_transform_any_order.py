"""Invariant I3 in one process: any split, order, repetition or replay of deliveries gives the same tables."""

import io
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qol.contracts.frames import monday_expr
from qol.contracts.source import SourceContract
from qol.tables.weeks import WEEK
from qol.transform.borders import is_near
from qol.transform.daily_rows import daily
from qol.transform.weekly_rows import weekly
from tests.builders import CONTRACTS
from tests.effort import examples

from .builders import MONDAY, Row, a_day, a_night, contract_of, daily_frame, local, merged, utc
from .test_transform_slots import EARLY, EPOCHS, LATE, an_epoch

#: The last days of one week and the first of the next.
DAYS = ("2026-11-13", "2026-11-14", "2026-11-15", "2026-11-16", "2026-11-17")
PROVENANCE = ("raw_object", "line_number")

#: A place, an object and a line; a line may hold several records.
Line = tuple[tuple[str, int], list[Row]]

users = st.sampled_from(["p1", "p2"])
received = st.sampled_from([None, utc("2026-11-18 00:00"), utc("2026-11-18 09:00")])
arrivals = st.sampled_from([date(2026, 11, 17), date(2026, 11, 18)])


@st.composite
def day_versions(draw: st.DrawFn) -> Row:
    start = draw(st.sampled_from([local("2026-11-13 00:00"), local("2026-11-15 00:00")]))
    stamp = draw(received)
    return a_day(
        draw(st.sampled_from(DAYS)),
        user_id=draw(users),
        start_time_seconds=start,
        duration_seconds=draw(st.sampled_from([None, 43_200, 86_400])),
        steps=draw(st.sampled_from([None, 0, 9000])),
        received_at=stamp,
        arrival_date=stamp.date() if stamp else draw(arrivals),
        value_issues=draw(st.sampled_from([None, ["steps: string wrong_type"]])),
    )


@st.composite
def night_versions(draw: st.DrawFn) -> Row:
    day = draw(st.sampled_from(DAYS))
    bed = draw(st.sampled_from(["00:30", "02:00", "03:30", "06:00", "22:00"]))
    return a_night(
        day,
        f"{day} {bed}",
        draw(st.sampled_from([0, 45, 90, 240])),
        draw(st.sampled_from([None, "OFF_WRIST", "AUTO_TENTATIVE", "ENHANCED_FINAL", "MANUAL"])),
        user_id=draw(users),
        received_at=draw(received) or utc("2026-11-18 05:00"),
        total_nap_seconds=draw(st.sampled_from([None, 600])),
    )


@st.composite
def document_versions(draw: st.DrawFn) -> Row:
    """Oura's activity of a day; some documents say when they were updated."""
    day, stamp = draw(st.sampled_from(DAYS)), draw(received)
    updated = draw(st.sampled_from([None, utc("2026-11-17 12:00"), utc("2026-11-18 05:00")]))
    return {
        "day": day,
        "calendar_date": date.fromisoformat(day),
        "user_id": draw(users),
        "meta_updated_at": None if updated is None else int(updated.timestamp()),
        "steps": draw(st.sampled_from([0, 9000])),
        "received_at": stamp,
        "arrival_date": stamp.date() if stamp else draw(arrivals),
    }


epochs = st.builds(
    an_epoch,
    st.sampled_from(["SEDENTARY", "WALKING", "RUNNING"]),
    st.integers(0, 3),
    start_seconds=st.sampled_from([1_794_160_000, 1_794_160_900]),
    user_id=users,
    received_at=st.sampled_from([None, EARLY, LATE]),
)


@st.composite
def deliveries(draw: st.DrawFn, versions: st.SearchStrategy[Row]) -> tuple[list[Line], list[list[Line]]]:
    """Lines, and a schedule of runs that delivers each at least once, some again, in any order."""
    places = st.tuples(st.sampled_from("abc"), st.integers(1, 4))
    contents = draw(st.dictionaries(places, st.lists(versions, min_size=1, max_size=3), min_size=1, max_size=8))
    lines: list[Line] = list(contents.items())
    again = draw(st.lists(st.sampled_from(lines), max_size=6))
    order = draw(st.permutations([*lines, *again]))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=3)))
    edges = [0, *cuts, len(order)]
    return lines, [order[start:stop] for start, stop in pairwise(edges)]


def rows_of(lines: Sequence[Line]) -> list[Row]:
    return [
        {**row, "raw_object": name, "line_number": number, "object_index": "abc".index(name)}
        for (name, number), content in lines
        for row in content
    ]


def of_week(frame: pl.DataFrame, monday: date) -> pl.DataFrame:
    return frame.filter(monday_expr(pl.col("day")) == monday)


def as_bytes(frame: pl.DataFrame) -> bytes:
    """The frame as Parquet: what stands under a null does not count, the sign of a zero does."""
    sink = io.BytesIO()
    pq.write_table(frame.to_arrow().combine_chunks(), sink, compression="none", write_statistics=False)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("name", "versions"),
    [
        ("dailies", day_versions()),
        ("sleeps", night_versions()),
        ("oura_daily_activity", document_versions()),
        (contract_of(EPOCHS), epochs),
        (contract_of(EPOCHS, "version: [steps]"), epochs),
    ],
    ids=["days", "nights", "documents", "slots", "versioned slots"],
)
@settings(max_examples=examples(6, 40))
@given(st.data())
def test_any_schedule_of_deliveries_leaves_the_same_records_and_counts_every_row(
    name: SourceContract | str, versions: st.SearchStrategy[Row], data: st.DataObject
) -> None:
    lines, schedule = data.draw(deliveries(versions))
    at_once, outcome = merged(name, rows_of(lines)), merged(name, *[rows_of(run) for run in schedule])
    places = PROVENANCE if name in ("dailies", "oura_daily_activity") else ()
    assert as_bytes(outcome.records.drop(places)) == as_bytes(at_once.records.drop(places))
    assert outcome.kept["records"].sum() == sum(len(content) for _, content in schedule[-1])
    assert outcome.kept["kept"].is_between(0, outcome.records.height).all()


@settings(max_examples=examples(4, 30))
@given(st.lists(night_versions(), max_size=10), st.lists(day_versions(), max_size=4), st.randoms(use_true_random=False))
def test_daily_rows_depend_neither_on_order_nor_on_other_users_and_weeks_but_for_their_borders(
    nights: list[Row], whole_days: list[Row], random: Any
) -> None:
    given_rows = {"sleeps": nights, "dailies": whole_days}
    frames = {name: merged(name, given).records.drop("week") for name, given in given_rows.items()}

    def rows(keep: pl.Expr) -> pl.DataFrame:
        """Daily rows of some of the records, shuffled."""
        chosen = {f"garmin_{name}": frame.filter(keep) for name, frame in frames.items()}
        shuffled = {name: frame[random.sample(range(frame.height), frame.height)] for name, frame in chosen.items()}
        return daily(CONTRACTS, shuffled, {})

    whole = rows(pl.lit(value=True))
    people = [rows(pl.col("user_id") == user) for user in ("p1", "p2")]
    assert as_bytes(pl.concat(people)) == as_bytes(whole)
    for monday in (MONDAY, MONDAY + WEEK):
        alone = rows((monday_expr(pl.col("day")) == monday) | is_near(monday))
        assert as_bytes(of_week(alone, monday)) == as_bytes(of_week(whole, monday))


METRICS = ("steps", "distance_m", "resting_hr_bpm", "hrv_rmssd_ms", "sleep_minutes", "bedtime_minute", "stress_mean")
WHOLE = {"steps", "resting_hr_bpm"}


@st.composite
def some_days(draw: st.DrawFn) -> list[Row]:
    keys = st.tuples(users, st.integers(0, 6), st.sampled_from(["garmin", "oura"]))
    value = st.none() | st.integers(500, 12_000).map(lambda hundredths: hundredths / 100)
    rows: list[Row] = []
    for user, day, source in draw(st.lists(keys, unique=True, max_size=12)):
        values = {metric: draw(value) for metric in METRICS}
        whole = {metric: round(value) for metric, value in values.items() if metric in WHOLE and value is not None}
        rows.append({"user_id": user, "day": day, "source": source, "worn": draw(st.booleans())} | values | whole)
    return rows


@settings(max_examples=examples(4, 30))
@given(some_days(), st.randoms(use_true_random=False))
def test_weekly_rows_depend_neither_on_order_nor_on_how_users_are_split(rows: list[Row], random: Any) -> None:
    whole = weekly(CONTRACTS, daily_frame(rows), MONDAY)
    shuffled = random.sample(rows, len(rows))
    buckets = [
        weekly(CONTRACTS, daily_frame([row for row in shuffled if row["user_id"] == user]), MONDAY)
        for user in ("p1", "p2")
    ]
    assert as_bytes(pl.concat(buckets)) == as_bytes(whole)
