"""`qol why`: a weekly value, or the reason why it is null, down to the raw line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qol.cli.options import LakeOption, open_existing
from qol.cli.show import cell, command, console, say, table, warn
from qol.contracts.wording import clean, count, cut
from qol.run.request import OPTIONS, parse_now

if TYPE_CHECKING:
    from qol.contracts.model import Contracts
    from qol.explain.trace_model import RecordTrace, Trace
    from qol.explain.why import Explanation
    from qol.lake import Lake

#: A raw record longer than this is cut.
MAX_CHARACTERS = 4_000
#: With more metrics, the table of days has only columns of metrics with a value.
MAX_COLUMNS = 4


def why(
    user: Annotated[str, typer.Option("--user", help="The user_id, as the tables show it.")],
    week: Annotated[str, typer.Option("--week", help="ISO week such as 2026-W46.")],
    metric: Annotated[str, typer.Option("--metric", help="A weekly column (steps_mean) or a daily metric (steps).")],
    lake: LakeOption = None,
    now: Annotated[str | None, typer.Option("--now", help=OPTIONS["now"].help)] = None,
    show_raw: Annotated[
        bool, typer.Option("--show-raw", help="Print the raw records too; they hold personal data.")
    ] = False,
) -> None:
    """Explain a weekly value, or why it is null: its days, records and places of raw lines."""
    from qol.contracts.load import load_contracts
    from qol.explain.why import explain_value
    from qol.tables.weeks import parse_week

    opened, contracts = open_existing(lake), load_contracts()
    clock = parse_now("--now", now) if now is not None else datetime.now(UTC)
    explained = explain_value(opened, contracts, metric, user, parse_week(week, "--week"), clock)
    _show_value(contracts, explained, week)
    if explained.record_types:
        _show_days(explained.trace)
    _show_records(contracts, explained)
    _show_rejects(opened, explained)
    if show_raw:
        _show_raw(opened, contracts, explained)
    elif explained.trace.records:
        again = command("why", "--lake", opened.uri, "--user", user, "--week", week, "--metric", metric, "--show-raw")
        say()
        say(f"The raw records: {again}")


def _show_value(contracts: Contracts, explained: Explanation, week: str) -> None:
    from qol.contracts.columns import valid_day, weekly_columns

    traced, monday = explained.trace, explained.week.monday
    target, group = traced.target, traced.target.group
    say(f"{target.name} in {week} ({monday} to {monday + timedelta(days=6)})", style="bold")
    comments = {column.name: column.comment for column in weekly_columns(contracts)}
    rows = [(name, _or_null(value), comments[name]) for name, value in traced.values.items()]
    if rows and explained.week.weekly is not None:
        table("", ("column", "value", "definition"), rows)
    for reason in explained.reasons:
        say(f"Null: {reason.removesuffix('.')}.", style="yellow")
    if (traced.valid_days or traced.unrelated_sources) and group.metrics:
        days = ", ".join(f"{source} {count(number, 'valid day')}" for source, number in traced.valid_days.items())
        needed = f"{group.min_valid_days} {'makes' if group.min_valid_days == 1 else 'make'} a valid week"
        source = f"{traced.source or 'none'} ({days or 'no day of a source that gives any'}; {needed})"
        say(f"Source of the {group.name} columns: {source}.")
        say(valid_day(group))
    say()


def _show_days(traced: Trace) -> None:
    if traced.unrelated_sources:
        group = traced.target.group.name
        gives = f"no record type of {' or '.join(traced.unrelated_sources)} gives any {group} metric"
        say(f"Days of {', '.join(traced.unrelated_sources)} are not listed: {gives}.")
    if not traced.days:
        return
    metrics = traced.target.metrics
    is_wide = len(metrics) > MAX_COLUMNS
    places = [n for n in range(len(metrics)) if not is_wide or any(day.values[n] is not None for day in traced.days)]
    rows = [
        (
            f"{day.day:%a} {day.day}", day.source, *(day.values[place] for place in places),
            day.worn, not day.why_not, day.why_not,
        )
        for day in traced.days
    ]  # fmt: skip
    names = [metrics[place].name for place in places]
    table("Days", ("day", "source", *names, "worn", "counts", "why not"), rows)


def _show_records(contracts: Contracts, explained: Explanation) -> None:
    if explained.trace.records:
        say("Records behind these days", style="bold")
    for record in explained.trace.records:
        head = f"{record.day:%a} {record.day}  {record.table}:"
        if record.others and not record.counts:
            say(f"{head} {record.others + 1} others: {record.role}; the first is {explained.place(record)}")
            continue
        _show_record(contracts, head, record, explained.place(record))
        if record.others:
            say(f"{head} and {count(record.others, 'more record')} of this day that count")


def _show_record(contracts: Contracts, head: str, record: RecordTrace, place: str) -> None:
    row = record.row
    received = f"received {cell(row['received_at'])}" if row["received_at"] else f"arrived {row['arrival_date']}"
    say(f"{head} {record.role}")
    say(f"    {place}")
    say(f"    {', '.join(f'{name} {_or_null(value)}' for name, value in record.values.items())}")
    say(f"    key {_key(contracts, record)} · day by {row['day_rule']} · {received}")
    if record.issues:
        say(f"    became null or was corrected: {'; '.join(record.issues)}")


def _key(contracts: Contracts, record: RecordTrace) -> str:
    """The parts of a record's key by name; a key of an older contract as it is stored."""
    contract = contracts.by_name[record.table.removeprefix("records_")]
    names = (*contract.key, *contract.key_without)
    parts = str(record.row["record_key"]).split("|")
    if len(parts) != len(names):
        return str(record.row["record_key"])
    known = [(name, part) for name, part in zip(names, parts, strict=True) if part or not contract.key_without]
    return ", ".join(f"{name} {part or 'null'}" for name, part in known)


def _or_null(value: Any) -> str:
    return "null" if value is None else cell(value)


def _show_rejects(lake: Lake, explained: Explanation) -> None:
    if explained.rejects.height:
        rejects = explained.rejects
        record_types, reasons = (", ".join(sorted(set(rejects[name]))) for name in ("record_type", "reason"))
        days = sorted(set(rejects["date"]))
        items = count(sum(rejects["items"]), "rejected item")
        arrived = f"on {days[0]}" if len(days) == 1 else f"from {days[0]} to {days[-1]}"
        say(f"{items} of {record_types} that arrived {arrived} could not be assigned to a user ({reasons}).")
        say(f"  {command('rejects', '--lake', lake.uri)}")


def _show_raw(lake: Lake, contracts: Contracts, explained: Explanation) -> None:
    from qol.explain.raw_lines import raw_records

    warn("Raw records may hold personal data; secrets and ids are masked.", style="yellow")
    for record in explained.trace.records:
        contract = contracts.by_name[record.table.removeprefix("records_")]
        items = raw_records(lake, contracts, contract, explained.raw_key(record), record.row)
        missing = "" if items else ": the record is no longer on this line"
        say(f"{explained.place(record)}{missing}", style="bold")
        for line in (line for item in items for line in cut(item, MAX_CHARACTERS).splitlines()):
            console().print(clean(line), soft_wrap=True)
