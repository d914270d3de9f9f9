"""Columns of every table people read, with comments that hold unit and formula."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import pyarrow as pa

from qol.contracts.daily import DailyMetric
from qol.contracts.fixed_tables import FIXED, fixed_columns
from qol.contracts.model import Column, Contracts
from qol.contracts.source import SourceContract
from qol.contracts.weekly import Derived, RecallWindows, WeeklyGroup
from qol.formulas import FORMULAS

COMMENT_LENGTH = 255

_ARROW: Mapping[str, pa.DataType] = {
    "bigint": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "string": pa.string(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "binary": pa.binary(),
    "array<string>": pa.list_(pa.string()),
    "array<int>": pa.list_(pa.int32()),
    "decimal(38,18)": pa.decimal128(38, 18),
}

#: Table of questionnaires with what was measured in the days they look back on.
WINDOWS = "survey_windows"


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema of a table's files."""
    return pa.schema([pa.field(column.name, _ARROW[column.type]) for column in columns])


def fixed(part: str, **values: object) -> tuple[Column, ...]:
    """The columns of tables.yaml under a name, with the values that their comments mention."""
    return tuple(Column(name, kind, comment.format(**values)) for name, kind, comment in fixed_columns(part))


def record_columns(contract: SourceContract) -> tuple[Column, ...]:
    """Columns of a record table: what every record carries around the declared fields."""
    return (
        *fixed("record_head"),
        *(
            Column(f.name, f.column_type, short(f"{f.meaning} Unit: {f.unit}." if f.unit else f.meaning))
            for f in contract.fields
        ),
        *fixed("record_tail"),
    )


def daily_columns(contracts: Contracts) -> tuple[Column, ...]:
    """Columns of `daily_metrics`."""
    return (
        *fixed("daily_metrics"),
        *(Column(m.name, m.column_type, short(metric_comment(m))) for m in contracts.metrics),
    )


def metric_comment(metric: DailyMetric) -> str:
    """Meaning, unit and formula of a daily metric."""
    formula = f" Formula: {metric.from_metrics}." if metric.from_metrics else ""
    return f"{metric.description} Unit: {metric.unit}.{formula}"


def weekly_columns(contracts: Contracts) -> tuple[Column, ...]:
    """Columns of `weekly_metrics`: who and when, then group by group."""
    return (
        *fixed("weekly_metrics"),
        *(column for group in contracts.groups for column in _group_columns(group, contracts)),
    )


def _group_columns(group: WeeklyGroup, contracts: Contracts) -> Iterator[Column]:
    at_least = f"at least {group.min_valid_days} valid {'day' if group.min_valid_days == 1 else 'days'}"
    yield Column(f"{group.name}_source", "string", f"Source of the {group.name} columns: the one with most valid days.")
    yield Column(f"{group.name}_valid_days", "int", short(f"Valid days in the week. {valid_day(group)}"))
    yield Column(f"{group.name}_valid", "boolean", f"Whether the week has {at_least} for {group.name}.")
    for name, aggregates in group.metrics.items():
        metric = contracts.metric[name]
        for aggregate in aggregates:
            comment = FIXED["aggregates"][aggregate].format(m=name, u=metric.unit)
            yield Column(f"{name}_{aggregate}", aggregate_type(metric, aggregate), _on_days(group, name, comment))
        yield Column(f"{name}_days", "int", _on_days(group, name, f"Valid days of the week that have {name}."))
    for derived in contracts.derived:
        if derived.group == group.name:
            comment = short(f"{derived.description} Unit: {derived.unit}.")
            yield Column(derived.name, derived_type(derived, contracts), comment)


def _on_days(group: WeeklyGroup, metric: str, comment: str) -> str:
    """A comment on a metric's valid days; of a metric that needs no anchor, on its days."""
    return comment.replace("Valid days", "Days").replace("valid ", "") if metric in group.own_days else comment


def valid_day(group: WeeklyGroup) -> str:
    """What a valid day of a group is, in a sentence."""
    worn = "a day not known to be unworn" if group.needs_wear else "a day"
    anchor = " or ".join(group.anchor) or f"any {group.name} metric"
    others = f" {len(group.own_days)} other metrics count on days of their own." if group.own_days else ""
    return f"A valid day is {worn} with {anchor}.{others}"


