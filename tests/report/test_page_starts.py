"""A page begins with what a coordinator acts on: how many weeks are valid, whom to call, who wore the device when."""

import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from qol.lake import LocalLake
from qol.report.cohort_page import cohort_page
from qol.report.cohort_summary import call_reason
from qol.report.html_page import breakable, linked_pages, render
from qol.report.locales import load_locale
from qol.report.report_data import read_cohort
from qol.report.svg_charts import draw_sparkline
from qol.report.technical_page import technical_page
from qol.tables.manifest import CheckResult
from tests.builders import CONTRACTS
from tests.report.conftest import ADA, BEN, CLEO, DORA, MONDAY, PRESENT, Page, one, parse, tables, words
from tests.report.test_shown_columns import cohort, page_of

LOCALE = load_locale("en", CONTRACTS)


def headline(html: str) -> dict[str, str]:
    return {item.attrib["data-number"]: words(one(item, "strong")) for item in parse(html).iter("li") if item.attrib}


def test_a_cohort_begins_with_its_numbers_and_whom_to_call(page: Page) -> None:
    assert headline(page()) == {"valid": "2 of 4", "calls": "2", "warnings": "1"}
    calls = tables(page())["calls"]
    assert [(who, row["reason"].text, row["worn"].text, row["survey"].text) for who, row in calls.items()] == [
        (DORA, "no data since 2026-10-13 (days: 34)", "0", "never"),
        (CLEO, "no data since 2026-10-26 (days: 21)", "0", "never"),
    ]


def test_participants_are_those_of_the_roster_also_who_never_sent_anything(lake: Path) -> None:
    roster = {ADA: None, "P9": date(2026, 11, 2)}
    html = render(
        "cohort", LOCALE, MONDAY, cohort_page(LOCALE, read_cohort(LocalLake(lake), CONTRACTS, MONDAY, roster))
    )
    assert headline(html)["valid"] == "1 of 2"
    assert tables(html)["calls"]["P9"]["reason"].text == "never sent anything since 2026-11-02 (days: 14)"
    assert tables(html)["people"]["2026-W46"]["people"].text == "1"  # distributions and counts are of the roster too
    assert not any(other in html for other in (BEN, CLEO))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"last_sync": None, "days_silent": None}, "never sent anything"),
        ({"days_silent": 0}, "sends data, device not worn"),
        ({"days_silent": 2, "silent_since": date(2026, 11, 14)}, "sends data, device not worn"),
        ({"days_silent": 3, "silent_since": date(2026, 11, 13)}, "no data since 2026-11-13 (days: 3)"),
    ],
)
def test_a_call_has_its_reason(row: dict[str, Any], reason: str) -> None:
    assert call_reason(LOCALE, PRESENT | row) == reason


def test_a_check_that_found_something_is_a_sentence_for_all_and_a_claim_for_engineers(lake: Path) -> None:
    found = read_cohort(LocalLake(lake), CONTRACTS, MONDAY)
    assert found.manifest
    check = CheckResult(
        "rejected_share", "warning", success=False, observed="9 of 50", message="Few.", finding="9 items!"
    )
    found.manifest.checks.append(check)
    html = render("cohort", LOCALE, MONDAY, cohort_page(LOCALE, found))
    assert (headline(html)["warnings"], "<li>9 items!</li>" in html, "Few." in html) == ("2", True, False)
    shown = tables(render("technical", LOCALE, MONDAY, technical_page(LOCALE, found.manifest)))["checks"]
    assert [cell.text for cell in shown["rejected_share"].values()] == ["warning", "Few.", "9 of 50"]


@pytest.mark.parametrize(("participants", "rows", "rest"), [(5, 5, 0), (500, 100, 400)])
def test_the_map_of_wear_has_a_row_for_each_of_at_most_100_participants(
    participants: int, rows: int, rest: int
) -> None:
    html = page_of(cohort(CONTRACTS, steps_mean=[1.0] * participants))
    figure = next(svg for svg in parse(html).iter("svg") if svg.attrib["aria-labelledby"] == "map-t map-d")
    names = [words(text) for text in figure.iter("text")]
    assert names[4:7] == [f"all {participants}", "0", "0"]  # after four Mondays; user 0 did not wear the device
    assert len([name for name in names[5:] if name]) == 2 * rows
    assert (f"Not drawn: {rest} participants" in html) == (rest > 0)


def test_many_calls_are_cut_and_counted() -> None:
    many = cohort(CONTRACTS, steps_mean=[1.0] * 60)
    called = many.adherence.with_columns(call_order=pl.int_range(1, 61), days_silent=pl.lit(0, pl.Int64))
    html = page_of(replace(many, adherence=called))
    assert len(tables(html)["calls"]) == 50
    assert "Further participants to call: 10." in html


def test_linked_pages_lead_from_all_users_to_each_and_back(lake: Path) -> None:
    pages = dict(linked_pages(LocalLake(lake), CONTRACTS, MONDAY, "en", None, lambda about: f"{about or 'all'}.html"))
    assert list(pages) == ["all.html", "technical.html", *sorted(f"{user}.html" for user in (ADA, BEN, CLEO))]
    links = {name: set(re.findall(r'href="([^"#]+\.html)"', html)) for name, html in pages.items()}
    assert links["all.html"] == pages.keys() - {"all.html"}
    assert links[f"{ADA}.html"] == {"all.html", "technical.html"}


def test_a_user_begins_with_three_sentences_and_lines_of_four_weeks(page: Page) -> None:
    html = page(ADA)
    start = next(e for e in parse(html).iter("div") if e.attrib.get("class") == "key")
    wear, changes, contact = (words(sentence) for sentence in start.iter("p"))
    assert wear.startswith(
        "In this week the device was worn on 5 days and 6 nights were recorded; valid: Activity, Heart, "
    )
    assert changes.startswith("This week, with the change to the week before: Steps ")
    assert contact == "Last sync: 2026-11-16; last questionnaire: never."
    assert html.count('class="spark"') == len(tables(html)["sparks"]) > 2
    assert "To call: no data since 2026-10-26 (days: 21). Last sync: 2026-11-16;" in words(parse(page(CLEO)))


def test_a_sparkline_has_gaps_ends_with_a_dot_and_keeps_noise_flat() -> None:
    gap = draw_sparkline([1.0, 2.0, None, 3.0], None)
    assert (gap.count("M"), gap.count("L"), gap.count("<circle")) == (2, 1, 1)
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", draw_sparkline([96.4, 96.5], (50, 100)))]
    assert max(heights) - min(heights) < 2
    assert draw_sparkline([None], None) == ""


def test_names_of_code_break_after_their_signs_and_dates_do_not() -> None:
    assert breakable("a[item=15].value_x <b> 1.5") == "a[item=<wbr>15].<wbr>value_<wbr>x &lt;b&gt; 1.5"
    assert (
        breakable("2026-11-09, 2026-W46")
        == '<span class="whole">2026-11-09</span>, <span class="whole">2026-W46</span>'
    )


def test_days_are_in_the_map_as_worn_or_only_with_data(lake: Path) -> None:
    wear = read_cohort(LocalLake(lake), CONTRACTS, MONDAY).wear.filter(pl.col("user_id") == ADA)
    days = {day: worn for _, day, worn in wear.iter_rows() if day >= MONDAY}
    assert days == {MONDAY + timedelta(days=n): n != 3 for n in (0, 1, 3, 4, 5, 6)}
