"""Lateness is counted record by record and told exactly."""

from collections import Counter

import polars as pl

from qol.run.arrival_lag import count_days, summarize


def test_days_between_a_records_day_and_its_arrival_are_counted() -> None:
    rows = pl.DataFrame({"day": [10, 10, 11, 12], "arrival_date": [11, 11, 11, 11]})
    assert count_days(rows) == Counter({1: 2, 0: 1, -1: 1})


def test_percentiles_are_values_that_occurred() -> None:
    half = [Counter({0: 50, 1: 44}), Counter({3: 1, 40: 5})]
    assert summarize(half) == {"records": 100, "p50_days": 0, "p95_days": 3, "max_days": 40}
    assert summarize([Counter({2: 1})]) == {"records": 1, "p50_days": 2, "p95_days": 2, "max_days": 2}
    assert summarize([Counter({1: 1, 2: 1})]) == {"records": 2, "p50_days": 1, "p95_days": 2, "max_days": 2}


def test_without_records_nothing_is_said() -> None:
    assert summarize([]) is None
    assert summarize([Counter()]) is None
