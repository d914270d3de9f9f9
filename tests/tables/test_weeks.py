from datetime import date, datetime, timedelta, timezone

import polars as pl
import pytest

from qol.contracts.frames import monday_expr
from qol.errors import UsageError
from qol.tables.weeks import is_closed, iso_week, last_closed_week, monday_of, parse_week
from tests.transform.builders import utc

TOKYO = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("text", "monday"),
    [
        ("2026-W46", date(2026, 11, 9)),
        ("2020-W53", date(2020, 12, 28)),
        ("2021-W01", date(2021, 1, 4)),
        ("2026-W01", date(2025, 12, 29)),
    ],
)
def test_a_week_is_named_after_its_monday_and_back(text: str, monday: date) -> None:
    assert parse_week(text) == monday
    assert iso_week(monday) == text


@pytest.mark.parametrize(
    "text",
    ["", "2026-46", "0000-W01", "2026-W1", "2026-W46-1", "2026-W46 ", " 2026-W46", "2026-w46", "\uff12026-W46"],
)
def test_what_is_no_iso_week_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_week(text)
    assert str(raised.value) == f"week {text!r}: not an ISO week; allowed: YYYY-Www such as 2026-W46"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-W54", "2026 has weeks W01 to W53"),
        ("2026-W00", "2026 has weeks W01 to W53"),
        ("2021-W53", "2021 has weeks W01 to W52"),
        ("2020-W99", "2020 has weeks W01 to W53"),
    ],
)
def test_a_week_that_the_year_does_not_have_is_refused_by_the_option_with_those_it_has(text: str, why: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_week(text, "--from-week")
    assert str(raised.value) == f"--from-week {text}: {why}; allowed: YYYY-Www such as 2026-W46"


def test_a_week_goes_from_monday_to_sunday_also_over_new_year() -> None:
    assert monday_of(date(2026, 11, 9)) == date(2026, 11, 9)
    assert monday_of(date(2026, 11, 15)) == date(2026, 11, 9)
    assert monday_of(date(2021, 1, 3)) == date(2020, 12, 28)
    assert monday_of(date(2026, 1, 1)) == date(2025, 12, 29)


def test_columns_of_days_have_the_same_mondays() -> None:
    days = [date(2020, 12, 20) + timedelta(days=n) for n in range(30)]
    mondays = pl.DataFrame({"day": days}).select(monday_expr(pl.col("day"))).to_series()
    assert mondays.dtype == pl.Date
    assert mondays.to_list() == [monday_of(day) for day in days]


@pytest.mark.parametrize(
    ("now", "closed"),
    [
        (utc("2026-11-15 23:59:59"), False),
        (utc("2026-11-16 11:59:59.999999"), False),
        (utc("2026-11-16 12:00"), True),
        (datetime(2026, 11, 16, 20, 59, 59, tzinfo=TOKYO), False),
        (datetime(2026, 11, 16, 21, 0, tzinfo=TOKYO), True),
    ],
)
def test_a_week_closes_at_noon_utc_of_the_monday_after(now: datetime, closed: bool) -> None:
    assert is_closed(date(2026, 11, 9), now) is closed


@pytest.mark.parametrize(
    ("now", "monday"),
    [
        (utc("2026-11-18 00:05"), date(2026, 11, 9)),
        (utc("2026-11-16 12:00"), date(2026, 11, 9)),
        (utc("2026-11-16 11:59"), date(2026, 11, 2)),
        (datetime(2026, 11, 17, 8, 0, tzinfo=TOKYO), date(2026, 11, 9)),
        (datetime(2026, 11, 16, 8, 0, tzinfo=TOKYO), date(2026, 11, 2)),
        (utc("2021-01-06 00:05"), date(2020, 12, 28)),
    ],
)
def test_the_last_closed_week_is_the_newest_that_is_over_everywhere(now: datetime, monday: date) -> None:
    assert last_closed_week(now) == monday
