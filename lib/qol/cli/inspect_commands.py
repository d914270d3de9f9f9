"""`qol query`, `qol runs`, `qol rejects`: inspect a lake without changing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qol.cli.answers import MAX_CHARACTERS, FormatOption, LimitOption, print_answer
from qol.cli.options import LakeOption, open_existing, sql_imports
from qol.cli.show import cell, command, say, table, warn
from qol.contracts.reasons import REJECT_REASONS
from qol.contracts.wording import clean, count, cut
from qol.errors import UsageError
from qol.run.request import parse_day

if TYPE_CHECKING:
    from qol.lake import Lake
    from qol.tables.manifest import Manifest

#: Footers that `qol runs` reads, and files that it names; `qol doctor` reads all.
MAX_FOOTERS, MAX_PROBLEMS = 100, 3
PERSONAL_DATA = "Raw items may hold personal data: do not share them."


def query(
    sql: Annotated[str, typer.Argument(help="One SELECT, SHOW or DESCRIBE in Athena's dialect.", show_default=False)],
    lake: LakeOption = None,
    form: FormatOption = "table",
    limit: LimitOption = 100,
) -> None:
    """Query the lake's tables as Athena would: weekly_metrics, daily_metrics, survey_windows, records_*, rejects, objects_read, raw_objects, job_runs, collect_runs."""
    from qol.contracts.load import load_contracts

    with sql_imports("qol query"):
        from qol.tables.query import run_query

    answer = run_query(open_existing(lake), load_contracts(), sql)
    if "raw" in answer.columns:
        warn(PERSONAL_DATA, style="yellow")
    print_answer(answer.columns, answer.rows, form, limit)


def runs(
    run_id: Annotated[str | None, typer.Argument(help="Show this run; the start of its id is enough.")] = None,
    lake: LakeOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many of the newest runs.")] = 20,
    objects: Annotated[bool, typer.Option("--objects", help="List every raw object the shown run read.")] = False,
) -> None:
    """List the runs of a lake, newest first, or show one with everything in its manifest."""
    from qol.tables.manifest import manifest_keys

    if objects and run_id is None:
        raise UsageError("--objects: no run given; allowed: qol runs RUN_ID --objects")
    opened = open_existing(lake)
    if run_id is not None:
        _show_run(opened, run_id, objects=objects)
        return
    keys = manifest_keys(opened)
    rows = [_run_row(opened, key) for key in keys[:limit]]
    if not rows:
        say(f"No run yet. {command('run', '--lake', opened.uri)}")
        return
    heads = ("run", "status", "trigger", "week", "weeks replaced", "items", "rejected", "seconds")
    table("Runs, newest first", heads, rows)
    _warn_of_files(opened)
    say(f"Show one run: {command('runs', rows[0][0], '--lake', opened.uri)}")


def _warn_of_files(lake: Lake) -> None:
    """Name the files that make queries fail, of the newest partitions those that cannot be read."""
    from qol.tables.published_files import check_published_files

    files = check_published_files(lake, MAX_FOOTERS)
    for problem in files.problems[:MAX_PROBLEMS]:
        step = f"{problem.next_step} (docs/runbook.md#a-published-file-is-damaged)"
        warn(f"{problem.key}: {problem.wrong}. Athena and qol query fail on its table: {step}.", style="red")
    if len(files.problems) > MAX_PROBLEMS:
        warn(f"{count(len(files.problems) - MAX_PROBLEMS, 'more file')}: {command('doctor', '--lake', lake.uri)}")


def _name(key: str) -> str:
    return key.rpartition("/")[2].removesuffix(".json")


def _read(lake: Lake, key: str) -> Manifest | None:
    """A manifest, or None when the file is not one."""
    import msgspec

    from qol.tables.manifest import read_manifest

    try:
        return read_manifest(lake, key)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _run_row(lake: Lake, key: str) -> Sequence[Any]:
    manifest = _read(lake, key)
    if manifest is None:
        return _name(key), "not readable", "", "", "", None, None, None
    totals, seconds = manifest.totals, round(sum(manifest.stages.values()), 1)
    counts = (totals.get("lines"), totals.get("rejected"), seconds)
    return manifest.run_id, manifest.status, manifest.trigger, manifest.week, _weeks(manifest), *counts


def _weeks(manifest: Manifest) -> str:
    """Weeks a run replaced; marked if the run did not publish them."""
    from qol.cli.manifest_report import REPLACED, replaced_weeks

    kind, weeks = replaced_weeks(manifest)
    span = " to ".join(dict.fromkeys((weeks[0], weeks[-1]))) + f" ({len(weeks)})" if weeks else ""
    return f"{kind}: {span}" if span and kind != REPLACED else span


