"""`qol why`: a weekly value, or the reason there is none, down to the raw line."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qol.cli.options import LakeOption, NowOption, open_existing, parse_clock
from qol.cli.show import cell, command, console, say, table, warn
from qol.contracts.wording import clean, count, cut
from qol.errors import LakeError, UsageError

if TYPE_CHECKING:
    from qol.contracts.model import Contracts
    from qol.explain.trace import DayTrace, Found, RecordTrace, Trace
    from qol.lake import Lake

#: A raw record longer than this is cut.
SHOWN_CHARACTERS = 4_000
#: With more metrics, only those that a day has are columns of the table of days.
MOST_COLUMNS = 4
#: Late items of a week arrive up to this many days after it.
LATE_DAYS = 7


def why(
    user: Annotated[str, typer.Option("--user", help="The person's user_id, as the tables show it.")],
    week: Annotated[str, typer.Option("--week", help="ISO week such as 2026-W46.")],
    metric: Annotated[str, typer.Option("--metric", help="A weekly column (steps_mean) or a daily metric (steps).")],
    lake: LakeOption = None,
    now: NowOption = None,
    show_raw: Annotated[
        bool, typer.Option("--show-raw", help="Print the raw records too; they hold personal data.")
    ] = False,
) -> None:
    """Say where a weekly value comes from, or why there is none: days, records, places of raw lines."""
    from qol.contracts.load import load_contracts
    from qol.explain.lake_reading import find_person, raw_keys
    from qol.explain.metric_names import find_target
    from qol.explain.trace import contributing_contracts, trace
    from qol.tables.weeks import parse_week

    opened, contracts = open_existing(lake), load_contracts()
    target = find_target(contracts, metric)
    found = find_person(opened, contracts, user, parse_week(week, "--week"), parse_clock(now))
    if not found.is_known:
        # What was typed may be a vendor's own id, so it is not said again.
        known = command("query", "--lake", opened.uri, "SELECT DISTINCT user_id FROM daily_metrics")
        raise UsageError(f"--user: no person of that id is in the lake; allowed: a user_id that `{known}` shows")
    traced = trace(contracts, target, found)
    _show_value(contracts, found, traced, week)
    if contributing_contracts(contracts, target):
        _show_days(traced)
    keys = raw_keys(opened, {str(record.row["raw_object"]) for record in traced.records})
    _show_records(contracts, traced, keys)
    _show_rejected(opened, contracts, found, traced)
    if show_raw:
        _show_raw(opened, contracts, traced, keys)
    elif traced.records:
        say()
        again = command("why", "--lake", opened.uri, "--user", user, "--week", week, "--metric", metric, "--show-raw")
        say(f"The raw records: {again}")


def _show_value(contracts: Contracts, found: Found, traced: Trace, week: str) -> None:
    from qol.contracts.columns import valid_day, weekly_columns
    from qol.explain.why_reasons import reasons

    target, group = traced.target, traced.target.group
    last = found.monday + timedelta(days=6)
    say(f"{target.name} in {week} ({found.monday} to {last})", style="bold")
    comments = {column.name: column.comment for column in weekly_columns(contracts)}
    rows = [(name, _known(value), comments[name]) for name, value in traced.values.items()]
    if rows and found.weekly is not None:
        table("", ("column", "value", "how it is made"), rows)
    for reason in reasons(contracts, found, traced):
        say(f"Not known: {reason.removesuffix('.')}.", style="yellow")
    if (traced.valid_days or traced.silent) and group.metrics:
        days = ", ".join(f"{source} {count(number, 'valid day')}" for source, number in traced.valid_days.items())
        days, makes = days or "no day of a source that gives any", "makes" if group.min_valid_days == 1 else "make"
        say(
            f"Source of the {group.name} columns: {traced.source or 'none'} ({days}; {group.min_valid_days} {makes} a valid week)."
        )
        say(valid_day(group))
    say()


def _show_days(traced: Trace) -> None:
    if traced.silent:
        gives = f"no record type of {' or '.join(traced.silent)} gives any {traced.target.group.name} metric"
        say(f"Days of {', '.join(traced.silent)} are not listed: {gives}.")
    if not traced.days:
        return
    metrics = traced.target.metrics
    places = [place for place in range(len(metrics)) if any(day.values[place] is not None for day in traced.days)]
    places = list(range(len(metrics))) if len(metrics) <= MOST_COLUMNS else places
    rows = [
        (f"{day.day:%a} {day.day}", day.source, *(day.values[place] for place in places), day.worn, *_counts(day))
        for day in traced.days
    ]
    names = [metrics[place].name for place in places]
    table("Days", ("day", "source", *names, "worn", "counts", "why not"), rows)


def _counts(day: DayTrace) -> tuple[str, str]:
    return ("no" if day.why_not else "yes"), day.why_not


def _show_records(contracts: Contracts, traced: Trace, keys: dict[str, str]) -> None:
    if traced.records:
        say("Records behind these days", style="bold")
    for record in traced.records:
        head = f"{record.day:%a} {record.day}  {record.table}:"
        if record.others and not record.counts:
            say(f"{head} {record.others + 1} others: {record.role}; the first is {_place(record, keys)}")
            continue
        _show_record(contracts, head, record, keys)
        if record.others:
            say(f"{head} and {count(record.others, 'more record')} of this day that count")


def _show_record(contracts: Contracts, head: str, record: RecordTrace, keys: dict[str, str]) -> None:
    row = record.row
    received = f"received {cell(row['received_at'])}" if row["received_at"] else f"arrived {row['arrival_date']}"
    say(f"{head} {record.role}")
    say(f"    {_place(record, keys)}")
    say(f"    {', '.join(f'{name} {_known(value)}' for name, value in record.values.items())}")
    say(f"    key {_key(contracts, record)} · day by {row['day_rule']} · {received}")
    if record.issues:
        say(f"    became null or was corrected: {'; '.join(record.issues)}")


def _key(contracts: Contracts, record: RecordTrace) -> str:
    """The parts of a record's key by name; a key of an older contract as it is stored."""
    names = contracts.by_name[record.table.removeprefix("records_")].key
    parts = str(record.row["record_key"]).split("|")
    if len(parts) != len(names):
        return str(record.row["record_key"])
    return ", ".join(f"{name} {part or 'null'}" for name, part in zip(names, parts, strict=True))


