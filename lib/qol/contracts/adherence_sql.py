"""The SQL of `adherence`: per participant days worn, nights, last sync, last questionnaire, and whom to call first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from qol.contracts.model import Contracts
from qol.contracts.templates import render

#: From this many days without data, or without a worn day, on, a participant is to be called.
SILENT_DAYS = 3
DEFAULT_DAYS = 7
#: The metric whose group has the nights.
_NIGHT = "bedtime_minute"


@dataclass(frozen=True)
class AdherencePeriod:
    """Which days are counted, in SQL: `days` days up to the day before `today`, or from `first` on; later than `until` none is read."""

    today: str = "current_date"
    until: str = "CAST(date_add('day', 1, current_date) AS date)"
    days: int = DEFAULT_DAYS
    first: str | None = None


def adherence_sql(
    contracts: Contracts, period: AdherencePeriod | None = None, roster: Mapping[str, date | None] | None = None
) -> str:
    """One SELECT in Athena's dialect with the columns of `adherence`, whom to call first.

    `roster` has the participants with their days of enrolment, None where unknown; without it, they are those with records.
    """
    period = period or AdherencePeriod()
    of_windows = contracts.windows.of if contracts.windows else ""
    groups = {group.name: group for group in contracts.groups}
    worn = [
        f"worn AND {_any(groups[name].anchor)}" for name in groups if groups[name].needs_wear and groups[name].anchor
    ]
    anchors = {name for group in contracts.groups if group.needs_wear for name in group.anchor}
    devices = sorted({contract.source for contract in contracts.sources if anchors & contract.gives.keys()})
    nights = [_any(group.anchor) for group in contracts.groups if _NIGHT in group.metrics]
    return render(
        "adherence.sql.j2",
        records=[f"records_{contract.name}".lower() for contract in contracts.sources if contract.tells_days],
        worn=" OR ".join(worn) or "false",
        device=f"source IN ({', '.join(map(_literal, devices))})" if devices else "false",
        night=" OR ".join(nights) or "false",
        questionnaire=_any(metric.name for metric in contracts.group_metrics.get(of_windows, ())),
        roster=None if roster is None else [f"({_literal(user)}, {_day(day)})" for user, day in roster.items()],
        silent_days=SILENT_DAYS,
        **vars(period),
    )


def day_literal(day: date) -> str:
    """A day in SQL."""
    return f"DATE '{day}'"


def _day(day: date | None) -> str:
    return "CAST(NULL AS date)" if day is None else day_literal(day)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _any(names: Iterable[str]) -> str:
    """Whether any of the columns has a value."""
    return f"({' OR '.join(f'{name} IS NOT NULL' for name in names) or 'false'})"