def _show_run(lake: Lake, run_id: str, *, objects: bool) -> None:
    from qol.cli.manifest_report import show_manifest
    from qol.contracts.load import load_contracts

    manifest = _read(lake, find_run(lake, run_id))
    if manifest is None:
        raise UsageError(f"run {run_id}: its manifest is not readable; allowed: a run whose status `qol runs` shows")
    show_manifest(lake, load_contracts(), manifest, objects=objects)


def find_run(lake: Lake, run_id: str) -> str:
    """The key of the one manifest whose run id starts with `run_id`; UsageError when none or several do."""
    from qol.tables.manifest import manifest_keys

    keys = manifest_keys(lake)
    found = [key for key in keys if _name(key).startswith(run_id)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(_name(key) for key in (found or keys)[:5]) or "a run id, once this lake has a run"
    names = f"names {len(found)} runs" if found else "no such run"
    raise UsageError(f"run {run_id}: {names}; allowed: {known}")


def rejects(
    lake: LakeOption = None,
    reason: Annotated[str | None, typer.Option("--reason", help="List the items rejected for this reason.")] = None,
    date: Annotated[str | None, typer.Option("--date", help="Only of this arrival day, YYYY-MM-DD.")] = None,
    run: Annotated[str | None, typer.Option("--run", help="Only of raw objects that this run read.")] = None,
    show_raw: Annotated[
        bool, typer.Option("--show-raw", help="Print the items too; they may hold personal data.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many items are listed.")] = 50,
) -> None:
    """Count rejected items by reason, record and day; with --reason, list the place of each item."""
    from qol.contracts.load import load_contracts
    from qol.explain.rejected_rows import read_rejects
    from qol.tables.objects_read import objects_of_run

    if reason is not None and reason not in REJECT_REASONS:
        raise UsageError(f"--reason {reason}: unknown; allowed: {', '.join(REJECT_REASONS)}")
    day = parse_day("--date", date).isoformat() if date else None
    opened = open_existing(lake)
    contracts = load_contracts()
    found = read_rejects(opened, contracts, [day] if day else None)
    if run is not None:
        manifest = _read(opened, find_run(opened, run))
        read = list(objects_of_run(opened, contracts, manifest)["raw_object"]) if manifest else []
        found = found.filter(found["raw_object"].is_in(read))
    if reason is not None:
        found = found.filter(found["reason"] == reason)
    rows = found.sort("date", "raw_object", "line_number", "item").to_dicts()
    if not rows:
        say("No rejected items." if reason is None else f"No items rejected for {reason}.")
    elif reason is None and not show_raw:
        _count_rejects(opened, rows)
    else:
        _list_rejects(opened, rows, limit, show_raw=show_raw)


def _count_rejects(lake: Lake, rows: list[dict[str, Any]]) -> None:
    counted: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        counted[row["reason"], f"{row['source']}_{row['record']}", row["date"]] += row["items"]
    ordered = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    heads = ("reason", "record", "arrival day", "items", "meaning")
    table("Rejected items", heads, [(*names, items, REJECT_REASONS.get(names[0], "")) for names, items in ordered])
    say(f"Places of the items: {command('rejects', '--lake', lake.uri, '--reason', ordered[0][0][0])}")


def _message(row: dict[str, Any]) -> str:
    more = f"; so are {row['items'] - 1} items after it" if row["items"] > 1 else ""
    return f"{row['message']}{more}"


def _list_rejects(lake: Lake, rows: list[dict[str, Any]], limit: int, *, show_raw: bool) -> None:
    from qol.explain.rejected_rows import raw_of_rejects
    from qol.tables.raw_keys import find_raw_keys

    keys = find_raw_keys(lake, {row["raw_object"] for row in rows[:limit]})
    places = [f"{keys.get(row['raw_object'], row['raw_object'])}:{row['line_number']}" for row in rows[:limit]]
    shown = [
        (place, row["item"], row["reason"], _message(row)) for place, row in zip(places, rows[:limit], strict=True)
    ]
    table("Rejected items", ("raw line", "item", "reason", "message"), shown)
    more = f"; --limit shows more than {limit}" if len(rows) > limit else ""
    say(
        f"{count(sum(row['items'] for row in rows), 'item')}{more}. {lake.location('quarantine/rows')} has copies of the items."
    )
    if show_raw:
        warn(PERSONAL_DATA, style="yellow")
        raw = {row["date"]: raw_of_rejects(lake, row["date"]) for row in rows[:limit]}
        for place, row in zip(places, rows[:limit], strict=True):
            say(place, style="bold")
            say(cut(clean(cell(raw[row["date"]][row["row"]])), MAX_CHARACTERS))
