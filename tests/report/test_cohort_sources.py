"""Every figure of the cohort names the sources of its values."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from qol.lake import LocalLake
from qol.report.cohort_page import cohort_page
from qol.report.html_page import render
from qol.report.locales import load_locale
from qol.report.report_data import Cohort, read_cohort
from tests.builders import CONTRACTS
from tests.report.conftest import ADA, BEN, MONDAY, Page, one, parse, tables, words

EMPTY_SVG = '<svg role="img" aria-labelledby="t d"></svg>'


@pytest.fixture
def mixed(lake: Path, monkeypatch: pytest.MonkeyPatch) -> Cohort:
    """Ada's steps are Garmin's, Ben's HealthKit's; the week before some were Oura's. Charts are not drawn."""
    monkeypatch.setattr("qol.report.cohort_page.draw_weeks", lambda *_, **__: EMPTY_SVG)
    cohort = read_cohort(LocalLake(lake), CONTRACTS, MONDAY)
    before = MONDAY - timedelta(days=7)
    of_ben = pl.when(pl.col("user_id") == BEN)
    by_person = of_ben.then(pl.lit("healthkit")).otherwise(pl.col("activity_source")).alias("activity_source")
    others = of_ben.then(pl.lit("oura")).otherwise(pl.col("activity_source")).alias("activity_source")
    return replace(
        cohort,
        weekly={
            **cohort.weekly,
            before: cohort.weekly[before].with_columns(others),
            MONDAY: cohort.this.with_columns(by_person),
        },
    )


def line_of(html: str, title: str) -> str:
    """The line of sources under the figure with a title that begins so."""
    (figure,) = [f for f in parse(html).iter("figure") if words(one(f, "figcaption")).startswith(title)]
    (line,) = [words(e) for e in figure.iter("p") if e.attrib.get("class") == "sources"]
    return spaced(line)


def spaced(text: str) -> str:
    """A text with plain blanks: a number stays on the line of its source."""
    assert "\N{NO-BREAK SPACE}" in text or not any(sign.isdigit() for sign in text)
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("language", "title", "sources"),
    [
        ("en", "Steps, mean", "Apple HealthKit 1"),
        ("en", "Steps, mean", "Garmin 1"),
        ("en", "Steps, mean", "; in the weeks before also Oura"),
        ("ja", "歩数", "Garmin 1 人"),
        ("ja", "歩数", "前の 4 週にはほかに Oura"),
    ],
)
def test_a_figure_of_several_sources_names_each_with_its_users(
    mixed: Cohort, language: Any, title: str, sources: str
) -> None:
    locale = load_locale(language, CONTRACTS)
    assert sources in line_of(render("cohort", locale, MONDAY, cohort_page(locale, mixed)), title)


def test_a_table_of_quartiles_names_the_sources_too(mixed: Cohort) -> None:
    locale = load_locale("en", CONTRACTS)
    shown = tables(render("cohort", locale, MONDAY, cohort_page(locale, mixed)))["spread"]
    assert spaced(shown["steps_mean"]["sources"].text) == "Garmin 1, Apple HealthKit 1"
    assert spaced(shown["sleep_minutes_mean"]["sources"].text) == "Garmin 2"


def test_a_figure_of_one_source_says_how_many_users_it_has(page: Page) -> None:
    assert line_of(page(), "Steps, mean") == "Garmin 2"


def test_the_nights_of_a_person_name_their_source(page: Page) -> None:
    assert line_of(page(ADA), "Main sleep of each night") == "Garmin"
