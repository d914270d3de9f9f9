"""Which days are asked for, in which requests."""

from datetime import date

import pytest

from qol.collect.windows import Days, moved, next_days, parameters, spans
from qol.contracts.collect import CollectWindow

TODAY = date(2026, 11, 18)


def window(**words: object) -> CollectWindow:
    return CollectWindow.model_validate({"as": "date", "from": "start", "to": "end", **words})


def days(first: str, last: str) -> Days:
    return Days(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("date", {"start": "2026-11-09", "end": "2026-11-10"}),
        ("instant", {"start": "2026-11-09T00:00:00+00:00", "end": "2026-11-11T00:00:00+00:00"}),
        ("seconds", {"start": "1794182400", "end": "1794355200"}),
    ],
)
def test_days_are_written_as_the_vendor_takes_them(written: str, expected: dict[str, str]) -> None:
    assert parameters(window(**{"as": written}), days("2026-11-09", "2026-11-10")) == expected


def test_days_around_are_asked_for_too_and_no_span_is_longer_than_the_vendor_takes() -> None:
    asked = list(spans(window(days=4, widen_days=2), days("2026-11-05", "2026-11-08")))
    assert asked == [
        days("2026-11-03", "2026-11-06"),
        days("2026-11-06", "2026-11-09"),  # the 6th again: where the end is left out, only this span has it
        days("2026-11-09", "2026-11-10"),
    ]
    instants = list(spans(window(**{"as": "instant"}, days=3), days("2026-11-05", "2026-11-08")))
    assert instants == [days("2026-11-05", "2026-11-07"), days("2026-11-08", "2026-11-08")]


def test_a_run_asks_again_for_days_that_may_have_changed() -> None:
    rules = window(again_days=7, first_days=30)
    assert next_days(rules, None, TODAY) == days("2026-10-20", "2026-11-18")
    assert next_days(rules, date(2026, 11, 15), TODAY) == days("2026-11-08", "2026-11-18")


@pytest.mark.parametrize(
    ("collected", "asked", "expected"),
    [
        (None, ("2026-11-01", "2026-11-10"), "2026-11-10"),
        ("2026-11-10", ("2026-11-03", "2026-11-30"), "2026-11-18"),
        ("2026-11-10", ("2026-11-11", "2026-11-12"), "2026-11-12"),
        ("2026-11-10", ("2026-11-12", "2026-11-13"), "2026-11-10"),  # the 11th is not collected
        ("2026-11-10", ("2026-01-01", "2026-01-31"), "2026-11-10"),
    ],
)
def test_the_last_collected_day_moves_over_no_gap(collected: str | None, asked: tuple[str, str], expected: str) -> None:
    before = None if collected is None else date.fromisoformat(collected)
    assert moved(before, days(*asked), TODAY) == date.fromisoformat(expected)
