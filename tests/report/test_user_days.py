"""Days and nights of a person: one source per week, gaps that stay gaps, nights on one axis."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from qol.contracts.columns import daily_columns
from qol.contracts.daily import DailyMetric
from qol.contracts.frames import no_rows
from qol.contracts.model import Contracts
from qol.contracts.weekly import WeeklyGroup
from qol.report.html_page import render
from qol.report.locales import load_locale
from qol.report.report_data import UserWeeks, mondays
from qol.report.svg_charts import number_axis, panel
from qol.report.user_changes import clock_change
from qol.report.user_charts import Day, _stretches, draw_days
from qol.report.user_days import choose_days
from qol.report.user_page import user_page
from tests.builders import CONTRACTS
from tests.report.conftest import ADA, PRESENT, one, parse, tables, words
from tests.report.conftest import Page as MakePage

MONDAY = date(2026, 11, 9)


def person(
    days: list[dict[str, Any]], this: Mapping[str, object] | None = None, contracts: Contracts = CONTRACTS
) -> UserWeeks:
    """A person with these daily rows, and this weekly row in the reported week."""
    empty = no_rows(daily_columns(contracts))
    rows = pl.DataFrame([{"user_id": "p", "worn": True, **day} for day in days]) if days else empty
    known = rows.select(pl.col(name).cast(empty.schema[name]) for name in rows.columns)
    weekly: dict[date, Mapping[str, object] | None] = dict.fromkeys(mondays(MONDAY, 4))
    daily = pl.concat([empty, known], how="diagonal")
    answers = daily.filter(pl.col("source") == "survey").sort("day", descending=True)
    return UserWeeks("p", MONDAY, weekly | {MONDAY: this}, daily, PRESENT, answers)


def page_of(user: UserWeeks, contracts: Contracts = CONTRACTS) -> str:
    locale = load_locale("en", contracts)
    return render("user", locale, MONDAY, user_page(locale, user))


def test_days_are_those_of_the_source_that_made_the_week() -> None:
    days = [{"day": MONDAY, "source": source, "steps": n} for source, n in (("garmin", 1), ("oura", 2))]
    for source, steps in (("garmin", 1), ("oura", 2)):
        chosen = choose_days(CONTRACTS, person(days, {"activity_source": source}), "activity", ["steps"])
        assert (chosen.rows[MONDAY]["steps"], chosen.sources) == (steps, (source,))


def test_a_week_without_a_source_takes_the_first_that_has_a_value() -> None:
    days = [
        {"day": MONDAY, "source": "garmin", "steps": None},
        {"day": MONDAY, "source": "healthkit", "steps": 3},
        {"day": MONDAY, "source": "oura", "steps": 2},
    ]
    assert choose_days(CONTRACTS, person(days), "activity", ["steps"]).rows[MONDAY]["source"] == "oura"


def test_a_day_without_a_value_is_an_empty_column_and_a_day_not_worn_a_cross() -> None:
    def drawn(value: float | None, *, is_worn: bool = True) -> str:
        days = [Day(MONDAY + timedelta(days=n), 5.0) for n in range(27)]
        return draw_days("n", "t", "d", [*days, Day(MONDAY + timedelta(days=27), value, is_worn=is_worn)], clock=False)

    empty = drawn(None)
    assert empty.count("#ececec") > drawn(5.0).count("#ececec") == 0
    assert drawn(5.0, is_worn=False) != drawn(5.0)
    assert "nan" not in empty.lower()


def test_not_worn_days_are_marked_where_wearing_counts_and_nowhere_else(page: MakePage) -> None:
    charts = {words(one(figure, "figcaption")): figure for figure in parse(page(ADA)).iter("figure")}
    crosses = {caption: "stroke-width: 2" in _markup(figure) for caption, figure in charts.items()}
    assert crosses["Steps steps"]
    assert not crosses["Time asleep min"]


def _markup(figure: Any) -> str:
    return " ".join(value for element in figure.iter("*") for value in element.attrib.values())


@pytest.mark.parametrize(
    ("bedtime", "wake", "stretches"),
    [
        (23 * 60, 6 * 60, [(300, 420)]),
        (30, 7 * 60, [(390, 390)]),
        (16 * 60, 20 * 60, [(1320, 120), (0, 120)]),
        (18 * 60, 2 * 60, [(0, 480)]),
    ],
)
def test_a_night_is_one_stretch_unless_it_goes_over_18_o_clock(bedtime: float, wake: float, stretches: Any) -> None:
    assert _stretches(bedtime, wake) == stretches


def test_a_change_of_a_time_goes_the_shorter_way_round_the_clock() -> None:
    assert [clock_change(a, b) for a, b in ((15, 1425), (1425, 15), (60, 60))] == [30, -30, 0]


def test_a_change_needs_two_valid_weeks_of_one_source() -> None:
    valid = {"activity_valid": True, "activity_source": "garmin", "steps_mean": 10.0}
    for before, is_compared in (
        (valid, True),
        ({**valid, "activity_source": "oura"}, False),
        ({**valid, "activity_valid": False}, False),
        ({**valid, "steps_mean": None}, False),
    ):
        someone = person([], valid)
        weekly = {**someone.weekly, MONDAY - timedelta(days=7): before}
        row = tables(page_of(replace(someone, weekly=weekly)))["weeks-activity"]["steps_mean"]
        assert (row["change"].value is not None) == is_compared


def test_a_person_without_any_data_gets_a_page_that_says_so() -> None:
    html = page_of(person([]))
    assert "<p>No data in this week.</p>" in html
    assert "<p>No data: there is no record of a night in these four weeks.</p>" in html
    assert "<figure>" not in html


def with_survey() -> Contracts:
    """The contracts with two domains of a questionnaire, whatever the shipped ones have."""
    names = ("whoqol_first_t100", "whoqol_second_t100")

    def metric(name: str) -> DailyMetric:
        return DailyMetric(
            name=name, group="survey", unit="points", description=f"Domain {name[7:-5]}.", type="number", decimals=4,
            range=(0, 100),
        )  # fmt: skip

    added = tuple(metric(n) for n in names)
    group = WeeklyGroup(
        name="survey", anchor=(), needs_wear=False, min_valid_days=1, precedence=("survey",), every_week=False,
        metrics=dict.fromkeys(names, ("last",)),
    )  # fmt: skip
    others = tuple(g for g in CONTRACTS.groups if g.name != "survey")
    return replace(CONTRACTS, metrics=(*CONTRACTS.metrics, *added), groups=(*others, group))


def test_the_last_questionnaire_is_drawn_and_stands_beside_earlier_ones() -> None:
    contracts = with_survey()
    scores = [(0, 62.5), (-14, 55.0), (-28, 50.0), (-42, 45.0), (7, 1.0)]
    answers = [
        {"day": MONDAY + timedelta(days=n), "source": "survey", "whoqol_first_t100": x, "whoqol_second_t100": 40.0}
        for n, x in scores
    ]
    html = page_of(person(answers, {}, contracts), contracts)
    shown = tables(html)["answers-survey"]
    assert [(day, cell.text) for day, cell in shown["whoqol_first_t100"].items()] == [
        ("2026-11-09", "62.5"), ("2026-10-26", "55.0"), ("2026-10-12", "50.0"),
    ]  # fmt: skip
    (figure,) = parse(html).iter("figure")  # nowhere else
    assert "weeks-survey" not in tables(html)
    assert words(one(figure, "figcaption")).startswith("Answers of 2026-11-09, from 0 to 100")
    assert {"Domain first", "62.5", "Domain second", "40.0"} <= {words(text) for text in figure.iter("text")}
    assert "<p>No data: no questionnaire up to this week.</p>" in page_of(person([], {}, contracts), contracts)


def test_the_regularity_index_is_shown_where_the_contracts_have_it() -> None:
    from qol.contracts.weekly import Derived

    others = tuple(d for d in CONTRACTS.derived if d.name != "sleep_regularity_index")
    rule = Derived(
        name="sleep_regularity_index", group="sleep", formula="slope", of=("sleep_minutes",), min_days=5, decimals=3,
        unit="points", description="Regularity.",
    )  # fmt: skip
    for contracts, shown in (
        (replace(CONTRACTS, derived=others), False),
        (replace(CONTRACTS, derived=(*others, rule)), True),
    ):
        row = {"sleep_regularity_index": 71.25}
        assert ("71.2 points</p>" in page_of(person([], row, contracts), contracts)) == shown


@pytest.mark.parametrize(
    ("low", "high", "plausible", "bottom", "top"),
    [
        (1, 101, None, 0, 109),
        (50, 60, None, 49.2, 60.8),
        (-10, 10, None, -11.6, 11.6),
        (0, 0, None, 0, 0.58),
        (96.4, 96.5, (50, 100), 95.29, 97.61),  # 0.1 % oxygen saturation is noise
        (96, 99.5, (50, 100), 95.72, 99.78),
        (97, 100, (50, 100), 96.76, 100),
        (8, 12, (0, 1000), 6.52, 13.48),  # a range much wider than what occurs
    ],
)
def test_an_axis_spans_what_matters_and_ends_where_nothing_can_be(
    low: float, high: float, plausible: tuple[float, float] | None, bottom: float, top: float
) -> None:
    with panel(100) as (_, axes):
        number_axis(axes, low, high, plausible)
        assert axes.get_ylim() == pytest.approx((bottom, top))
