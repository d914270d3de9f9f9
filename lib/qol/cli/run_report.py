"""A run as people see it: its stages while it works, what it published at its end, and how to see why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from qol.cli.data_docs import INDEX
from qol.cli.failures import Note
from qol.cli.show import command, console, cut, say, table, warn
from qol.contracts.reasons import REJECT_REASONS
from qol.contracts.wording import count
from qol.errors import LakeError, RefusedError
from qol.explain.rejected_rows import newest_rejects
from qol.explain.user_week import example_of_issue
from qol.tables.layout import find_published
from qol.tables.manifest import RUNS, Manifest, TableFile, manifest_key, manifest_keys
from qol.tables.weeks import iso_week

if TYPE_CHECKING:
    from qol.contracts.model import Contracts
    from qol.lake import Lake
    from qol.run.pipeline import RunOptions

_TABLE_COLUMN, _WEEK_COLUMN = 26, 10
#: What would have been read, by why an object was not.
_WOULD_BE_READ = {
    "not_jsonl": "allowed .jsonl, .jsonl.gz",
    "no_date": "allowed …/date=YYYY-MM-DD/",
    "unknown_record": "no contract has this folder; see qol contracts list",
}


class RunWatch:
    """Shows the stage a run is in; an error that ends it learns where the manifest is."""

    def __init__(self, lake: Lake, options: RunOptions) -> None:
        self._lake = lake
        self._options = options
        self._before = self._manifests()
        self._console = console(stderr=True)
        self._status = self._console.status("starting")
        self._stage = ""

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def stage(self, name: str) -> None:
        """A stage begins."""
        self._stage = name
        self._status.update(name)
        if not self._console.is_terminal:
            warn(f"  {name}")

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, _: TracebackType | None) -> None:
        self._status.stop()
        if err is not None:
            for sentence in self._aftermath(err):
                err.add_note(Note(sentence))

    def _manifests(self) -> set[str]:
        try:
            return set(manifest_keys(self._lake))
        except LakeError:  # what ended the run is told, not that looking for its manifest failed too
            return set()

    def _aftermath(self, err: BaseException) -> Iterator[str]:
        """Where to look and what to do; the run's own manifest is the one that is new."""
        stamp, trigger = f"{RUNS}{self._options.now:%Y%m%dT%H%M%SZ}-", f"-{self._options.trigger}-"
        new = self._manifests() - self._before
        fresh = sorted(key for key in new if key.startswith(stamp) and trigger in key)
        if self._stage:
            yield f"Stage: {self._stage}."
        for key in fresh:
            yield f"Run {Path(key).stem}; its manifest is at {self._lake.location(key)}"
        if not fresh:
            yield "No manifest was written." + (" A dry run writes none." if self._options.dry_run else "")
        if isinstance(err, RefusedError) and self._options.docs is not None:
            yield f"All results: {self._lake.location(INDEX)}"


def report(
    lake: Lake,
    contracts: Contracts,
    manifest: Manifest,
    *,
    dry_run: bool = False,
    docs: bool = True,
    examples: bool = True,
) -> None:
    """What a run published, what it could not use and why, and where everything is.

    Without `examples` no person is named, not even by pseudonym: what a job prints is kept in its log.
    """
    say()
    say(_headline(manifest, dry_run=dry_run), style="bold")
    show_tables(manifest.tables)
    show_counts(manifest)
    show_rejects(lake, contracts, manifest)
    show_issues(lake, contracts, manifest, examples=examples)
    show_warnings(manifest)
    say(f"Seconds    {show_seconds(manifest)}")
    if not dry_run:
        say(f"Manifest   {lake.location(manifest_key(manifest.run_id))}")
    if docs and manifest.checks:
        say(f"Data Docs  {lake.location(INDEX)}")


def show_seconds(manifest: Manifest) -> str:
    """How long each stage took."""
    return ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in manifest.stages.items())


def _headline(manifest: Manifest, *, dry_run: bool) -> str:
    fresh = sum(file.replaced for file in manifest.tables)
    if dry_run:
        return f"Dry run {manifest.run_id}: would replace {count(fresh, 'file')}; nothing was written."
    if manifest.status == "nothing_to_do":
        return f"Run {manifest.run_id}: nothing to do, every file is as it was."
    weeks = f" of {count(len(manifest.weeks), 'week')}" if manifest.weeks else ", quarantine only"
    return f"Run {manifest.run_id}: published {count(fresh, 'file')}{weeks}."


def no_records(lake: Lake, contracts: Contracts, first: date, last: date) -> str:
    """Why a rebuild of these weeks had nothing to do: they have no records, and which weeks have some."""
    tables = [f"records_{contract.name}" for contract in contracts.sources]
    known = sorted({day for _, day in find_published(lake, tables).files})
    if not known:
        return "No records lie in the lake."
    there = _span(date.fromisoformat(known[0]), date.fromisoformat(known[-1]))
    return f"No records lie in {_span(first, last)}; the lake has {there}."


def _span(first: date, last: date) -> str:
    """`2026-W45 to 2026-W46`; one week alone, and what has no beginning or end in words."""
    if date.max == last:
        return f"{iso_week(first)} or later"
    if date.min == first:
        return f"{iso_week(last)} or earlier"
    return " to ".join(dict.fromkeys((iso_week(first), iso_week(last))))


