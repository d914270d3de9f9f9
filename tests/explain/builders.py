"""A user's week to trace, without a lake."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl

from qol.contracts.model import Contracts
from qol.explain.metric_target import find_target
from qol.explain.null_reasons import reasons
from qol.explain.trace import Tracer
from qol.explain.trace_model import Trace, UserWeek
from tests.transform.builders import MONDAY

NOW = datetime(2026, 11, 18, tzinfo=UTC)


def user_week(daily: pl.DataFrame, weekly: Mapping[str, Any] | None = None, **others: Any) -> UserWeek:
    """The closed week 2026-W46 of p1: records, deletions and the row of the week before by keyword."""
    return UserWeek("p1", MONDAY, NOW, weekly, weekly is not None, daily, **{"records": {}, **others})


def traced(contracts: Contracts, target: str, week: UserWeek) -> Trace:
    return Tracer(contracts, find_target(contracts, target), week).trace()


def reason_of(contracts: Contracts, column: str, week: UserWeek) -> str:
    """The one reason why a column is null."""
    (reason,) = reasons(contracts, week, traced(contracts, column, week))
    return reason.removeprefix(f"{column}: ")