def _known(value: Any) -> str:
    return "null" if value is None else cell(value)


def _place(record: RecordTrace, keys: dict[str, str]) -> str:
    hashed = str(record.row["raw_object"])
    return f"{keys.get(hashed, f'gone (SHA-256 of its key {hashed[:12]}…)')}:{record.row['line_number']}"


def _show_rejected(lake: Lake, contracts: Contracts, found: Found, traced: Trace) -> None:
    """Rejects have no person, but a missing day may be one of them."""
    from qol.explain.lake_reading import read_rejects
    from qol.explain.trace import contributing_contracts

    if traced.days and not any(day.why_not for day in traced.days):
        return
    records = {contract.name for contract in contributing_contracts(contracts, traced.target)}
    last = found.monday + timedelta(days=6 + LATE_DAYS)
    rejects = read_rejects(lake, contracts)
    near = rejects.filter(rejects["date"].is_between(found.monday.isoformat(), last.isoformat()))
    of_records = near.filter((near["source"] + "_" + near["record"]).is_in(sorted(records)))
    if of_records.height:
        items = count(of_records.height, "item")
        kinds = sorted(set(of_records["source"] + "_" + of_records["record"]))
        say(f"Rejected in those days, of nobody knows whom: {items} of {', '.join(kinds)}.")
        say(f"  {command('rejects', '--lake', lake.uri)}")


def _show_raw(lake: Lake, contracts: Contracts, traced: Trace, keys: dict[str, str]) -> None:
    from qol.explain.raw_lines import items_of, presentable, raw_line

    warn("Raw records may hold personal data; secrets and ids are masked.", style="yellow")
    for record in traced.records:
        place = _place(record, keys)
        contract = contracts.by_name[record.table.removeprefix("records_")]
        key = keys.get(str(record.row["raw_object"]))
        try:
            line = raw_line(lake, key, record.row["line_number"]) if key else None
        except LakeError:
            line = None
        items = items_of(contracts, contract, line, record.row) if line else []
        say(f"{place}" if items else f"{place}: the record is no longer on this line", style="bold")
        for item in items:
            for shown in cut(presentable(contract, item), SHOWN_CHARACTERS).splitlines():
                _print_line(shown)


def _print_line(line: Any) -> None:
    console().print(clean(line), soft_wrap=True)
