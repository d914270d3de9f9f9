"""Every number of a page is the lake's: exactly in its `data` element, to the shown figures in its text."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from qol.contracts.columns import daily_columns
from qol.contracts.frames import no_rows
from qol.lake import LocalLake
from qol.report.blocks import Cell
from qol.report.cohort_page import cohort_page
from qol.report.html_page import render
from qol.report.locales import load_locale
from qol.report.report_data import UserWeeks, read_cohort
from qol.report.shown_columns import group_columns
from qol.report.user_page import user_page
from qol.tables.manifest import Window, manifest_key, read_manifests
from tests.builders import CONTRACTS
from tests.report.conftest import ADA, BEN, MONDAY, PRESENT, TECHNICAL, WEEK, Page, Shown, tables, weekly_rows

BEFORE = MONDAY - timedelta(days=7)


def same(shown: Shown, value: Any, *, clock: bool = False) -> bool:
    """Whether a cell carries exactly this value, and its text is that value rounded."""
    if value is None:
        return shown.value is None and shown.text == "no data"
    if isinstance(value, bool):
        return (shown.value, shown.text) == (str(value).lower(), "yes" if value else "no")
    if clock:
        hours, minutes = shown.text.split(":")
        away = abs(int(hours) * 60 + int(minutes) - value) % 1440
        return shown.value is not None and float(shown.value) == value and min(away, 1440 - away) <= 0.5
    text = shown.text.replace(",", "").replace("\N{MINUS SIGN}", "-")
    decimals = len(text.partition(".")[2])
    exact = shown.value is not None and float(shown.value) == value
    return exact and abs(float(text) - value) <= 0.5 * 10**-decimals + 1e-9


@pytest.mark.parametrize("person", [ADA, BEN])
def test_a_user_has_the_rows_of_the_weekly_files(page: Page, lake: Path, person: str) -> None:
    shown = tables(page(person))
    weeks = {"this": weekly_rows(lake)[person], "before": weekly_rows(lake, BEFORE)[person]}
    compared = 0
    for group in CONTRACTS.groups:
        rows = shown.get(f"weeks-{group.name}", {})
        for column in group_columns(CONTRACTS, group):
            values = {name: week.get(column.column) for name, week in weeks.items()}
            for name, value in values.items() if column.column in rows else ():
                assert same(rows[column.column][name], value, clock=column.clock), (column.column, name, value)
                compared += value is not None
    assert compared > 25


def test_every_column_with_a_value_in_either_week_has_a_row(page: Page, lake: Path) -> None:
    shown = tables(page(ADA))
    this, before = weekly_rows(lake)[ADA], weekly_rows(lake, BEFORE)[ADA]
    for group in CONTRACTS.groups:
        columns = {c.column for c in group_columns(CONTRACTS, group)}
        known = {name for name in columns if this.get(name) is not None or before.get(name) is not None}
        assert set(shown.get(f"weeks-{group.name}", {})) == known


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3000.0, "3000"),
        (0.1, "0.1"),
        (1e-05, "0.00001"),
        (1e16, "10000000000000000"),
        (-0.0, "0"),
        (7, "7"),
        (True, "true"),
    ],
)
def test_an_exact_value_is_the_shortest_text_that_equals_it(value: float | bool, text: str) -> None:
    assert Cell("shown", value).exact == text
    assert float(value) == (float(text) if text != "true" else 1.0)


def test_a_quartile_has_two_decimals_more_than_its_column_at_most(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of the way from 61.2 to 61.3 is 61.225, in binary 61.225000000000001."""
    monkeypatch.setattr("qol.report.cohort_page.draw_weeks", lambda *_, **__: "<svg></svg>")
    cohort = read_cohort(LocalLake(lake), CONTRACTS, MONDAY)
    values = pl.when(pl.col("user_id") == ADA).then(61.3).otherwise(61.2).alias("resting_hr_bpm_mean")
    changed = replace(cohort, weekly={**cohort.weekly, MONDAY: cohort.this.with_columns(values)})
    locale = load_locale("en", CONTRACTS)
    row = tables(render("cohort", locale, MONDAY, cohort_page(locale, changed)))["spread"]["resting_hr_bpm_mean"]
    assert [row[name].value for name in ("q25", "q50", "q75")] == ["61.225", "61.25", "61.275"]


@pytest.mark.parametrize(
    ("group", "column", "now", "then", "change"),
    [
        ("heart", "resting_hr_bpm_mean", 61.3, 61.2, Shown("+0.1", "0.1")),  # in binary 0.09999999999999432
        ("sleep", "bedtime_minute_circular_mean", 0.3, 1439.9, Shown("0 min", "0.4")),  # 0.3999999999998636
        ("fitness", "fitness_age_years_last", 41, 36, Shown("+5", "5")),
    ],
)
def test_a_change_has_the_decimals_of_its_column(
    group: str, column: str, now: float, then: float, change: Shown
) -> None:
    week = {f"{group}_valid": True, f"{group}_source": "garmin"}
    weekly = {BEFORE: {**week, column: then}, MONDAY: {**week, column: now}}
    locale, empty = load_locale("en", CONTRACTS), no_rows(daily_columns(CONTRACTS))
    page = user_page(locale, UserWeeks(ADA, MONDAY, weekly, empty, PRESENT, empty))
    assert tables(render("user", locale, MONDAY, page))[f"weeks-{group}"][column]["change"] == change


