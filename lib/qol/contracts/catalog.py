"""The catalog page: every source, metric, column and reason code, as the contracts say it."""

from collections.abc import Iterator, Sequence

from qol.contracts.columns import fixed, weekly_columns, window_aggregate, window_columns
from qol.contracts.model import Column, Contracts
from qol.contracts.reasons import ISSUE_REASONS, REJECT_REASONS
from qol.contracts.record_columns import RECORD_HEAD, RECORD_TAIL
from qol.contracts.retention import PLACES, Retention
from qol.contracts.rounding import KEPT_DECIMALS, MEAN_DECIMALS, aggregate_decimals, stored_decimals, weekly_decimals
from qol.contracts.templates import render
from qol.contracts.weekly import WeeklyGroup

_Row = tuple[Column, int | str, Sequence[str]]


def catalog(contracts: Contracts) -> str:
    """The catalog page in Markdown."""
    return render(
        "catalog.md.j2",
        contracts=contracts,
        mean_decimals=MEAN_DECIMALS,
        kept_decimals=KEPT_DECIMALS,
        stored_decimals=stored_decimals,
        record_columns=(*RECORD_HEAD, *RECORD_TAIL),
        daily_head=fixed("daily_metrics"),
        weekly_head=fixed("weekly_metrics"),
        weekly_groups=[(group, list(_group(group, contracts))) for group in contracts.groups],
        windows=list(_windows(contracts)),
        retention=[(place, getattr(contracts.retention, place)) for place in Retention.model_fields],
        places=PLACES,
        issue_reasons=ISSUE_REASONS,
        reject_reasons=REJECT_REASONS,
    )


def _group(group: WeeklyGroup, contracts: Contracts) -> Iterator[_Row]:
    """Columns of a weekly group, each with its decimals and the metrics it is computed from."""
    columns, decimals = {column.name: column for column in weekly_columns(contracts)}, weekly_decimals(contracts)
    origins: dict[str, Sequence[str]] = {f"{group.name}_{suffix}": () for suffix in ("source", "valid_days", "valid")}
    for metric, aggregates in group.metrics.items():
        origins |= {f"{metric}_{aggregate}": (metric,) for aggregate in (*aggregates, "days")}
    origins |= {derived.name: derived.of for derived in contracts.derived if derived.group == group.name}
    for name, metrics in origins.items():
        yield columns[name], decimals.get(name, ""), metrics


def _windows(contracts: Contracts) -> Iterator[tuple[Column, int | str]]:
    if contracts.windows is None:
        return
    decimals = {m.name: m.decimals for m in contracts.metrics if m.group == contracts.windows.of}
    for metric in map(contracts.metric.__getitem__, contracts.windows.metrics):
        aggregate = window_aggregate(metric)
        decimals[f"{metric.name}_{aggregate}"] = aggregate_decimals(metric, aggregate)
    for column in window_columns(contracts, contracts.windows):
        yield column, decimals.get(column.name, "")
