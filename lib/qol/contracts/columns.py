"""Columns of every table people read, with comments that hold unit and formula."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import pyarrow as pa

from qol.contracts.daily import DailyMetric
from qol.contracts.fields import Field
from qol.contracts.model import Column, Contracts
from qol.contracts.record_columns import RECORD_HEAD, RECORD_TAIL
from qol.contracts.source import SourceContract
from qol.contracts.weekly import Derived, RecallWindows, WeeklyGroup

COMMENT_LENGTH = 255
#: What a manifest counts, in items but for the first, which counts lines.
RUN_COUNTS = ("physical_lines", "lines", "blank", "control", "rejected", "kept", "superseded")
_USER_ID = Column(*RECORD_HEAD[0])

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

_AGGREGATE: Mapping[str, str] = {
    "mean": "Mean of {m} ({u}) over the valid days of the week that have it.",
    "median": "Median of {m} ({u}) over the valid days of the week that have it.",
    "sd": "Standard deviation (n-1) of {m} ({u}) over the valid days that have it; null below 2 days.",
    "min": "Lowest {m} ({u}) of the valid days of the week.",
    "max": "Highest {m} ({u}) of the valid days of the week.",
    "sum": "Sum of {m} ({u}) over the valid days of the week; not scaled to seven days.",
    "circular_mean": "Circular mean of {m} (minutes after local midnight, 0 to 1440) over the valid days that have it.",
    "circular_sd": "Circular standard deviation of {m} (minutes), sqrt(-2 ln R); null below 2 days.",
    "last": "{m} ({u}) of the last valid day of the week that has it.",
    "weekday_mean": "Mean of {m} ({u}) over the valid days from Monday to Friday that have it.",
    "weekend_mean": "Mean of {m} ({u}) over the valid Saturday and Sunday that have it.",
    "weighted_mean": "(5 x weekday mean + 2 x weekend mean) / 7 of {m} ({u}), as in GGIR part 5; null unless both are known.",
}
#: Table of questionnaires with what was measured in the days they look back on.
WINDOWS = "survey_windows"
_FOLDERS: Mapping[str, str] = {
    "weekly_metrics": "processed/weekly/",
    "daily_metrics": "processed/daily/",
    WINDOWS: "processed/survey_windows/",
    "rejects": "quarantine/rows/",
    "job_runs": "_runs/",
}
_COUNTS = frozenset({"work_days", "free_days", "regularity_pairs"})


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema of a table's files."""
    return pa.schema([pa.field(column.name, _ARROW[column.type]) for column in columns])


def record_columns(contract: SourceContract) -> tuple[Column, ...]:
    """Columns of a record table: what every record carries around the declared fields."""
    return (
        *(Column(*head) for head in RECORD_HEAD),
        *(Column(f.name, f.column_type, short(_field_comment(f))) for f in contract.fields),
        *(Column(*tail) for tail in RECORD_TAIL),
    )


def _field_comment(field: Field) -> str:
    return f"{field.meaning} Unit: {field.unit}." if field.unit else field.meaning


#: Columns of `daily_metrics` before its metrics.
DAILY_HEAD = 4


def daily_columns(contracts: Contracts) -> tuple[Column, ...]:
    """Columns of `daily_metrics`."""
    return (
        _USER_ID,
        Column("day", "date", "Local calendar day."),
        Column("source", "string", "The vendor whose records the row is made of."),
        Column("worn", "boolean", "False when the wear time is known and too short; such a day stays out of the week."),
        *(Column(m.name, m.column_type, short(metric_comment(m))) for m in contracts.metrics),
    )


def metric_comment(metric: DailyMetric) -> str:
    """Meaning, unit and formula of a daily metric."""
    formula = f" Formula: {metric.from_metrics}." if metric.from_metrics else ""
    return f"{metric.description} Unit: {metric.unit}.{formula}"


