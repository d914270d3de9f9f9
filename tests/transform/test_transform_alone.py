"""Whoever sends one kind of record only has its daily metrics in the week too."""

from collections.abc import Iterator

import pytest

from qol.contracts.daily import DailyMetric
from qol.contracts.source import SourceContract
from qol.transform.daily_rows import with_combined
from qol.transform.weekly_rows import weekly
from tests.builders import CONTRACTS

from .builders import MONDAY, Row, daily_frame

#: Metrics that weekly_metrics has columns of.
WEEKLY = [name for group in CONTRACTS.groups for name in group.metrics]


def _given_together(contract: SourceContract) -> Iterator[tuple[str, ...]]:
    """Metrics of one record; of a record type with a record per quantity, those of each quantity."""
    best = tuple(name for name in contract.daily if name != "where")
    quantities = dict.fromkeys(part.where for part in contract.parts.values()) or {None: None}
    for where in quantities:
        yield (*best, *(name for name, part in contract.parts.items() if part.where in (None, where)))


ALONE = [
    pytest.param(contract.source, names, id=f"{contract.name}: {', '.join(names[:3])}")
    for contract in CONTRACTS.sources
    for names in _given_together(contract)
    if names
]


def _value(metric: DailyMetric) -> object:
    middle = (metric.low + metric.high) / 2
    return {"intervals": [60, 120], "integer": round(middle)}.get(metric.type, middle)


@pytest.mark.parametrize(("source", "names"), ALONE)
def test_every_daily_metric_that_a_source_can_give_alone_is_in_its_week(source: str, names: tuple[str, ...]) -> None:
    row: Row = {"day": 0, "source": source} | {name: _value(CONTRACTS.metric[name]) for name in names}
    days = with_combined(daily_frame([row]), CONTRACTS)
    known = [name for name in WEEKLY if days[name].item() is not None]
    (week,) = weekly(CONTRACTS, days, MONDAY).to_dicts()
    assert {name: week[f"{name}_days"] for name in known} == dict.fromkeys(known, 1)
    assert set(names) & set(WEEKLY) <= set(known)