def aggregate_type(metric: DailyMetric, aggregate: str) -> str:
    """Type of an aggregate: whole numbers stay whole where the formula allows it."""
    whole = metric.decimals == 0 and aggregate in ("min", "max", "sum", "last")
    return "bigint" if whole else "double"


def derived_type(derived: Derived, contracts: Contracts) -> str:
    """Type of a weekly column with a formula of its own."""
    gives = FORMULAS[derived.formula].gives
    return gives or aggregate_type(contracts.metric[derived.of[0]], derived.aggregate or "")


def window_aggregate(metric: DailyMetric) -> str:
    """How `survey_windows` sums a metric up: by its mean, around the clock for a time of day."""
    return "circular_mean" if metric.clock else "mean"


def window_columns(contracts: Contracts, windows: RecallWindows) -> tuple[Column, ...]:
    """Columns of `survey_windows`: a questionnaire, then what was measured in the days it looks back on."""
    of = [metric for metric in contracts.metrics if metric.group == windows.of]
    return (
        *fixed(WINDOWS, of=windows.of, days=windows.days),
        *(Column(m.name, m.column_type, short(metric_comment(m))) for m in of),
        *(column for group in contracts.groups for column in _window_group(group, contracts, windows)),
    )


def _window_group(group: WeeklyGroup, contracts: Contracts, windows: RecallWindows) -> Iterator[Column]:
    names = [name for name in windows.metrics if name in group.metrics]
    if group.name == windows.of or not names:
        return
    source = f"Source of the {group.name} columns: the one with most valid days in the window."
    yield Column(f"{group.name}_source", "string", source)
    yield Column(f"{group.name}_valid_days", "int", short(f"Valid days in the window. {valid_day(group)}"))
    for name in names:
        aggregate = window_aggregate(contracts.metric[name])
        comment = FIXED["aggregates"][aggregate].format(m=name, u=contracts.metric[name].unit).replace("week", "window")
        yield Column(f"{name}_{aggregate}", "double", short(_on_days(group, name, comment)))
        yield Column(f"{name}_days", "int", _on_days(group, name, f"Valid days of the window that have {name}."))


def table_schemas(contracts: Contracts) -> dict[str, tuple[Column, ...]]:
    """Columns of every table, by table name."""
    return {table: columns() for table, columns in _tables(contracts).items()}


def table_columns(contracts: Contracts, table: str) -> tuple[Column, ...]:
    """Columns of one table; KeyError when there is no such table."""
    return _tables(contracts)[table]()


def _tables(contracts: Contracts) -> dict[str, Callable[[], tuple[Column, ...]]]:
    tables: dict[str, Callable[[], tuple[Column, ...]]] = {
        "weekly_metrics": partial(weekly_columns, contracts),
        "daily_metrics": partial(daily_columns, contracts),
        "rejects": partial(fixed, "rejects"),
        "objects_read": partial(fixed, "objects_read"),
        "raw_objects": partial(fixed, "raw_objects"),
        "job_runs": partial(fixed, "job_runs"),
        "collect_runs": partial(fixed, "collect_runs"),
    }
    if contracts.windows is not None:
        tables[WINDOWS] = partial(window_columns, contracts, contracts.windows)
    return tables | {f"records_{contract.name}": partial(record_columns, contract) for contract in contracts.sources}


def table_folder(table: str) -> str:
    """Where a table's files lie below the lake."""
    place = FIXED["places"].get(table)
    return place["location"] if place else f"processed/records/{table.removeprefix('records_')}/"


def fingerprint(contracts: Contracts) -> str:
    """SHA-256 over names and types of all published columns: tells whether published files have an old shape."""
    shapes = {table: [[c.name, c.type] for c in columns] for table, columns in table_schemas(contracts).items()}
    return hashlib.sha256(json.dumps(shapes, sort_keys=True).encode()).hexdigest()


def short(comment: str) -> str:
    """A comment within the catalog's 255 characters."""
    text = " ".join(comment.split())
    return text if len(text) <= COMMENT_LENGTH else text[: COMMENT_LENGTH - 1] + "…"
