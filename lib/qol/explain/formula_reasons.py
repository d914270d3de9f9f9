"""Why a weekly formula has no value: what it needs, and what the week has."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from qol.contracts.model import Contracts
from qol.contracts.weekly import Derived
from qol.contracts.wording import count
from qol.explain.trace_model import Trace, UserWeek
from qol.transform.jetlag import free_days
from qol.transform.weekly_rows import group_days

Days = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class ValidDays:
    """The valid days of the week's source, and which days of the week are free (0 is the Monday)."""

    monday: date
    days: Days
    free: frozenset[int]

    def having(self, *names: str) -> Days:
        """Days that have any of the metrics."""
        return [day for day in self.days if any(day[name] is not None for name in names)]


def valid_days_of(contracts: Contracts, stored: UserWeek, trace: Trace) -> ValidDays:
    """The days that a formula of the target is computed from."""
    daily = group_days(contracts, trace.target.group, stored.daily)
    rows = [row for row in daily.iter_rows(named=True) if row["source"] == trace.source]
    return ValidDays(stored.monday, rows, free_days(stored.monday, contracts.holidays))


def undefined_reason(rule: Derived | None, metric: str, week: ValidDays) -> str:
    """Why a formula, or an aggregate of a metric where there is no rule, has no value of days that have the metric."""
    need = _NEEDS[rule.formula](rule, week) if rule is not None and rule.formula in _NEEDS else ""
    times = "those of its work or free nights" if rule is not None else f"its {count(len(week.having(metric)), 'time')}"
    return need or f"needs times of the day that have a middle; {times} lie evenly around the clock"


def _share(rule: Derived, week: ValidDays) -> str:
    others = [name for name in rule.total if name not in rule.of]
    found = f"{len(week.having(*rule.of))} and {len(week.having(*others))}"
    if not week.having(*others):
        return f"needs a day with {' and '.join(rule.of)} and one with {' or '.join(others)}, found {found}"
    return f"needs a sum of {' + '.join(rule.total)} above 0, found 0 on {count(len(week.days), 'valid day')}"


def _positive(rule: Derived, week: ValidDays) -> str:
    """Formulas of logarithms."""
    (name,) = rule.of
    needed = 2 if rule.formula == "ln_cv" else 1
    found = [day for day in week.having(name) if day[name] > 0]
    if len(found) < needed:
        return f"needs {count(needed, 'day')} with {name} above 0, which has a logarithm, found {len(found)}"
    return f"needs logarithms of {name} with a mean above 0, and those of {count(len(found), 'day')} have none"


def _weighted(rule: Derived, week: ValidDays) -> str:
    (name,), (number,) = rule.of, rule.total
    return f"needs a day with {name} and {number} above 0, found 0 of {count(len(week.days), 'valid day')}"


def _corrected(rule: Derived, week: ValidDays) -> str:
    """Empty when it is the times that have no middle."""
    slept = rule.of[1]
    free = sum((day["day"] - week.monday).days in week.free for day in week.having(slept))
    work = len(week.having(slept)) - free
    return "" if work and free else f"needs {slept} of a work night and of a free night, found {work} and {free}"


_NEEDS: Mapping[str, Callable[[Derived, ValidDays], str]] = {
    "share_of_sums": _share,
    "ln_mean": _positive,
    "ln_cv": _positive,
    "mean_by_count": _weighted,
    "free_corrected": _corrected,
}
