"""Bugs that other wearable pipelines have, one test each: this one must not have them."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from qol.transform.daily import daily

from .builders import CONTRACTS, Row, a_day, a_night, merged, picked, the_day, the_week, weeks


def after_runs(name: str, *batches: list[Row]) -> list[dict[str, Any]]:
    """Daily rows once each batch of deliveries was a run of its own."""
    return daily(CONTRACTS, {f"garmin_{name}": merged(name, *batches).records.drop("week")}, {}).to_dicts()


def test_a_tentative_and_a_final_night_are_one_night_in_both_orders_and_across_two_files() -> None:
    tentative = a_night("2026-11-10", "2026-11-09 23:10", 350, "ENHANCED_TENTATIVE", raw_object="monday")
    final = a_night("2026-11-10", "2026-11-09 22:58", 401, "ENHANCED_FINAL", raw_object="tuesday", overall_score=81)
    for first, second in permutations([tentative, final]):
        for batches in ([[first, second]], [[first], [second]]):
            (row,) = after_runs("sleeps", *batches)
            assert picked(row, "sleep_minutes", "sleep_score", "nap_minutes") == (401.0, 81, None)


def test_a_partial_day_and_the_whole_day_are_one_day_not_two_and_not_the_first() -> None:
    partial = a_day("2026-11-09", steps=4000, duration_seconds=43_200, summary_id="x-a8c0", raw_object="monday")
    whole = a_day("2026-11-09", steps=9000, summary_id="x-15180", raw_object="tuesday")
    for first, second in permutations([partial, whole]):
        for batches in ([[first, second]], [[first], [second]]):
            assert [row["steps"] for row in after_runs("dailies", *batches)] == [9000]


@pytest.mark.parametrize("samples", [None, 2400], ids=["wear not known", "worn"])
def test_no_steps_are_zero_steps_when_the_watch_was_worn_or_wear_is_unknown(samples: int | None) -> None:
    row = the_day(dailies=[a_day("2026-11-09", steps=0, hr_sample_count=samples)])
    assert picked(the_week([row]), "activity_valid_days", "steps_mean", "steps_sum", "steps_days") == (1, 0.0, 0, 1)


def test_one_metric_missing_removes_no_other_metric_of_the_day() -> None:
    whole = {"steps": 9000, "floors": 4, "resting_hr_bpm": 55, "average_stress_level": 30}
    for missing in whole:
        row = the_day(dailies=[a_day("2026-11-09") | whole | {missing: None}])
        stayed = [row[name] for name in ("steps", "floors", "resting_hr_bpm", "stress_mean")]
        assert stayed == [None if name == missing else value for name, value in whole.items()]


def test_a_week_without_any_value_of_a_metric_has_no_value_made_of_it() -> None:
    metrics = [m.name for m in CONTRACTS.metrics if m.type != "intervals"]
    lacking: dict[str, dict[str, Any]] = {name: {m: 70 for m in metrics if m != name} for name in metrics}
    rows = weeks([{"user_id": name, "day": day} | filled for name, filled in lacking.items() for day in range(7)])
    aggregates = {name: of for group in CONTRACTS.groups for name, of in group.metrics.items()}
    for row in rows:
        metric = row["user_id"]
        made_of_it = [f"{metric}_{aggregate}" for aggregate in aggregates.get(metric, ())]
        made_of_it += [d.name for d in CONTRACTS.derived if metric in d.of and d.unit not in ("days", "pairs")]
        assert {name: row[name] for name in made_of_it} == dict.fromkeys(made_of_it)
        assert row.get(f"{metric}_days", 0) == 0


def test_naps_do_not_multiply_the_day() -> None:
    night = a_night("2026-11-10", "2026-11-09 23:00", 400)
    naps = [a_night("2026-11-10", f"2026-11-10 {hour}:00", 25.25, "DEVICE") for hour in (13, 18)]
    for order in permutations([night, *naps]):
        assert picked(the_day(sleeps=order), "sleep_minutes", "nap_minutes") == (400.0, 50.5)
