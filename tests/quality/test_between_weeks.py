"""A week of a table is compared with the four before it: users, rows per user, and every field by its name."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from qol.contracts.model import Contracts
from qol.contracts.quality import Compared, RecordQuality, Severity
from qol.errors import CorruptFileError
from qol.lake import LocalLake
from qol.quality.between_weeks import compare_weeks
from qol.quality.comparison import TOO_FEW_USERS, Comparison
from qol.quality.gate import run_gate
from qol.quality.gate_input import GateInput
from qol.quality.observations import observe_files
from qol.quality.renamed_fields import UnknownFields, likely_new_name, unknown_fields
from qol.quality.suites import every_check
from qol.tables.footers import Footers, WeekFiles
from qol.tables.layout import Candidate, find_published, partition_key
from tests.builders import CONTRACTS, NOW, daily_record, run_lake, write_lines
from tests.damage import zeroed_body

DAILIES = "records_garmin_dailies"
MONDAY = date(2026, 11, 9)
#: A Thursday of the week of MONDAY.
RUNNING = datetime(2026, 11, 12, 0, 5, tzinfo=UTC)
NO_FIELDS: UnknownFields = {}


def _days(users: int = 20, each: int = 7, **known: int) -> pl.DataFrame:
    """Rows of a week: so many users with so many days each; of a named column, the first so many rows have a value."""
    names = [f"p{n:04d}" for n in range(users) for _ in range(each)]
    rows = pl.DataFrame({"user_id": names}, schema={"user_id": pl.String})
    days = pl.Series([MONDAY + timedelta(days=n % 7) for n in range(rows.height)], dtype=pl.Date)
    values = [pl.when(pl.int_range(pl.len()) < n).then(1).alias(name) for name, n in known.items()]
    return rows.with_columns(days.alias("day"), *values)


def _compare(
    folder: Path,
    week: pl.DataFrame,
    *before: pl.DataFrame,
    table: str = DAILIES,
    unknown: UnknownFields = NO_FIELDS,
    now: datetime = NOW,
    contracts: Contracts = CONTRACTS,
) -> dict[str, dict[Severity, str] | str]:
    """What is found of a candidate for 2026-W46, the weeks before published from W45 backwards."""
    for back, rows in enumerate(before, 1):
        key = folder / partition_key(table, (MONDAY - timedelta(weeks=back)).isoformat())
        key.parent.mkdir(parents=True)
        rows.write_parquet(key)
    week.write_parquet(folder / "staged.parquet")
    lake, day = LocalLake(folder), MONDAY.isoformat()
    candidates = [Candidate(table, day, partition_key(table, day), "staged.parquet", week.height, 0, "")]
    weeks = WeekFiles(candidates, find_published(lake, [table]))
    found = compare_weeks(contracts, Footers(lake), weeks, candidates, unknown, now)
    return {comparison.compared: comparison.not_checked or comparison.found for comparison in found}


def test_a_week_like_the_ones_before_is_found_well(tmp_path: Path) -> None:
    week = _days(20, 7, steps=140, floors=60)
    assert _compare(tmp_path, week, week, week) == {"people": {}, "rows_per_person": {}, "fields": {}}


def test_a_renamed_field_is_named_with_its_numbers_and_the_name_it_probably_has_now(tmp_path: Path) -> None:
    unknown = {"garmin_dailies": {"stepCount": 140, "readinessHint": 140, "stepRate": 2}}
    found = _compare(
        tmp_path, _days(floors=70), _days(steps=137, floors=70), _days(steps=137, floors=70), unknown=unknown
    )
    assert found["fields"] == {
        "critical": "steps (perhaps now stepCount, which no contract names) null in 100% of 140 rows, 2% in the 2 weeks before"
    }


def test_what_is_critical_in_a_closed_week_is_a_warning_in_the_running_one(tmp_path: Path) -> None:
    found = _compare(tmp_path, _days(each=3), _days(steps=140), now=RUNNING)
    assert found == {"fields": {"warning": "steps null in 100% of 60 rows, 0% in the week before"}}


@pytest.mark.parametrize(("left", "found"), [(70, True), (71, False)])
def test_a_field_has_gone_from_half_of_its_values_on(tmp_path: Path, left: int, found: bool) -> None:
    assert bool(_compare(tmp_path, _days(floors=left), _days(floors=140))["fields"]) == found


@pytest.mark.parametrize(("before", "found"), [(14, True), (13, False)])
def test_a_field_that_fewer_than_a_tenth_of_the_rows_had_may_go(tmp_path: Path, before: int, found: bool) -> None:
    assert bool(_compare(tmp_path, _days(), _days(floors=before))["fields"]) == found


def test_fewer_than_ten_values_to_be_expected_may_be_missing_by_chance(tmp_path: Path) -> None:
    assert _compare(tmp_path, _days(20, 1), _days(floors=67))["fields"] == {}


def test_fields_with_the_same_numbers_are_named_together_and_many_are_counted(tmp_path: Path) -> None:
    lost = [field.name for field in CONTRACTS.by_name["garmin_dailies"].fields if field.type == "integer"][3:13]
    assert "steps" not in lost
    found = _compare(tmp_path, _days(), _days(**dict.fromkeys(lost, 140)))["fields"]
    shown = ", ".join(lost[:8])
    assert found == {"warning": f"{shown} null in 100% of 140 rows, 0% in the week before; and 2 more fields"}


@pytest.mark.parametrize(
    ("users", "found"),
    [
        (70, {}),
        (
            69,
            {
                "warning": "31 of 100 users have no Garmin dailies in 2026-W46 (100 users in a mean week of the 2 before, now 69)"
            },
        ),
    ],
)
def test_more_than_thirty_percent_fewer_users_are_found(tmp_path: Path, users: int, found: dict[str, str]) -> None:
    assert _compare(tmp_path, _days(users), _days(90), _days(110))["people"] == found


@pytest.mark.parametrize(
    ("each", "found"),
    [
        (3, {"warning": "3.0 rows per user (60 rows of 20 users), 6.0 in the week before"}),
        (4, {}),
        (11, {}),
        (12, {"warning": "12.0 rows per user (240 rows of 20 users), 6.0 in the week before"}),
    ],
)
def test_half_or_twice_the_rows_per_user_are_found(tmp_path: Path, each: int, found: dict[str, str]) -> None:
    assert _compare(tmp_path, _days(20, each), _days(20, 6))["rows_per_person"] == found


def test_rows_per_user_are_not_compared_with_those_of_nineteen(tmp_path: Path) -> None:
    assert _compare(tmp_path, _days(20, 3), _days(19, 7))["rows_per_person"] == TOO_FEW_USERS


def test_a_source_that_lost_nearly_all_users_is_not_too_small_to_be_compared(tmp_path: Path) -> None:
    assert _compare(tmp_path, _days(1), _days(20))["people"] == {
        "warning": "19 of 20 users have no Garmin dailies in 2026-W46 (20 users in the week before, now 1)"
    }


@pytest.mark.parametrize(
    ("week", "before", "reason"),
    [
        (_days(19), [_days(19)], "fewer than 20 users"),
        (_days(20), [], "no earlier week to compare with"),
        (_days(20), [_days(0)], "no earlier week to compare with"),
    ],
)
def test_what_cannot_be_compared_says_why(
    tmp_path: Path, week: pl.DataFrame, before: list[pl.DataFrame], reason: str
) -> None:
    found = _compare(tmp_path, week, *before)
    assert found == dict.fromkeys(("people", "rows_per_person", "fields"), reason)


def test_null_rates_of_few_rows_are_not_compared(tmp_path: Path) -> None:
    assert _compare(tmp_path, _days(20, 1), _days(19, 1))["fields"] == "fewer than 20 rows"


def test_a_damaged_week_before_is_passed_over(tmp_path: Path) -> None:
    broken = tmp_path / partition_key(DAILIES, "2026-10-26")
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"no Parquet")
    assert _compare(tmp_path, _days(), _days(floors=140))["fields"] == {
        "warning": "floors null in 100% of 140 rows, 0% in the week before"
    }


def test_a_week_before_whose_users_cannot_be_counted_is_named(tmp_path: Path) -> None:
    broken = tmp_path / partition_key(DAILIES, "2026-10-26")
    broken.parent.mkdir(parents=True)
    _days().write_parquet(broken)
    zeroed_body(broken)
    with pytest.raises(
        CorruptFileError, match="^processed/records/garmin_dailies/date=2026-10-26/part-00000.parquet: damaged"
    ):
        _compare(tmp_path, _days(), _days())


def test_a_fifth_week_before_is_not_compared(tmp_path: Path) -> None:
    quiet = _days(floors=0)
    assert _compare(tmp_path, _days(), quiet, quiet, quiet, quiet, _days(floors=140))["fields"] == {}


def test_weekly_metrics_are_compared_by_users_and_metrics(tmp_path: Path) -> None:
    found = _compare(tmp_path, _days(20, 1), _days(30, 1, steps_mean=30, mvpa_meets_who=20), table="weekly_metrics")
    assert found == {
        "people": {
            "warning": "10 of 30 users have no weekly_metrics in 2026-W46 (30 users in the week before, now 20)"
        },
        "fields": {
            "warning": "steps_mean null in 100% of 20 rows, 0% in the week before; "
            "mvpa_meets_who null in 100% of 20 rows, 33% in the week before"
        },
    }


def test_metrics_of_groups_that_are_not_measured_every_week_may_be_empty(tmp_path: Path) -> None:
    found = _compare(tmp_path, _days(20, 1), _days(20, 1, whoqol_overall_last=20), table="weekly_metrics")
    assert found["fields"] == {}


def test_a_list_column_counts_as_known_when_any_row_has_a_value(tmp_path: Path) -> None:
    def nights(stretches: list[int] | None) -> pl.DataFrame:
        return _days().with_columns(pl.lit(stretches, pl.List(pl.Int32)).alias("asleep_intervals"))

    sleeps = "records_garmin_sleeps"
    for name, now, found in (("none", None, True), ("some", [0, 60], False)):
        (tmp_path / name).mkdir()
        assert bool(_compare(tmp_path / name, nights(now), nights([0, 60]), table=sleeps)["fields"]) == found


def test_a_contract_gives_its_own_severity(tmp_path: Path) -> None:
    own = RecordQuality(severity={"people": "info", "fields": "critical"}, fields={"floors": "info"})
    sources = tuple(
        c.model_copy(update={"quality": own}) if c.name == "garmin_dailies" else c for c in CONTRACTS.sources
    )
    found = _compare(
        tmp_path, _days(20), _days(30, floors=210, pushes=210), contracts=replace(CONTRACTS, sources=sources)
    )
    assert found["people"] == {
        "info": "10 of 30 users have no Garmin dailies in 2026-W46 (30 users in the week before, now 20)"
    }
    assert found["fields"] == {
        "info": "floors null in 100% of 140 rows, 0% in the week before",
        "critical": "pushes null in 100% of 140 rows, 0% in the week before",
    }


@pytest.mark.parametrize(
    ("unknown", "found"),
    [
        ({"stepCount": 140, "totalCalories": 140}, "stepCount"),
        ({"pedometerTotal": 140}, "pedometerTotal"),
        ({"summary.totalSteps": 140, "hint": 140}, "summary.totalSteps"),
        ({"stepCount": 69}, None),
        ({"abc": 140, "xyz": 140}, None),
        ({}, None),
    ],
)
def test_a_new_name_is_frequent_enough_and_the_only_one_or_alike(unknown: dict[str, int], found: str | None) -> None:
    steps = CONTRACTS.by_name["garmin_dailies"].by_name["steps"]
    assert likely_new_name(steps, 140, unknown) == found


def test_unknown_fields_are_those_of_the_manifest_that_no_contract_names() -> None:
    issues = {"garmin_dailies": {"stepCount": {"unknown_field": 3}, "steps": {"out_of_range": 9}}, "garmin_hrv": {}}
    assert unknown_fields(issues) == {"garmin_dailies": {"stepCount": 3}, "garmin_hrv": {}}


def test_findings_are_observed_newest_week_first_and_what_was_not_checked_after_them() -> None:
    found: list[Comparison] = [
        Comparison("fields", DAILIES, "2026-11-02", {"warning": "floors A"}),
        Comparison("fields", DAILIES, "2026-11-09", {"warning": "floors B", "critical": "steps C"}),
        Comparison("fields", "records_garmin_hrv", "2026-11-09", not_checked="fewer than 20 users"),
        Comparison("people", DAILIES, "2026-11-09", {"warning": "1 users"}),
    ]
    [check] = [check for check in every_check(CONTRACTS) if check.id == "fields_as_before.warning"]
    observed = observe_files(check, found)
    assert observed.checked
    assert observed.text == (
        "2 of 2 files; records_garmin_dailies 2026-W46: floors B, records_garmin_dailies 2026-W45: floors A;"
        " not checked: fewer than 20 users (records_garmin_hrv 2026-W46)"
    )
    assert not observe_files(check, found[2:]).checked


@pytest.mark.parametrize(
    ("compared", "severity", "check"),
    [
        ("people", "warning", "people_as_before.warning"),
        ("rows_per_person", "warning", "rows_per_person_as_before.warning"),
        ("fields", "critical", "fields_as_before.critical"),
        ("fields", "warning", "fields_as_before.warning"),
        ("people", "info", "people_as_before.info"),
        ("fresh", "warning", "data_is_fresh.warning"),
    ],
)
def test_what_is_found_fails_its_check_and_no_other(
    tmp_path: Path, compared: Compared, severity: Severity, check: str
) -> None:
    found = Comparison(compared, DAILIES, "2026-11-09", {severity: "text"})
    checks = run_gate(CONTRACTS, GateInput([found], 0, 1), None)
    assert [(c.id, c.severity, c.observed) for c in checks if not c.success] == [
        (check, severity, "1 of 1 file; records_garmin_dailies 2026-W46: text")
    ]


def test_a_run_after_a_vendor_renamed_a_key_names_the_field_in_manifest_and_data_docs(tmp_path: Path) -> None:
    users = [f"u{n}" for n in range(20)]
    write_lines(tmp_path, "2026-11-03", [daily_record(u, -7, calendarDate=None, bmrKilocalories=1_500) for u in users])
    run_lake(tmp_path)
    write_lines(tmp_path, "2026-11-10", [daily_record(u, 0, basalKilocalories=1_500) for u in users])
    manifest = run_lake(tmp_path, docs=tmp_path / "_docs")
    failed = {check.id: check.observed for check in manifest.checks if not check.success}
    assert manifest.status == "published"
    assert failed["fields_as_before.warning"] == (
        "1 of 2 files; records_garmin_dailies 2026-W46: bmr_kcal (perhaps now basalKilocalories, which no contract"
        " names) null in 100% of 20 rows, 0% in the week before"
    )
    pages = "".join(page.read_text() for page in (tmp_path / "_docs").rglob("*.html"))
    assert "fields_as_before.warning" in pages
