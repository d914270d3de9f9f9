"""Shown columns follow from the contracts: at most two columns of a group, and a new group without any change here."""

from dataclasses import replace
from datetime import date

import polars as pl

from qol.contracts.columns import fixed
from qol.contracts.daily import DailyMetric
from qol.contracts.frames import no_rows
from qol.contracts.model import Contracts
from qol.contracts.weekly import WeeklyGroup
from qol.report.cohort_page import cohort_page
from qol.report.html_page import render
from qol.report.locales import load_locale
from qol.report.report_data import Cohort, mondays
from qol.report.shown_columns import all_columns, daily_groups, empty_groups, main_columns
from tests.builders import CONTRACTS
from tests.report.conftest import PRESENT, parse, tables, words

ADHERENCE = no_rows(fixed("adherence")).schema
EVERYTHING = {column.column for column in all_columns(CONTRACTS)}
MONDAY = date(2026, 11, 9)


def with_group() -> Contracts:
    """The contracts and a new group."""
    metric = DailyMetric(
        name="grip_kg", group="strength", unit="kg", description="Grip strength, best of three.", type="number",
        range=(0, 120),
    )  # fmt: skip
    group = WeeklyGroup(
        name="strength", anchor=("grip_kg",), needs_wear=False, min_valid_days=1, precedence=("garmin",),
        metrics={"grip_kg": ("mean", "sd")},
    )  # fmt: skip
    return replace(CONTRACTS, metrics=(*CONTRACTS.metrics, metric), groups=(*CONTRACTS.groups, group))


def cohort(contracts: Contracts, **columns: list[float]) -> Cohort:
    """Five weeks in which users have these values and no others."""
    number = max((len(values) for values in columns.values()), default=1)
    empty = {column.column: pl.Series([None] * number, dtype=pl.Float64) for column in all_columns(contracts)}
    for group in contracts.groups:
        empty[f"{group.name}_valid"] = pl.Series([False] * number, dtype=pl.Boolean)
        empty[f"{group.name}_source"] = pl.Series([None] * number, dtype=pl.String)
    frame = pl.DataFrame({"user_id": [str(n) for n in range(number)], **empty, **columns})
    present = pl.DataFrame([PRESENT | {"user_id": str(n)} for n in range(number)], schema=ADHERENCE)
    wear = pl.DataFrame(
        [(str(n), MONDAY, n > 0) for n in range(number)], orient="row", schema=["user_id", "day", "worn"]
    )
    return Cohort(MONDAY, dict.fromkeys(mondays(MONDAY, 5), frame), None, present, wear)


def page_of(cohort: Cohort, contracts: Contracts = CONTRACTS) -> str:
    locale = load_locale("en", contracts)
    return render("cohort", locale, MONDAY, cohort_page(locale, cohort))


def test_a_group_shows_two_columns_and_the_most_important_ones() -> None:
    chosen = [column.column for column in main_columns(CONTRACTS, EVERYTHING, 2)]
    assert chosen[:7] == [
        "steps_mean",
        "mvpa_equivalent_minutes_sum",
        "resting_hr_bpm_mean",
        "hrv_rmssd_ms_mean",
        "sleep_minutes_mean",
        "bedtime_minute_circular_mean",
        "stress_mean_mean",
    ]
    groups = [column.group for column in main_columns(CONTRACTS, EVERYTHING, 2)]
    assert all(groups.count(group) <= 2 for group in groups)
    assert list(dict.fromkeys(groups)) == [group.name for group in CONTRACTS.groups]


def test_a_column_without_values_makes_room_for_the_next() -> None:
    chosen = [column.column for column in main_columns(CONTRACTS, EVERYTHING - {"steps_mean"}, 2)]
    assert chosen[:2] == ["mvpa_equivalent_minutes_sum", "distance_m_mean"]


def test_a_new_group_comes_by_itself_with_the_label_of_its_contract() -> None:
    contracts = with_group()
    page = parse(page_of(cohort(contracts, grip_kg_mean=[31.0, 40.5]), contracts))
    assert [words(caption) for caption in page.iter("figcaption")] == ["Grip strength, mean of valid days kg"]


def test_groups_without_any_value_are_named_in_one_line() -> None:
    contracts = with_group()
    assert empty_groups(contracts, {"grip_kg_mean"}) == [group.name for group in CONTRACTS.groups]
    page = parse(page_of(cohort(contracts, grip_kg_mean=[31.0]), contracts))
    line = next(words(text) for text in page.iter("p") if words(text).startswith("Left out"))
    assert "Activity, Heart, Sleep" in line
    assert "strength" not in line


def test_a_lake_without_values_or_runs_is_described_in_sentences() -> None:
    html = page_of(cohort(CONTRACTS))
    assert "<p>No data: no participant has a value in these five weeks.</p>" in html
    assert "<p>No data: there is no record of a run that read raw data and computed this week.</p>" in html


def test_a_published_week_without_users_has_no_shares() -> None:
    valid = tables(page_of(cohort(CONTRACTS, steps_mean=[])))["valid"]
    assert {row["share"].text for row in valid.values()} == {"no data"}


def test_a_change_is_shown_beside_its_column_and_is_none_of_its_own() -> None:
    changes = {derived.name for derived in CONTRACTS.derived if derived.formula == "change"}
    assert "steps_mean_change" in changes
    assert not changes & EVERYTHING


def test_many_users_are_drawn_without_dots() -> None:
    for size, has_dots in ((200, True), (201, False)):
        html = page_of(cohort(CONTRACTS, steps_mean=[float(n) for n in range(size)]))
        assert ("Each dot" in html, html.count("<use") > 500) == (has_dots, has_dots)


def test_every_daily_metric_is_in_one_group() -> None:
    listed = [name for _, names in daily_groups(CONTRACTS) for name in names]
    assert sorted(listed) == sorted(m.name for m in CONTRACTS.metrics if m.type in ("integer", "number"))
    groups = [group for group, _ in daily_groups(CONTRACTS)]
    assert len(groups) == len(set(groups))