def weekly_columns(contracts: Contracts) -> tuple[Column, ...]:
    """Columns of `weekly_metrics`: who and when, then group by group."""
    return (
        _USER_ID,
        Column("week_start", "date", "Monday of the ISO week."),
        Column("week_end", "date", "Sunday of the ISO week."),
        Column("iso_week", "string", "ISO 8601 week, such as 2026-W46."),
        Column("days_observed", "int", "Local days of the week with any record of any source."),
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
            comment = _AGGREGATE[aggregate].format(m=name, u=metric.unit)
            yield Column(f"{name}_{aggregate}", aggregate_type(metric, aggregate), comment)
        yield Column(f"{name}_days", "int", f"Valid days of the week that have {name}.")
    for derived in contracts.derived:
        if derived.group == group.name:
            comment = short(f"{derived.description} Unit: {derived.unit}.")
            yield Column(derived.name, derived_type(derived, contracts), comment)


def valid_day(group: WeeklyGroup) -> str:
    """What a valid day of a group is, in a sentence."""
    worn = "a day not known to be unworn" if group.needs_wear else "a day"
    anchor = " or ".join(group.anchor) or f"any {group.name} metric"
    return f"A valid day is {worn} with {anchor}."


def aggregate_type(metric: DailyMetric, aggregate: str) -> str:
    """Type of an aggregate: whole numbers stay whole where the formula allows it."""
    whole = metric.type == "integer" and aggregate in ("min", "max", "sum", "last")
    return "bigint" if whole else "double"


def derived_type(derived: Derived, contracts: Contracts) -> str:
    """Type of a weekly column with a formula of its own."""
    if derived.formula == "change":
        return aggregate_type(contracts.metric[derived.of[0]], derived.aggregate or "")
    if derived.formula in _COUNTS:
        return "int"
    return "boolean" if derived.formula == "sum_at_least" else "double"


def window_aggregate(metric: DailyMetric) -> str:
    """How `survey_windows` sums a metric up: by its mean, around the clock for a time of day."""
    return "circular_mean" if metric.clock else "mean"


def window_columns(contracts: Contracts, windows: RecallWindows) -> tuple[Column, ...]:
    """Columns of `survey_windows`: a questionnaire, then what was measured in the days it looks back on."""
    of = [metric for metric in contracts.metrics if metric.group == windows.of]
    span = f"the {windows.days} whole local days before the day of the {windows.of}; the day itself is not one of them"
    return (
        _USER_ID,
        Column("day", "date", f"Local day of the {windows.of}."),
        Column("source", "string", f"The vendor whose records the {windows.of} is made of."),
        Column("window_start", "date", f"First of {span}."),
        Column("window_end", "date", f"Last of {span}."),
        Column("days_observed", "int", "Local days of the window with any record of any source."),
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
        comment = _AGGREGATE[aggregate].format(m=name, u=contracts.metric[name].unit).replace("week", "window")
        yield Column(f"{name}_{aggregate}", "double", short(comment))
        yield Column(f"{name}_days", "int", f"Valid days of the window that have {name}.")


def reject_columns() -> tuple[Column, ...]:
    """Columns of `rejects`."""
    return (
        Column("reason", "string", "Reason code from a closed set."),
        Column("message", "string", "What was found wrong, without any raw value."),
        Column("source", "string", "Source of the contract, when it is known."),
        Column("record", "string", "Record type of the contract, when it is known."),
        Column("raw_object", "string", "Key of the raw object: its path below the lake."),
        Column("line_number", "bigint", "Line in the raw object, from 1."),
        Column("item", "bigint", "Position of the item within its line, from 0."),
        Column("raw", "binary", "The item as it arrived, at most its first 64 KiB."),
        Column("raw_bytes", "bigint", "Full length of the item in bytes."),
    )


def job_run_columns() -> tuple[Column, ...]:
    """Columns of `job_runs`: the fields of the run manifest, as `schemas/manifest.schema.json` has them."""
    counts = ",".join(f"{name}:bigint" for name in RUN_COUNTS)
    check = "struct<id:string,severity:string,success:boolean,observed:string,message:string>"
    return (
        Column("run_id", "string", "The run; names its manifest."),
        Column("status", "string", "published, nothing_to_do, refused, failed or locked."),
        Column("trigger", "string", "schedule, manual, backfill, rebuild or restore."),
        Column("job_run_id", "string", "Id of the job run on Glue; null elsewhere."),
        Column("now", "string", "The run's clock, ISO 8601 UTC."),
        Column("week", "string", "Business week of the run, such as 2026-W46."),
        Column("window", "struct<from:string,to:string>", "Arrival days read, both included."),
        Column("engine", "string", "local or spark."),
        Column("contracts", "string", "Fingerprint of the table schemas the run wrote."),
        Column("weeks", "array<string>", "ISO weeks of which a file was replaced."),
        Column(
            "objects",
            f"array<struct<key:string,etag:string,bytes:bigint,{counts}>>",
            "Raw objects read, with counts in items.",
        ),
        Column("totals", f"struct<{counts}>", "Sums over the objects."),
        Column(
            "skipped", "array<struct<key:string,bytes:bigint,reason:string>>", "Raw objects not read, with the reason."
        ),
        Column("rejects_by_reason", "map<string,bigint>", "Rejected items by reason."),
        Column(
            "field_issues", "map<string,map<string,map<string,bigint>>>", "Nulled values by record, field and reason."
        ),
        Column(
            "tables",
            "array<struct<name:string,date:string,rows:bigint,sha256:string,replaced:boolean>>",
            "Partition files computed.",
        ),
        Column("checks", f"array<{check}>", "What the gate found."),
        Column("accepted", "array<string>", "Ids of checks overruled with --accept."),
        Column("stages", "map<string,double>", "Seconds per stage."),
        Column("error", "string", "Why the run did not publish; null when it did."),
    )


def table_schemas(contracts: Contracts) -> dict[str, tuple[Column, ...]]:
    """Columns of every table, by table name."""
    return {table: columns() for table, columns in _tables(contracts).items()}


def table_names(contracts: Contracts) -> list[str]:
    """Names of all tables."""
    return list(_tables(contracts))


def table_columns(contracts: Contracts, table: str) -> tuple[Column, ...]:
    """Columns of one table; KeyError when there is no such table."""
    return _tables(contracts)[table]()


def _tables(contracts: Contracts) -> dict[str, Callable[[], tuple[Column, ...]]]:
    tables: dict[str, Callable[[], tuple[Column, ...]]] = {
        "weekly_metrics": partial(weekly_columns, contracts),
        "daily_metrics": partial(daily_columns, contracts),
        "rejects": reject_columns,
        "job_runs": job_run_columns,
    }
    if contracts.windows is not None:
        tables[WINDOWS] = partial(window_columns, contracts, contracts.windows)
    return tables | {f"records_{contract.name}": partial(record_columns, contract) for contract in contracts.sources}


def table_folder(table: str) -> str:
    """Where a table's files lie below the lake."""
    return _FOLDERS.get(table) or f"processed/records/{table.removeprefix('records_')}/"


def fingerprint(contracts: Contracts) -> str:
    """SHA-256 over names and types of all published columns: tells whether published files have an old shape."""
    shapes = {table: [[c.name, c.type] for c in columns] for table, columns in table_schemas(contracts).items()}
    return hashlib.sha256(json.dumps(shapes, sort_keys=True).encode()).hexdigest()


def short(comment: str) -> str:
    """A comment within the catalog's 255 characters."""
    text = " ".join(comment.split())
    return text if len(text) <= COMMENT_LENGTH else text[: COMMENT_LENGTH - 1] + "…"
