"""Why a weekly value is not known, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time

from qol.cli.show import count
from qol.contracts.columns import valid_day
from qol.contracts.model import Contracts
from qol.trace import Found, Target, Trace, givers
from qol.transform.weeks import CLOSES_AFTER, is_closed, iso_week

#: Days an aggregate needs before it has a value; all others need one.
NEEDED_DAYS: Mapping[str, int] = {"sd": 2, "circular_sd": 2}


def needed_days(target: Target, column: str) -> int:
    """From how many days on a column has a value."""
    if target.derived is not None:
        return target.derived.min_days
    return NEEDED_DAYS.get(column.removeprefix(f"{target.metric.name}_"), 1)


def reasons(contracts: Contracts, found: Found, trace: Trace) -> list[str]:
    """Why columns have no value; empty when all have one."""
    if found.weekly is None:
        return list(_no_row(found))
    if not trace.target.columns:
        return [f"{trace.target.name} is a daily metric; weekly_metrics has no column of it"]
    because: dict[str, list[str]] = {}
    for column, value in trace.values.items():
        if value is None:
            because.setdefault(_why_column(contracts, found, trace, column), []).append(column)
    return [f"{', '.join(columns)}: {reason}" for reason, columns in because.items()]


def _no_row(found: Found) -> Iterator[str]:
    """Why a person's week has no weekly row."""
    week = iso_week(found.monday)
    if not is_closed(found.monday, found.now):
        closes = datetime.combine(found.monday, time(), UTC) + CLOSES_AFTER
        yield f"{week} is not closed at {found.now:%Y-%m-%d %H:%M} UTC: it gets weekly rows from {closes:%Y-%m-%d %H:%M} UTC on"
    if found.daily.height == 0 and not found.other_weeks:
        yield f"there are records of this person in {week}, and no daily row yet; `qol run` makes it"
    elif found.daily.height == 0:
        known = [iso_week(monday) for monday in found.other_weeks]
        span = known[0] if len(known) == 1 else f"{known[0]} to {known[-1]} ({count(len(known), 'week')})"
        yield f"no record of this person lies in {week}; there are some in {span}"
    elif is_closed(found.monday, found.now) and not found.week_is_published:
        yield f"no run has made the weekly file of {week} since that week closed; `qol run` does"
    elif is_closed(found.monday, found.now):
        yield f"the weekly file of {week} is older than this person's days; `qol run` makes it again"


def _why_column(contracts: Contracts, found: Found, trace: Trace, column: str) -> str:
    target, source = trace.target, trace.source
    if found.weekly is not None and column not in found.weekly:
        return "the published file is older than this column; the next `qol run` makes it again"
    if not givers(contracts, target):
        return f"no contract gives {target.metric.name} (a `daily:` entry in schemas/sources/ would)"
    if source is None:
        return f"no valid day. {valid_day(target.group)}"
    if not givers(contracts, target, source):
        others = ", ".join(sorted({contract.source for contract in givers(contracts, target)}))
        return f"the week's source is {source}, and {source} does not give {target.metric.name} ({others} does)"
    return _too_few(trace, column, source)


def _too_few(trace: Trace, column: str, source: str) -> str:
    target, valid = trace.target, trace.valid_days.get(source, 0)
    counting = [day for day in trace.days if day.source == source and not day.why_not]
    needed = needed_days(target, column)
    if not counting:
        return f"none of the {count(valid, 'valid day')} has {target.metric.name}; the days below say why"
    if len(counting) < needed:
        return f"needs {count(needed, 'day')}, found {len(counting)}"
    if target.derived is not None and target.derived.formula == "change":
        return f"needs the week before as well, valid for {target.group.name} and from {source}, as this one has to be"
    if target.derived is not None and target.derived.formula == "sum_at_least":
        return (
            f"the sum is below {target.derived.threshold:g}, and with {count(valid, 'valid day')} that is not yet false"
            f" (from {target.group.min_valid_days} on it is)"
        )
    return "its formula is not defined for these values"
