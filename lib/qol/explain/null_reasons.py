"""Why weekly columns have no value, in sentences."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time

from qol.contracts.columns import valid_day
from qol.contracts.model import Contracts
from qol.contracts.weekly import Derived
from qol.contracts.wording import count
from qol.explain.formula_reasons import undefined_reason, valid_days_of
from qol.explain.trace_model import Target, Trace, UserWeek, contributing_contracts
from qol.tables.weeks import CLOSES_AFTER, is_closed, iso_week

#: Saturday and Sunday, as `weekend_mean` takes them.
WEEKEND = (5, 6)


def needed_days(target: Target, column: str) -> int:
    """The number of days a column needs to have a value."""
    if target.derived is not None:
        return target.derived.min_days
    return 2 if column.removeprefix(f"{target.metric.name}_") in ("sd", "circular_sd") else 1


def reasons(contracts: Contracts, stored: UserWeek, trace: Trace) -> list[str]:
    """Why the target's columns have no value, one sentence per reason; empty when all have one."""
    if stored.weekly is None:
        return list(_no_row(stored))
    if not trace.target.columns:
        return [f"{trace.target.name} is a daily metric; weekly_metrics has no column of it"]
    because: dict[str, list[str]] = {}
    for column, value in trace.values.items():
        if value is None:
            because.setdefault(_why_column(contracts, stored, trace, column), []).append(column)
    return [f"{', '.join(columns)}: {reason}" for reason, columns in because.items()]


def _no_row(stored: UserWeek) -> Iterator[str]:
    week = iso_week(stored.monday)
    if not is_closed(stored.monday, stored.now):
        closes = datetime.combine(stored.monday, time(), UTC) + CLOSES_AFTER
        yield f"{week} is not closed at {stored.now:%Y-%m-%d %H:%M} UTC: it gets weekly rows from {closes:%Y-%m-%d %H:%M} UTC on"
    if stored.daily.height == 0 and not stored.other_weeks:
        yield f"this user has records in {week}, but no daily row yet; `qol run` computes it"
    elif stored.daily.height == 0:
        known = [iso_week(monday) for monday in stored.other_weeks]
        span = known[0] if len(known) == 1 else f"{known[0]} to {known[-1]} ({count(len(known), 'week')})"
        yield f"this user has no record in {week}, but has some in {span}"
    elif is_closed(stored.monday, stored.now) and not stored.week_is_published:
        yield f"{week} has no weekly file; `qol run` publishes it"
    elif is_closed(stored.monday, stored.now):
        yield f"the weekly file of {week} is older than this user's days; `qol run` publishes it again"


def _why_column(contracts: Contracts, stored: UserWeek, trace: Trace, column: str) -> str:
    target, source = trace.target, trace.source
    if stored.weekly is not None and column not in stored.weekly:
        return "the published file is older than this column; the next `qol run` publishes it again"
    if not contributing_contracts(contracts, target):
        return f"no contract gives {target.metric.name} (a `daily:` entry in schemas/sources/ would)"
    if source is None and not trace.valid_days:
        records = ", ".join(contract.name for contract in contributing_contracts(contracts, target))
        return f"no record of the week gives it ({records} would)"
    if source is None:
        return f"no valid day. {valid_day(target.group)}"
    if not contributing_contracts(contracts, target, source):
        others = ", ".join(sorted({contract.source for contract in contributing_contracts(contracts, target)}))
        return f"the week's source is {source}, and {source} does not give {target.metric.name} ({others} does)"
    return _why_not_enough(contracts, stored, trace, column)


def _why_not_enough(contracts: Contracts, stored: UserWeek, trace: Trace, column: str) -> str:
    target, valid = trace.target, trace.valid_days.get(trace.source or "", 0)
    counting = [day.day for day in trace.days if day.source == trace.source and not day.why_not]
    needed = needed_days(target, column)
    few_nights = _too_few_nights(contracts, stored, target.derived) if target.derived is not None else ""
    if few_nights or not counting:
        return few_nights or _no_day(target, needed, valid)
    if len(counting) < needed:
        return f"needs {count(needed, 'day')}, found {len(counting)}"
    if column.endswith(("_weighted_mean", "_weekday_mean", "_weekend_mean")):
        return _needs_parts_of_week(column, counting)
    if target.derived is not None and target.derived.formula == "change":
        return f"needs the week before, valid and from the same source: {_why_no_change(stored, trace)}"
    if target.derived is not None and target.derived.formula == "sum_at_least":
        least = count(target.group.min_valid_days, "valid day")
        return f"the sum is below {target.derived.threshold:g}, which is false only from {least} on, found {valid}"
    return undefined_reason(target.derived, target.metric.name, valid_days_of(contracts, stored, trace))


def _no_day(target: Target, needed: int, valid: int) -> str:
    """Why a week whose valid days all lack the metric has no value."""
    name = target.metric.name
    if target.derived is not None and needed > 1:
        return (
            f"needs {count(needed, 'day')} with {name}, found 0 of {count(valid, 'valid day')}; the days below say why"
        )
    return f"none of the {count(valid, 'valid day')} has {name}; the days below say why"


def _too_few_nights(contracts: Contracts, stored: UserWeek, rule: Derived) -> str:
    """The nights a formula needs and the week has, by the weekly columns that count them; empty when there are enough."""
    counted: dict[str, int] = {
        other.formula: (stored.weekly or {}).get(other.name) or 0
        for other in contracts.derived
        if other.of[0] == rule.of[0]
    }
    if rule.formula == "regularity":
        pairs = counted.get("regularity_pairs", 0)
        return f"needs {count(rule.min_days, 'pair')} of nights, found {pairs}" if pairs < rule.min_days else ""
    parts = [("work", rule.min_work_days), ("free", rule.min_free_days)]
    needed = [(part, minimum, counted.get(f"{part}_days", 0)) for part, minimum in parts if minimum]
    if all(found >= minimum for _, minimum, found in needed):
        return ""
    nights = " and ".join(count(minimum, f"{part} night") for part, minimum, _ in needed)
    return f"needs {nights}, found {' and '.join(str(found) for _, _, found in needed)}"


def _needs_parts_of_week(column: str, counting: list[date]) -> str:
    weekend = sum(day.weekday() in WEEKEND for day in counting)
    found = {"weekday": len(counting) - weekend, "weekend": weekend}
    names = {"weekday": "a weekday", "weekend": "a weekend day"}
    parts = [part for part in found if column.endswith((f"_{part}_mean", "_weighted_mean"))]
    return f"needs {' and '.join(names[p] for p in parts)}, found {' and '.join(str(found[p]) for p in parts)}"


def _why_no_change(stored: UserWeek, trace: Trace) -> str:
    """Which of a change's conditions fails first."""
    group, before = trace.target.group, stored.before
    valid, source = f"{group.name}_valid", f"{group.name}_source"
    if before is None:
        return "it has no row of this user"
    if not (stored.weekly or {}).get(valid):
        return f"this week is not valid for {group.name}"
    if not before.get(valid):
        return f"that week is not valid for {group.name}"
    if before.get(source) != trace.source:
        return f"it is from {before.get(source)}, this week from {trace.source}"
    return f"it has no value of {trace.target.metric.name}"
