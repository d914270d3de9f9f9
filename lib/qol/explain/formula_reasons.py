"""Why a weekly formula has no value: what it needs, and what the week has."""

from qol.contracts.model import Contracts
from qol.contracts.weekly import Derived
from qol.contracts.wording import count
from qol.explain.trace_model import Trace, UserWeek
from qol.formulas import FORMULAS
from qol.formulas.registry import ValidDays
from qol.transform.jetlag import free_days
from qol.transform.weekly_rows import group_days


def valid_days_of(contracts: Contracts, stored: UserWeek, trace: Trace) -> ValidDays:
    """The days that a formula of the target is computed from."""
    daily = group_days(contracts, trace.target.group, stored.daily)
    rows = [row for row in daily.iter_rows(named=True) if row["source"] == trace.source]
    return ValidDays(stored.monday, rows, free_days(stored.monday, contracts.holidays))


def undefined_reason(rule: Derived | None, metric: str, week: ValidDays) -> str:
    """Why a formula, or an aggregate of a metric where there is no rule, has no value of days that have the metric."""
    why = FORMULAS[rule.formula].why if rule is not None else None
    need = why(rule, week) if rule is not None and why is not None else ""
    times = "those of its work or free nights" if rule is not None else f"its {count(len(week.having(metric)), 'time')}"
    return need or f"needs times of the day that have a middle; {times} lie evenly around the clock"
