"""Every check of the gate can fail, a critical one stops the run, and an operator can accept it by its id."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from qol.contracts.columns import arrow_schema, table_schemas
from qol.contracts.daily import DailyMetric, Relation
from qol.errors import RefusedError
from qol.lake import LocalLake
from qol.quality.comparison import TOO_FEW_USERS, Comparison
from qol.quality.gate import require_passed, run_gate
from qol.quality.gate_checks import CheckObservation
from qol.quality.gate_input import GateInput
from qol.quality.observations import observe_files
from qol.quality.partition_checks import check_metrics, check_rows, check_users_lost
from qol.quality.row_facts import RowFacts, observe_rows
from qol.quality.row_suites import row_suites
from qol.quality.suites import every_check, partitions_suite
from qol.tables.footers import Footer
from qol.tables.layout import Candidate
from qol.tables.manifest import CheckResult, Trigger
from tests.builders import CONTRACTS, daily_record, run_lake, write_lines
from tests.transform.builders import daily_frame

WEEKLY, W45, W46 = "weekly_metrics", "2026-11-02", "2026-11-09"
SHARES = "weekly_metrics.stress_shares_sum_to_one"


def _counted(lake: Path, table: str, rows: list[dict[str, Any]]) -> RowFacts:
    schema = arrow_schema(table_schemas(CONTRACTS)[table])
    empty = pl.DataFrame(schema.empty_table())
    frame = pl.DataFrame(rows, schema_overrides={k: v for k, v in empty.schema.items() if rows and k in rows[0]})
    key = f"_staging/{table}.parquet"
    (lake / "_staging").mkdir(exist_ok=True)
    pl.concat([empty, frame], how="diagonal").write_parquet(lake / key)
    candidate = Candidate(table, "2026-11-09", "processed/x", key, len(rows), 0, "")
    return observe_rows(LocalLake(lake), CONTRACTS, candidate)


def _day(**values: object) -> dict[str, Any]:
    return {"user_id": "a", "day": date(2026, 11, 9), "source": "garmin", **values}


def _week(**values: object) -> dict[str, Any]:
    return {"user_id": "a", "week_start": date(2026, 11, 9), **values}


def _failed(lake: Path, *comparisons: Comparison, rejected: int = 0, **tables: list[dict[str, Any]]) -> set[str]:
    observed = [_counted(lake, table, rows) for table, rows in tables.items()]
    given = GateInput(comparisons, rejected, 1_000, rows=observed)
    return {check.id for check in run_gate(CONTRACTS, given, None) if not check.success}


def _checked_rows(lake: Path, table: str, rows: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """Severity and observation of the checks that rows of a table fail."""
    checks = run_gate(CONTRACTS, GateInput([], 0, 1, rows=[_counted(lake, table, rows)]), None)
    return {check.id: (check.severity, check.observed) for check in checks if not check.success}


def test_a_good_candidate_passes_every_check(tmp_path: Path) -> None:
    day = _day(worn=True, min_hr_bpm=40, resting_hr_bpm=50)
    assert _failed(tmp_path, daily_metrics=[day], weekly_metrics=[_week()]) == set()


def test_two_windows_of_one_questionnaire_are_refused_and_a_week_may_have_none(tmp_path: Path) -> None:
    window = _day(source="survey")
    assert _failed(tmp_path, survey_windows=[window]) == set()
    assert _failed(tmp_path, survey_windows=[]) == set()
    assert _failed(tmp_path, survey_windows=[window, window]) == {"survey_windows.key_unique"}


@pytest.mark.parametrize("check", ["rows_as_expected", "people_kept", "metrics_not_emptied"])
def test_a_wrong_partition_fails_its_check_and_no_other(tmp_path: Path, check: str) -> None:
    assert _failed(tmp_path, Comparison(check, WEEKLY, W46, {"critical": "wrong"})) == {check}
    assert _failed(tmp_path, Comparison(check, WEEKLY, W46)) == set()
    assert _failed(tmp_path, Comparison(check, WEEKLY, W46, not_checked=TOO_FEW_USERS)) == set()


def test_a_file_with_a_row_too_few_is_critical() -> None:
    assert check_rows(40, 40) == {}
    assert check_rows(39, 40) == {"critical": "39 rows staged, 40 computed"}


def test_losing_a_fifth_of_the_users_is_still_accepted() -> None:
    assert check_users_lost(20, 100) == {}
    assert check_users_lost(21, 100) == {"critical": "21 of 100 users lost"}
    assert check_users_lost(19, 19) == TOO_FEW_USERS


@pytest.mark.parametrize(("rejected", "failed"), [(10, set()), (11, {"rejected_share"})])
def test_more_than_one_percent_of_rejected_items_is_a_warning(tmp_path: Path, rejected: int, failed: set[str]) -> None:
    assert _failed(tmp_path, rejected=rejected) == failed


@pytest.mark.parametrize(
    ("rejected", "items", "text"),
    [
        (4_373, 12_475, "4373 of 12475 items, 35 %"),
        (11, 1_000, "11 of 1000 items, 1.1 %"),
        (7, 7, "7 of 7 items, 100 %"),
        (0, 0, "0 of 0 items, 0.0 %"),
    ],
)
def test_rejected_items_are_observed_in_numbers(tmp_path: Path, rejected: int, items: int, text: str) -> None:
    given = GateInput([], rejected, items)
    results = run_gate(CONTRACTS, given, None)
    observed = {result.id: result.observed for result in results}
    assert observed == {"rejected_share": text, "people_with_two_ids": "0 users"}


@pytest.mark.parametrize(
    ("users", "passed", "text"),
    [(0, True, "0 users"), (1, False, "1 user; the keyed hash is kept, the entry not used")],
)
def test_a_second_id_for_a_person_is_a_warning_that_refuses_nothing(
    tmp_path: Path, users: int, passed: bool, text: str
) -> None:
    results = run_gate(CONTRACTS, GateInput([], 0, 1, two_ids=users), None)
    (result,) = [result for result in results if result.id == "people_with_two_ids"]
    assert (result.severity, result.success, result.observed) == ("warning", passed, text)


@pytest.mark.parametrize(
    ("table", "rows", "check"),
    [
        ("weekly_metrics", [_week(user_id=None)], "user_id_known"),
        ("weekly_metrics", [_week(week_start=None)], "week_start_known"),
        ("weekly_metrics", [_week()] * 2, "key_unique"),
        ("daily_metrics", [_day(user_id=None)], "user_id_known"),
        ("daily_metrics", [_day(day=None)], "day_known"),
        ("daily_metrics", [_day(source=None)], "source_known"),
        ("daily_metrics", [_day()] * 2, "key_unique"),
    ],
)
def test_a_broken_key_fails(tmp_path: Path, table: str, rows: list[dict[str, Any]], check: str) -> None:
    severity, _ = _checked_rows(tmp_path, table, rows)[f"{table}.{check}"]
    assert severity == "critical"


@pytest.mark.parametrize("relation", CONTRACTS.relations, ids=lambda relation: relation.id)
def test_every_relation_of_the_contracts_fails_on_a_row_that_breaks_it(tmp_path: Path, relation: Relation) -> None:
    left = sorted(set(pl.sql_expr(relation.left).meta.root_names()))
    right = set(pl.sql_expr(relation.right).meta.root_names())
    day = _day() | dict.fromkeys(right, 1) | dict.fromkeys(left, 10_000)
    assert f"daily_metrics.{relation.id}" in _failed(tmp_path, daily_metrics=[day])


def test_a_day_outside_the_range_of_its_metric_is_a_warning_that_names_the_metric(tmp_path: Path) -> None:
    """50 % of oxygen may be; 49.99 is no day of a person, nor are 100,001 steps or a stretch asleep three days before."""
    good = _day(steps=100_000, spo2_min_pct=50.0)
    broken = good | {"user_id": "b", "steps": 100_001, "spo2_min_pct": 49.99, "asleep_intervals": [-4320, 60]}
    again = broken | {"day": date(2026, 11, 10)}
    rows = [good | {"asleep_intervals": [-2880, 60]}, broken, again, good | {"user_id": "c"}]
    seen = "2 of 4 rows; daily_metrics 2026-W46: 2 rows of 1 user"
    assert _checked_rows(tmp_path, "daily_metrics", rows) == {
        "daily_metrics.activity_in_range": ("warning", f"{seen} (steps)"),
        "daily_metrics.sleep_in_range": ("warning", f"{seen} (asleep_intervals)"),
        "daily_metrics.respiration_in_range": ("warning", f"{seen} (spo2_min_pct)"),
    }


@pytest.mark.parametrize("metric", CONTRACTS.metrics, ids=lambda metric: metric.name)
def test_every_daily_metric_is_held_to_both_ends_of_its_range(metric: DailyMetric) -> None:
    values = [metric.low, metric.high, metric.low - 1, metric.high + 1]
    days = daily_frame(
        [
            {"user_id": f"p{n}", "day": 0} | {metric.name: [int(value), 0] if metric.type == "intervals" else value}
            for n, value in enumerate(values)
        ]
    )
    (expected,) = [
        e for check in row_suites(CONTRACTS)["daily_metrics"] for e in check.expected if e.metric == metric.name
    ]
    assert (expected.arguments["min_value"], expected.arguments["max_value"]) == (metric.low, metric.high)
    assert days.select(broken=expected.broken)["broken"].to_list() == [False, False, True, True]


@pytest.mark.parametrize(("systolic", "failed"), [(80, True), (81, False)])
def test_systolic_pressure_is_above_diastolic_pressure(tmp_path: Path, systolic: int, failed: bool) -> None:
    day = _day(diastolic_mmhg=80, systolic_mmhg=systolic)
    assert ("daily_metrics.diastolic_below_systolic" in _failed(tmp_path, daily_metrics=[day])) == failed


@pytest.mark.parametrize(("rest", "failed"), [(0.1, set()), (0.100002, set()), (0.100004, {SHARES}), (0.0, {SHARES})])
def test_stress_shares_sum_to_one_but_for_their_rounding(tmp_path: Path, rest: float, failed: set[str]) -> None:
    names = ("low", "medium", "high", "activity")
    shares = {f"stress_{name}_share": share for name, share in zip(names, (0.2, 0.3, 0.15, 0.25), strict=True)}
    assert _failed(tmp_path, weekly_metrics=[_week(stress_rest_share=rest, **shares)]) == failed


def test_nights_of_work_and_free_days_are_not_more_than_the_valid_nights(tmp_path: Path) -> None:
    week = _week(midsleep_work_days=4, midsleep_free_days=2, sleep_valid_days=5)
    assert _failed(tmp_path, weekly_metrics=[week]) == {"weekly_metrics.midsleep_days_within_sleep_days"}


@pytest.mark.parametrize("mean", [999.49, 3_000.51])
def test_a_mean_outside_its_min_and_max_fails_the_check_of_its_group_and_names_the_metric(
    tmp_path: Path, mean: float
) -> None:
    good = _week(steps_min=1_000, steps_mean=3_000.5, steps_max=3_000, floors_min=1, floors_mean=None, floors_max=2)
    rows = [{**good, "user_id": "b", "steps_mean": mean}, good]
    observed = "1 of 2 rows; weekly_metrics 2026-W46: 1 row of 1 user (steps)"
    assert _checked_rows(tmp_path, "weekly_metrics", rows) == {
        "weekly_metrics.activity_min_mean_max": ("critical", observed)
    }


def test_every_group_with_min_mean_and_max_has_one_check() -> None:
    checks = {check.id for check in every_check(CONTRACTS) if check.id.endswith("_min_mean_max")}
    groups = (
        "activity",
        "heart",
        "sleep",
        "stress",
        "respiration",
        "temperature",
        "sleep_score",
        "score",
        "environment",
    )
    assert checks == {f"weekly_metrics.{group}_min_mean_max" for group in groups}


def test_every_check_has_its_own_id_and_a_severity() -> None:
    checks = every_check(CONTRACTS)
    assert {f"survey_windows.{key}" for key in ("user_id_known", "day_known", "source_known", "key_unique")} <= {
        check.id for check in checks
    }
    assert len({check.id for check in checks}) == len(checks)
    assert {check.severity for check in checks} == {"critical", "warning", "info"}


@pytest.mark.parametrize(
    ("trigger", "command"),
    [
        ("schedule", "qol run --accept a --accept b"),
        ("backfill", "qol backfill --from … --to … --accept a --accept b"),
        ("rebuild", "qol rebuild … --accept a --accept b"),
    ],
)
def test_a_refusal_names_every_check_that_stopped_it_and_the_command_that_accepts_all(
    trigger: Trigger, command: str
) -> None:
    accepted, stops = (CheckResult(name, "critical", success=False, observed="1 row", message="M.") for name in "ab")
    warns = CheckResult("c", "warning", success=False, observed="1 row", message="M.")
    with pytest.raises(RefusedError) as caught:
        require_passed([accepted, stops, warns], frozenset("a"), trigger)
    assert str(caught.value) == (
        "refused, nothing was published; 1 critical check failed:\n  b: M. Observed: 1 row.\n"
        f"To publish in spite of this, accept the checks: {command}"
    )
    require_passed([accepted, stops, warns], frozenset("ab"), trigger)


def _observed(*comparisons: Comparison) -> dict[str, CheckObservation]:
    return {check.id: observe_files(check, comparisons) for check in partitions_suite()}


def test_an_observation_names_what_failed_and_what_was_not_checked() -> None:
    observed = _observed(
        Comparison("rows_as_expected", WEEKLY, W46),
        Comparison("rows_as_expected", "daily_metrics", W46, {"critical": "7 rows staged, 8 computed"}),
        Comparison("people_kept", WEEKLY, W45, not_checked=TOO_FEW_USERS),
        Comparison("people_kept", WEEKLY, W46, {"critical": "21 of 100 users lost"}),
        Comparison("metrics_not_emptied", WEEKLY, W46),
        Comparison("metrics_not_emptied", WEEKLY, W45, not_checked=TOO_FEW_USERS),
    )
    few = "not checked: fewer than 20 users (weekly_metrics 2026-W45)"
    assert {check: (found.checked, found.text) for check, found in observed.items()} == {
        "rows_as_expected": (True, "1 of 2 files; daily_metrics 2026-W46: 7 rows staged, 8 computed"),
        "people_kept": (True, f"1 of 1 file; weekly_metrics 2026-W46: 21 of 100 users lost; {few}"),
        "metrics_not_emptied": (True, f"0 of 1 file; {few}"),
        "old_weeks_kept": (False, "not checked: no file to compare"),
        "files_readable": (False, "not checked: no file to compare"),
    }


def test_many_files_are_counted() -> None:
    weeks = [f"2026-{month:02d}-05" for month in (1, 2, 3, 4, 6, 7)]
    lost = [Comparison("people_kept", WEEKLY, week, {"critical": "lost"}) for week in weeks]
    assert _observed(*lost)["people_kept"].text == (
        "6 of 6 files; weekly_metrics 2026-W27: lost, weekly_metrics 2026-W23: lost, weekly_metrics 2026-W14: lost,"
        " weekly_metrics 2026-W10: lost, weekly_metrics 2026-W06: lost and 1 more file"
    )
    few = [Comparison("people_kept", WEEKLY, week, not_checked="R") for week in weeks]
    assert _observed(*few)["people_kept"].text == "not checked: R (6 files such as weekly_metrics 2026-W27)"


def test_every_emptied_metric_is_named() -> None:
    metrics = [name for group in CONTRACTS.groups if group.every_week for name in group.metrics][:10]
    columns = {f"{name}_{group.metrics[name][0]}": 30 for group in CONTRACTS.groups for name in group.metrics}
    before = Footer(30, {column: n for column, n in columns.items() if column.rpartition("_")[0] in metrics}, None)
    assert check_metrics(CONTRACTS, Footer(30, {}, None), [[before]]) == {
        "critical": f"{', '.join(sorted(metrics))} 0 of 30 users (before 30 of 30 rows)"
    }


def test_without_a_new_weekly_file_nothing_is_compared() -> None:
    observed = _observed(Comparison("rows_as_expected", "daily_metrics", "2026-11-16"))
    nothing = CheckObservation(checked=False, text="not checked: no file to compare")
    assert observed["people_kept"] == observed["metrics_not_emptied"] == nothing


def test_a_published_run_keeps_its_warnings_and_writes_pages_a_person_can_open_without_values(tmp_path: Path) -> None:
    wrong: dict[str, Any] = {"minHeartRateInBeatsPerMinute": 80, "restingHeartRateInBeatsPerMinute": 60}
    write_lines(tmp_path, "2026-11-10", [daily_record(**wrong, steps=43_217)])
    manifest = run_lake(tmp_path, docs=tmp_path / "_docs")
    failed = [(check.id, check.severity) for check in manifest.checks if not check.success]
    assert failed == [("daily_metrics.min_hr_up_to_resting_hr", "warning")]
    pages = list((tmp_path / "_docs").rglob("*.html"))
    assert (tmp_path / "_docs/index.html") in pages
    assert len(pages) >= 5
    texts = [page.read_text() for page in pages]
    assert [text for text in texts if re.search("<script|(src|<link[^>]* href|url)[=(]\\S*//", text)] == []
    linked = re.findall('<li><a href="([^"]+)">', (tmp_path / "_docs/index.html").read_text())
    assert sorted(tmp_path / "_docs" / name for name in linked) == sorted(
        (tmp_path / "_docs/validations").rglob("*.html")
    )
    assert not any("43217" in text for text in texts)
    told = " ".join(re.sub("<[^>]+>", " ", " ".join(texts)).split())
    assert "daily_metrics.activity_in_range: steps is from 0 to 100000. 0 of 1 rows" in told
    assert "not above the resting one. min_hr_bpm is at most resting_hr_bpm. 1 unexpected values found" in told
    assert "steps_mean is at least steps_min but for 0.5, because steps_min is rounded. 0 of 1 rows" in told
    assert "rejected_share: At most 1% of the items are rejected. 0 of 1 items, 0.0 %" in told
    assert "less than or equal to" not in told