def show_tables(files: list[TableFile]) -> None:
    """Rows per table and week, as many of the newest weeks as fit the width."""
    of_weeks = [file for file in files if file.name != "rejects"]
    weeks = sorted({file.date for file in of_weeks})
    if not weeks:
        return
    fitting = max(1, (console().width - _TABLE_COLUMN) // _WEEK_COLUMN)
    shown = weeks[-fitting:]
    cells = {(f.name, f.date): f"{f.rows}" if f.replaced else f"{f.rows} =" for f in of_weeks}
    names = sorted(
        {f.name for f in of_weeks}, key=lambda name: (name.startswith("records_"), name != "weekly_metrics", name)
    )
    rows = [(name, *(cells.get((name, day), "-") for day in shown)) for name in names]
    earlier = f", {count(len(weeks) - len(shown), 'earlier week')} not shown" if len(weeks) > len(shown) else ""
    title = f"Rows per table and week (= as before, - none{earlier})"
    table(title, ("table", *(iso_week(date.fromisoformat(day)) for day in shown)), rows)


def show_counts(manifest: Manifest) -> None:
    """The conservation law with its numbers, and what was not read at all."""
    window, totals = manifest.window, manifest.totals
    if window.last is not None:
        read = f"{count(len(manifest.objects), 'raw object')} of arrival days {window.first or '-'} to {window.last}"
        say(f"Read {read}, {count(totals.get('physical_lines', 0), 'line')}.")
        parts = " + ".join(f"{totals.get(n, 0)} {n}" for n in ("blank", "control", "rejected", "kept", "superseded"))
        say(f"{count(totals.get('lines', 0), 'item')} = {parts}")
        if not manifest.objects:
            say("Nothing arrived in those days: raw objects lie below raw/<source>/<record>/date=YYYY-MM-DD/.")
    reasons: dict[str, list[str]] = {}
    for skipped in manifest.skipped:
        reasons.setdefault(skipped.reason, []).append(skipped.key)
    for reason, keys in sorted(reasons.items()):
        why = ": ".join(filter(None, (reason, _WOULD_BE_READ.get(reason))))
        say(f"Skipped {count(len(keys), 'object')} ({why}), such as {cut(keys[0], 120)}")


def show_rejects(lake: Lake, contracts: Contracts, manifest: Manifest) -> None:
    """Rejected items by reason, with the newest place of each and the command that shows all."""
    if not manifest.rejects_by_reason:
        return
    days = [file.date for file in manifest.tables if file.name == "rejects"]
    places = newest_rejects(lake, contracts, days, {counted.key for counted in manifest.objects})
    rows = [
        (reason, items, REJECT_REASONS.get(reason, ""), places.get(reason, ""))
        for reason, items in sorted(manifest.rejects_by_reason.items(), key=lambda pair: -pair[1])
    ]
    table("Rejected items", ("reason", "items", "meaning", "newest"), rows)
    say(f"Where each one is: {command('rejects', '--lake', lake.uri, '--reason', rows[0][0])}")
    say()


def show_issues(lake: Lake, contracts: Contracts, manifest: Manifest, *, examples: bool = True) -> None:
    """Values that became null or were corrected, by field, and names no contract knows."""
    found = list(_issues(manifest.field_issues))
    unknown = [(record, name, number) for record, name, reason, number in found if reason == "unknown_field"]
    values = [issue for issue in found if issue[2] != "unknown_field"]
    if values:
        values.sort(key=lambda issue: (-issue[3], issue[:3]))
        table(
            "Values of kept records that became null or were corrected", ("record", "field", "reason", "values"), values
        )
        say(f"What that did to a week: {_why_command(lake, contracts, manifest, values if examples else [])}")
        say()
    for record, name, number in unknown[:5]:
        say(f"{record}: {count(number, 'record')} with {cut(name, 80)}, a field that no contract names")


def _issues(nested: dict[str, Any]) -> Iterator[tuple[str, str, str, int]]:
    for record, issued in nested.items():
        for name, reasons in issued.items():
            for reason, number in reasons.items():
                yield record, name, reason, number


def _why_command(lake: Lake, contracts: Contracts, manifest: Manifest, values: list[Any]) -> str:
    """A `qol why` of a person and week that one of the issues touched."""
    for record, name, _, _ in values:
        example = example_of_issue(lake, contracts, record, name, manifest.tables)
        if example is not None:
            user_id, week, metric = example
            return command("why", "--lake", lake.uri, "--user", user_id, "--week", week, "--metric", metric)
    return "qol why --user USER_ID --week WEEK --metric METRIC"


def show_warnings(manifest: Manifest) -> None:
    """Checks that did not hold and did not stop the run, and those that could look at nothing."""
    failed = [(c.id, c.severity, c.observed, c.message) for c in manifest.checks if not c.success]
    if failed:
        table("Checks that did not hold", ("check", "severity", "observed", "claim"), failed)
        accepted = [check for check in manifest.accepted if check in {row[0] for row in failed}]
        if accepted:
            say(f"Accepted: {', '.join(accepted)}")
    for words, checks in _not_checked(manifest).items():
        say(f"{', '.join(checks)}: {words}")


def _not_checked(manifest: Manifest) -> dict[str, list[str]]:
    """Checks that could look at nothing, by what they say of it."""
    found: dict[str, list[str]] = {}
    for check in manifest.checks:
        if not check.checked:
            found.setdefault(check.observed, []).append(check.id)
    return found
