"""How alike a person's nights are, minute for minute: published examples, rules of what is known, and a slow recount."""

from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from qol.formulas import FORMULAS
from qol.formulas.registry import ANY_WEEK
from qol.transform import regularity
from tests.builders import CONTRACTS

from .builders import Row, after, picked, the_week

NIGHT = [-60, 420]  # 23:00 to 07:00


def as_nights(nights: dict[int, list[int] | None]) -> pl.DataFrame:
    """One person's nights by day of the week: stretches asleep."""
    rows = [
        {"user_id": "p", "index": day, "intervals": of, "bedtime": None, "wake": None} for day, of in nights.items()
    ]
    known = {"user_id": pl.String(), "index": pl.Int64(), "bedtime": pl.Float64(), "wake": pl.Float64()}
    return pl.DataFrame(rows, schema=pl.Schema({**known, "intervals": pl.List(pl.Int32)}))


def found(nights: dict[int, list[int] | None]) -> Any:
    """The index of one person's nights, however few."""
    rule = next(rule for rule in CONTRACTS.derived if rule.formula == "regularity").model_copy(update={"min_days": 1})
    index = FORMULAS["regularity"].column(rule, ANY_WEEK)
    values = regularity.compared(as_nights(nights)).select(index).to_series().to_list()
    return values[0] if values else None


def a_sleep(day: int, *intervals: int, **fields: Any) -> Row:
    """A daily row whose main sleep has these stretches; without any, only its bedtime and waking are known."""
    return {"day": day, "sleep_minutes": 400.0, "asleep_intervals": list(intervals) or None} | fields


def sri(*rows: Row, before: list[Row] | None = None) -> tuple[Any, ...]:
    week = after(before, rows) if before else the_week(rows)
    return picked(week, "sleep_regularity_index", "sleep_regularity_pairs")


def test_ggirs_example_is_80() -> None:
    """GGIR's test of its index: asleep from 0.5 to 0.8, 0.5 to 0.9 and 0.4 to 0.9 of three days, all of it known."""
    assert found({0: [0, 432], 1: [0, 576], 2: [-144, 576]}) == 80.0


def test_days_that_repeat_are_100_days_that_never_agree_are_minus_100() -> None:
    """GGIR's and pyActigraphy's limits: all awake, the same every day, and the opposite every day."""
    assert found({day: [0, 0] for day in range(7)}) == 100.0
    assert found(dict.fromkeys(range(7), NIGHT)) == 100.0
    assert found({0: [-720, 720], 1: [0, 0], 2: [-720, 720]}) == -100.0


def test_an_hour_later_once_costs_two_hours_of_one_pair() -> None:
    """-100 + 200 (1 - 120 / (7 x 1440)) = 97.619: on Sunday from 00:00 to 08:00 instead of 23:00 to 07:00."""
    nights = [a_sleep(day, *NIGHT) for day in range(6)]
    assert sri(*nights, a_sleep(6, 0, 480), before=[a_sleep(-1, *NIGHT)]) == (97.619, 7)


def test_without_the_night_before_the_week_there_are_six_pairs() -> None:
    """-100 + 200 (1 - 120 / (6 x 1440)) = 97.222."""
    nights = [a_sleep(day, *NIGHT) for day in range(6)]
    assert sri(*nights, a_sleep(6, 0, 480)) == (97.222, 6)


def test_a_night_that_is_not_known_is_not_a_night_awake() -> None:
    nights = [a_sleep(day, *NIGHT) for day in range(7) if day != 6]
    assert sri(*nights) == (100.0, 5)
    assert sri(*[night for night in nights if night["day"] != 3]) == (None, 3)
    assert sri(*nights[:-1]) == (None, 4)
    nothing = {"day": 6, "steps": 1}
    assert sri(*nights, nothing) == (100.0, 5)


def test_bedtime_to_waking_stands_in_for_stretches_that_are_not_known() -> None:
    fallback = [a_sleep(day, bedtime_minute=1380.0, wake_minute=420.49) for day in range(6)]
    assert sri(*fallback, a_sleep(6, *NIGHT)) == (100.0, 6)
    after_midnight = a_sleep(6, bedtime_minute=0.5, wake_minute=480.0)
    # 00:01 to 08:00: 61 + 60 minutes of one pair differ.
    assert sri(*fallback, after_midnight) == (97.199, 6)
    assert sri(*fallback, a_sleep(6, bedtime_minute=1380.0)) == (100.0, 5)


def test_a_nap_of_the_saturday_before_lies_in_the_first_window() -> None:
    """It makes that Sunday differ from Monday by an hour: 100 - 200 x 60 / (7 x 1440) = 98.81."""
    nights = [a_sleep(day, *NIGHT) for day in range(7)]
    before = [a_sleep(-2, *NIGHT, 780, 840), a_sleep(-1, *NIGHT)]
    assert sri(*nights, before=before) == (98.81, 7)


def test_only_nights_of_the_weeks_source_are_compared() -> None:
    own = [a_sleep(day, *NIGHT) for day in range(6)]
    others = [a_sleep(day, 300, 600, source="oura") for day in (-1, 6)]
    week = after([others[0]], [*own, others[1]])
    assert picked(week, "sleep_source", "sleep_regularity_index", "sleep_regularity_pairs") == ("garmin", 100.0, 5)


def test_the_sleep_of_one_person_is_never_that_of_another() -> None:
    """Sleep of ten days, an error of a device, ends two days after its day, not in the other person's week."""
    rows = [{"user_id": user, "index": day, "intervals": NIGHT} for user in ("p", "q") for day in range(7)]
    rows[6]["intervals"] = [-60, 15_000]
    nights = pl.DataFrame(rows, schema_overrides={"intervals": pl.List(pl.Int32)})
    sums = regularity.compared(nights.with_columns(bedtime=pl.lit(None, pl.Float64), wake=pl.lit(None, pl.Float64)))
    # Until noon of Sunday are five hours more.
    assert sums.rows() == [("p", 6, 300), ("q", 6, 0)]


def test_nobody_has_a_night() -> None:
    assert sri({"day": 0, "steps": 5}) == (None, 0)
    assert found({}) is None


def _by_minute(nights: dict[int, list[int] | None]) -> tuple[int, int]:
    """Pairs and differing minutes, counted minute by minute."""
    asleep = {
        day * 1440 + minute
        for day, of in nights.items()
        for start, end in zip((of or [])[::2], (of or [])[1::2], strict=True)
        for minute in range(start, end)
    }
    pairs = [day for day in range(-1, 6) if nights.get(day) and nights.get(day + 1)]
    minutes = [day * 1440 - 720 + minute for day in pairs for minute in range(1440)]
    return len(pairs), sum((minute in asleep) != (minute + 1440 in asleep) for minute in minutes)


STRETCHES = st.lists(st.integers(-1500, 1500), min_size=2, max_size=6).map(
    lambda edges: sorted(edges)[: len(edges) // 2 * 2]
)


@settings(max_examples=60)
@given(st.dictionaries(st.integers(-2, 6), STRETCHES, max_size=9))
def test_the_moments_of_falling_asleep_and_waking_say_what_all_minutes_say(nights: dict[int, list[int] | None]) -> None:
    sums = regularity.compared(as_nights(nights)).select("pairs", "differing").rows()
    pairs, differing = _by_minute(nights)
    assert sums == ([(pairs, differing)] if pairs else [])
