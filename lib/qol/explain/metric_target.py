"""The target of a trace: a weekly column or daily metric, by its name."""

from qol.contracts.columns import weekly_columns
from qol.contracts.model import Contracts
from qol.contracts.weekly import WeeklyGroup
from qol.contracts.wording import nearest
from qol.errors import UsageError
from qol.explain.trace_model import GROUP_COLUMNS, Target

#: Columns of a weekly row before its groups: they describe the user and the week.
_HEAD = ("user_id", "week_start", "week_end", "iso_week", "days_observed")


def find_target(contracts: Contracts, name: str) -> Target:
    """The weekly column or daily metric of that name; UsageError with similar names where no column has it."""
    found = _derived(contracts, name) or _of_groups(contracts, name) or _daily(contracts, name)
    if found is not None:
        return found
    weekly = [column.name for column in weekly_columns(contracts) if column.name not in _HEAD]
    known = dict.fromkeys([*contracts.metric, *weekly])
    close = ", ".join(nearest(name, known))
    raise UsageError(f"--metric {name}: unknown; nearest: {close}; allowed: a daily metric or a weekly column")


def _derived(contracts: Contracts, name: str) -> Target | None:
    for derived in contracts.derived:
        if name == derived.name:
            group = next(group for group in contracts.groups if group.name == derived.group)
            metrics = dict.fromkeys((*derived.of, *derived.total))
            return Target(name, group, (name,), tuple(contracts.metric[m] for m in metrics), derived)
    return None


def _of_groups(contracts: Contracts, name: str) -> Target | None:
    for group in contracts.groups:
        if name in [group.name + ending for ending in GROUP_COLUMNS]:
            anchors = group.anchor or tuple(metric.name for metric in contracts.group_metrics[group.name])
            return Target(name, group, (name,), tuple(contracts.metric[m] for m in anchors))
        for metric, aggregates in group.metrics.items():
            columns = tuple(f"{metric}_{aggregate}" for aggregate in (*aggregates, "days"))
            if name == metric or name in columns:
                return Target(name, group, columns if name == metric else (name,), (contracts.metric[metric],))
    return None


def _daily(contracts: Contracts, name: str) -> Target | None:
    """A daily metric without weekly columns, with a group of its own in which every day with a value is valid."""
    if name not in contracts.metric:
        return None
    metric = contracts.metric[name]
    alone = WeeklyGroup.model_construct(
        name=metric.group, anchor=(name,), needs_wear=False, min_valid_days=1, precedence=(), metrics={}
    )
    return Target(name, alone, (), (metric,))
