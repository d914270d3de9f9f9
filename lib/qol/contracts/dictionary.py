"""The data dictionary: every column of every table with its unit, group, formula, source and meaning."""

from collections.abc import Iterator
from typing import NamedTuple

from qol.contracts.columns import WINDOWS, table_columns, window_aggregate
from qol.contracts.model import Contracts
from qol.contracts.raw_path import path_text
from qol.contracts.source import Part, SourceContract


class Entry(NamedTuple):
    """A column as an analyst looks it up; a text that does not apply is empty."""

    table: str = ""
    column: str = ""
    type: str = ""
    unit: str = ""
    group: str = ""
    #: Aggregate or formula with its daily metrics, SQL of a daily metric by record type, or the place in the raw record.
    formula: str = ""
    #: Record types the values come from.
    source: str = ""
    meaning: str = ""
    #: Daily metric or formula whose label stands for the column, and the aggregate that it is shown with.
    metric: str = ""
    aggregate: str = ""


def dictionary(contracts: Contracts, table: str) -> Iterator[Entry]:
    """Entries of a table's columns, in their order; KeyError when there is no such table."""
    known = {entry.column: entry for entry in _described(contracts, table)}
    for column in table_columns(contracts, table):
        entry = known.get(column.name, Entry())
        yield entry._replace(table=table, column=column.name, type=column.type, meaning=column.comment)


def _described(contracts: Contracts, table: str) -> Iterator[Entry]:
    """What is known of a table's columns besides type and comment."""
    contract = contracts.by_name.get(table.removeprefix("records_"))
    if contract is not None:
        yield from _of_fields(contract)
    elif table in ("daily_metrics", WINDOWS):
        yield from _daily(contracts)
    if table == "weekly_metrics":
        yield from _weekly(contracts)
    elif table == WINDOWS:
        yield from _windows(contracts)


def _of_fields(contract: SourceContract) -> Iterator[Entry]:
    for field in contract.fields:
        places = " or ".join(map(path_text, field.paths))
        formula = f"{field.samples.reduce} of {places}" if field.samples else places
        yield Entry(column=field.name, unit=field.unit or "", formula=formula, source=contract.name)


def _daily(contracts: Contracts) -> Iterator[Entry]:
    for metric in contracts.metrics:
        givers = [contract for contract in contracts.sources if metric.name in contract.metrics]
        formulas = "; ".join(f"{c.name}: {_sql(c, metric.name)}" for c in givers)
        formula = metric.from_metrics or formulas
        given = Entry(column=metric.name, unit=metric.unit, group=metric.group, formula=formula, metric=metric.name)
        yield given._replace(source=_sources(contracts, metric.name))


def _sql(contract: SourceContract, metric: str) -> str:
    value = contract.metrics[metric]
    if not isinstance(value, Part):
        return value
    return f"{value.over} of {value.value}{f' where {value.where}' if value.where else ''}"


def _sources(contracts: Contracts, *metrics: str) -> str:
    """Record types that give metrics, or those that these are computed from."""
    computed = [contracts.metric[name].from_metrics or "" for name in metrics]
    names = {*metrics, *(name for name in contracts.metric if any(name in sql.split() for sql in computed))}
    return ", ".join(contract.name for contract in contracts.sources if names & contract.metrics.keys())


def _weekly(contracts: Contracts) -> Iterator[Entry]:
    for group in contracts.groups:
        for suffix in ("source", "valid_days", "valid"):
            yield Entry(column=f"{group.name}_{suffix}", unit="d" if suffix == "valid_days" else "", group=group.name)
        for name, aggregates in group.metrics.items():
            for aggregate in (*aggregates, "days"):
                yield _aggregate(contracts, group.name, name, aggregate)
    for derived in contracts.derived:
        formula = f"{derived.formula} of {', '.join(derived.of)}"
        given = Entry(column=derived.name, unit=derived.unit, group=derived.group, formula=formula, metric=derived.name)
        yield given._replace(source=_sources(contracts, *derived.of))


def _windows(contracts: Contracts) -> Iterator[Entry]:
    """Aggregates of the metrics measured before a questionnaire."""
    groups = {name: group.name for group in contracts.groups for name in group.metrics}
    for name in contracts.windows.metrics if contracts.windows else ():
        for aggregate in (window_aggregate(contracts.metric[name]), "days"):
            yield _aggregate(contracts, groups[name], name, aggregate)


def _aggregate(contracts: Contracts, group: str, metric: str, aggregate: str) -> Entry:
    return Entry(
        column=f"{metric}_{aggregate}",
        unit="d" if aggregate == "days" else contracts.metric[metric].unit,
        group=group,
        formula=f"{aggregate} of {metric}",
        source=_sources(contracts, metric),
        metric=metric,
        aggregate=aggregate,
    )