def test_changes_are_this_week_minus_the_one_before(page: Page, lake: Path) -> None:
    this, before = weekly_rows(lake)[ADA], weekly_rows(lake, BEFORE)[ADA]
    cell = tables(page(ADA))["weeks-activity"]["steps_mean"]["change"]
    assert float(cell.value or "nan") == pytest.approx(this["steps_mean"] - before["steps_mean"])
    assert cell.text.startswith("+")


def test_a_users_groups_are_those_of_the_row(page: Page, lake: Path) -> None:
    shown, row = tables(page(ADA))["groups"], weekly_rows(lake)[ADA]
    for group in CONTRACTS.groups:
        cells = shown[group.name]
        assert same(cells["days"], row[f"{group.name}_valid_days"])
        assert same(cells["valid"], row[f"{group.name}_valid"])
        assert cells["source"].value == row[f"{group.name}_source"]


def test_users_are_counted_week_by_week(page: Page, lake: Path) -> None:
    shown = tables(page())["people"]
    assert next(iter(shown)) == WEEK
    for back in range(5):
        monday = MONDAY - timedelta(days=7 * back)
        year, week, _ = monday.isocalendar()
        assert same(shown[f"{year}-W{week}"]["people"], len(weekly_rows(lake, monday)))


def test_valid_weeks_and_sources_are_those_of_the_rows(page: Page, lake: Path) -> None:
    shown, this, before = tables(page()), weekly_rows(lake).values(), weekly_rows(lake, BEFORE).values()
    for group in CONTRACTS.groups:
        valid = shown["valid"][group.name]
        assert same(valid["this"], sum(row[f"{group.name}_valid"] for row in this))
        assert same(valid["before"], sum(row[f"{group.name}_valid"] for row in before))
        for source in ("garmin", "none"):
            expected = None if source == "none" else source
            number = sum(row[f"{group.name}_source"] == expected for row in this)
            assert same(shown["coverage"][group.name][source], number)


def test_quartiles_are_those_of_the_weekly_files(page: Page, lake: Path) -> None:
    shown = tables(page())["spread"]
    earlier = [row for back in (1, 2, 3, 4) for row in weekly_rows(lake, MONDAY - timedelta(days=7 * back)).values()]
    for column in ("steps_mean", "resting_hr_bpm_mean", "sleep_minutes_mean"):
        values = [row[column] for row in weekly_rows(lake).values() if row[column] is not None]
        assert same(shown[column]["people"], len(values))
        for name, percent in (("q25", 25), ("q50", 50), ("q75", 75)):
            assert same(shown[column][name], round(float(np.percentile(values, percent)), 4))
        before = [row[column] for row in earlier if row[column] is not None]
        assert same(shown[column]["before"], float(np.percentile(before, 50)))


def test_the_middle_of_bedtimes_around_midnight_is_at_night(page: Page, lake: Path) -> None:
    """Ada goes to bed at 23:00, Ben at 01:30: the middle is 00:15, not noon."""
    bedtimes = sorted(row["bedtime_minute_circular_mean"] for row in weekly_rows(lake).values())
    assert bedtimes == [90, 1380]
    assert tables(page())["spread"]["bedtime_minute_circular_mean"]["q50"] == Shown("00:15", "15")


def test_rejects_nulled_values_and_lateness_are_the_manifests(page: Page, lake: Path) -> None:
    shown, manifest = tables(page(TECHNICAL)), next(read_manifests(LocalLake(lake)))
    assert {name: int(row["items"].value or 0) for name, row in shown["rejects"].items()} == manifest.rejects_by_reason
    assert manifest.rejects_by_reason == {"not_json": 1, "missing_key": 1}
    for name in ("lines", "kept", "rejected", "superseded"):
        assert same(shown["items"][name]["items"], manifest.totals[name])
    assert same(shown["nulled"]["garmin_dailies.steps.out_of_range"]["values"], 1)
    assert manifest.lateness is not None
    for name in ("p50_days", "p95_days", "max_days"):
        assert same(shown["lateness"][name]["value"], manifest.lateness[name])


def test_counts_are_of_the_newest_run_that_read_raw_data_and_ended_well(lake: Path, tmp_path: Path) -> None:
    """A rebuild reads nothing, a refused run published nothing, another run did not compute the week."""
    own = LocalLake(Path(shutil.copytree(lake, tmp_path / "lake")))
    (first,) = read_manifests(own)
    assert first.window.first == "2026-11-16"
    others: dict[str, Any] = {
        "rebuild": {"window": Window(None, None)},
        "refused": {"status": "refused"},
        "elsewhere": {"tables": [file for file in first.tables if file.date != MONDAY.isoformat()]},
    }
    for number, (name, changed) in enumerate(others.items()):
        later = msgspec.structs.replace(first, run_id=f"9999-{number}-{name}", **changed)
        own.put(manifest_key(later.run_id), msgspec.json.encode(later))
    found = read_cohort(own, CONTRACTS, MONDAY).manifest
    assert found is not None
    assert found.run_id == first.run_id
