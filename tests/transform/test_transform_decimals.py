"""Values are rounded once, halves away from zero, as `decimal` and fractions round them."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import partial
from math import floor

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qol.contracts.daily import DailyMetric
from qol.formulas.half_away import round_half_away
from qol.transform.aggregates import aggregate, rounded
from qol.transform.decimals import as_stored
from tests.effort import examples

from .builders import each_day, the_week

DECIMALS = range(11)
#: The largest value, and the digits that every double shows unchanged.
LARGEST, DIGITS = 10**9, 15


def _metric(decimals: int) -> DailyMetric:
    return DailyMetric.model_construct(name="x", type="number", decimals=decimals, clock=False)


def _decimal(units: int, places: int) -> Decimal:
    return Decimal(units).scaleb(-places)


def _numbers() -> st.SearchStrategy[list[Decimal]]:
    """Numbers of both signs up to the largest, with at most 15 digits in all."""
    of_places = [
        st.integers(-bound, bound).map(partial(_decimal, places=places))
        for places in range(12)
        for bound in [min(10**DIGITS - 1, LARGEST * 10**places)]
    ]
    return st.lists(st.one_of(of_places), min_size=1, max_size=50)


def _rounded(values: list[Decimal], decimals: int) -> list[float]:
    unit = Decimal(1).scaleb(-decimals)
    return [float(value.quantize(unit, rounding=ROUND_HALF_UP)) for value in values]


@pytest.mark.parametrize("decimals", DECIMALS)
@settings(max_examples=examples(30, 500))
@given(values=_numbers())
def test_a_number_is_rounded_as_decimal_rounds_its_text(decimals: int, values: list[Decimal]) -> None:
    frame = pl.DataFrame({"x": [float(value) for value in values]})
    found = frame.select(round_half_away(pl.col("x"), decimals)).to_series().to_list()
    assert found == _rounded([Decimal(repr(value)) for value in frame["x"]], decimals)


@pytest.mark.parametrize("decimals", DECIMALS)
@settings(max_examples=examples(10, 200))
@given(halves=st.lists(st.integers(-(10**14) + 1, 10**14 - 1), min_size=1, max_size=50))
def test_a_half_is_rounded_away_from_zero(decimals: int, halves: list[int]) -> None:
    values = [(2 * whole + 1) * Decimal(5).scaleb(-decimals - 1) for whole in halves]
    values = [value for value in values if abs(value) <= LARGEST and len(value.as_tuple().digits) <= DIGITS]
    frame = pl.DataFrame({"x": [float(value) for value in values]}, schema={"x": pl.Float64})
    assert frame.select(round_half_away(pl.col("x"), decimals)).to_series().to_list() == _rounded(values, decimals)


def test_a_double_without_a_decimal_left_to_round_stays_as_it_is() -> None:
    for value in (123_456_789_012.123, 1e300, -4_503_599_627_370_497.0):
        assert pl.DataFrame({"x": [value]}).select(round_half_away(pl.col("x"), 10)).item() == value


def _half_away(exact: Fraction, decimals: int) -> float:
    units = floor(abs(exact) * 10**decimals + Fraction(1, 2)) * (-1 if exact < 0 else 1)
    return float(Decimal(units).scaleb(-decimals))


@st.composite
def _weeks(draw: st.DrawFn, decimals: int) -> list[Fraction]:
    """Days of one sign as they are before any rounding: seconds as minutes, sums of three, decimals, up to 10^9."""
    per = draw(st.sampled_from((1, 3, 10, 60, 1000)))
    largest = min(LARGEST, 10 ** (11 - decimals)) * 10**decimals * per
    units = draw(st.lists(st.integers(0, largest), min_size=1, max_size=7))
    sign = draw(st.sampled_from((1, -1)))
    return [Fraction(sign * unit, 10**decimals * per) for unit in units]


@pytest.mark.parametrize("decimals", DECIMALS)
@settings(max_examples=examples(20, 1000))
@given(data=st.data())
def test_a_week_is_rounded_once_from_days_with_all_their_decimals(decimals: int, data: st.DataObject) -> None:
    days = data.draw(_weeks(decimals))
    metric = _metric(decimals)
    stored = pl.DataFrame({"x": [float(day) for day in days]}).select(as_stored(pl.col("x"), metric))
    names = ("mean", "median", "sum", "min", "max", "last")
    found = (
        stored.select(aggregate(metric, name) for name in names).select(rounded(metric, name) for name in names).row(0)
    )
    ordered, count = sorted(days), len(days)
    total, middle = sum(days, Fraction(0)), (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    exact = (total / count, middle, total, ordered[0], ordered[-1], days[-1])
    places = (max(2, decimals), max(2, decimals), *[decimals] * 4)
    assert found == tuple(map(_half_away, exact, places))


@pytest.mark.parametrize("decimals", DECIMALS)
@given(values=st.lists(st.floats(-LARGEST, LARGEST), min_size=1, max_size=50))
def test_what_is_stored_is_what_the_week_is_computed_from(decimals: int, values: list[float]) -> None:
    metric = _metric(decimals)
    once = pl.DataFrame({"x": values}).select(as_stored(pl.col("x"), metric))
    assert once.select(as_stored(pl.col("x"), metric)).equals(once)


def test_a_mean_of_oxygen_is_not_rounded_by_way_of_rounded_days() -> None:
    """96.665, 96.665 and 96.6617 have the mean 96.6639; rounded first, they would be 96.67, 96.67 and 96.66: 96.67."""
    assert the_week(each_day("spo2_mean_pct", [96.665, 96.665, 96.6617]))["spo2_mean_pct_mean"] == 96.66


def test_seconds_whose_mean_is_a_half_of_the_last_decimal_are_rounded_up() -> None:
    """Three days of 2 seconds and one of none: 6 seconds in four days, 0.025 minutes; each third is a little short."""
    assert the_week(each_day("nap_minutes", [0.0333333333] * 3 + [0.0]))["nap_minutes_mean"] is None
    rows = each_day("deep_minutes", [0.0333333333] * 3 + [0.0], sleep_minutes=400.0)
    assert the_week(rows)["deep_minutes_mean"] == 0.03
