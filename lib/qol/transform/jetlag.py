"""Which days of a week are free of work."""

from datetime import date, timedelta
from functools import cache

from qol.formulas.registry import WEEK_DAYS

SATURDAY = 5


def free_days(monday: date, country: str | None) -> frozenset[int]:
    """Days of a week, 0 for the Monday, that are free: Saturday, Sunday and public holidays of the country."""
    days = [monday + timedelta(days=number) for number in range(WEEK_DAYS)]
    closed = {day for day in days if country is not None and day in _holidays(country, day.year)}
    return frozenset(number for number, day in enumerate(days) if number >= SATURDAY or day in closed)


@cache
def _holidays(country: str, year: int) -> frozenset[date]:
    import holidays

    return frozenset(holidays.country_holidays(country, years=year))
