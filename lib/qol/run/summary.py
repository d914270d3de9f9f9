"""A run in sentences, from its manifest: how it ended, what it read and skipped, how long it took, what did not hold."""

import json
import shlex
from collections.abc import Iterator
from datetime import date
from typing import Any

from qol.contracts.model import Contracts
from qol.contracts.wording import count, cut
from qol.identity.lake_state import read_lake_state
from qol.ingest.listing import Window, list_raw
from qol.lake.base import Lake
from qol.run.data_docs import INDEX
from qol.run.request import OPTIONS, RunRequest
from qol.tables.layout import find_published
from qol.tables.manifest import LEFT_COUNTS, Manifest, UnreadDays, manifest_key
from qol.tables.weeks import iso_week, monday_of

#: What would have been read, by why an object was not.
_WOULD_BE_READ = {
    "link": "links are not followed, as they may lead out of the lake; allowed: the file itself",
    "not_jsonl": "allowed .jsonl, .jsonl.gz",
    "no_date": "allowed …/date=YYYY-MM-DD/",
    "unknown_record": "no contract has this folder; see qol contracts list",
}


def summarize(lake: Lake, contracts: Contracts, request: RunRequest, manifest: Manifest) -> Iterator[str]:
    """A run that ended well: its headline first, then what it read, its seconds, and where everything is."""
    yield _headline(manifest, dry_run=request.dry_run)
    yield from read_and_skipped(manifest)
    yield from unread_days(lake, manifest, request)
    if manifest.reread_from is not None:
        yield _backdated(lake, manifest, request)
    if waiting := read_lake_state(lake).unconfirmed_weeks:
        first = iso_week(date.fromisoformat(min(waiting)))
        yield f"{count(len(waiting), 'week')} from {first} on will be computed by the next runs, or now by qol rebuild."
    yield f"Seconds    {stage_seconds(manifest)}"
    if not request.dry_run:
        yield f"Manifest   {lake.location(manifest_key(manifest.run_id))}"
    if request.wants_docs and manifest.checks:
        yield f"Data Docs  {lake.location(INDEX)}"
    if request.command == "rebuild" and not manifest.tables:
        yield _no_records(lake, contracts, request)
    if request.command == "rebuild":
        yield from _without_raw(lake, contracts, manifest)


def _headline(manifest: Manifest, *, dry_run: bool) -> str:
    fresh = sum(file.replaced for file in manifest.tables)
    if dry_run:
        return f"Dry run {manifest.run_id}: would replace {count(fresh, 'file')}; nothing was written."
    if manifest.status == "nothing_to_do":
        return f"Run {manifest.run_id}: nothing to do, every file is as it was."
    weeks = f" of {count(len(manifest.weeks), 'week')}" if manifest.weeks else ", quarantine only"
    return f"Run {manifest.run_id}: published {count(fresh, 'file')}{weeks}."


def read_and_skipped(manifest: Manifest) -> Iterator[str]:
    """The conservation law with its numbers, and what was not read at all."""
    window, totals, objects = manifest.window, manifest.totals, manifest.raw_objects
    if window.last is not None:
        read = "raw objects" if objects is None else count(objects.read, "raw object")
        days = f"of arrival days {window.first or '-'} to {window.last}"
        yield f"Read {read} {days}, {count(totals.get('physical_lines', 0), 'line')}."
        if objects and objects.passed_over:
            yield f"Passed over {count(objects.passed_over, 'raw object')} that earlier runs read; --reread reads them too."
        names = ("blank", "control", "rejected", "kept", "superseded", *(n for n in LEFT_COUNTS if totals.get(n)))
        parts = " + ".join(f"{totals.get(name, 0)} {name}" for name in names)
        yield f"{count(totals.get('lines', 0), 'item')} = {parts}"
        if manifest.not_removed:
            yield (
                f"{count(manifest.not_removed, 'raw object')} could not be changed, and still hold items of users who left: "
                "docs/erase-and-export.md says how to remove them."
            )
        if manifest.unstamped:
            yield (
                f"{count(manifest.unstamped, 'record')} without _received_at: of versions that arrived on one day the one "
                "with the larger values counts, which need not be the last."
            )
        if objects and not objects.read + objects.passed_over:
            yield "Nothing arrived in those days: raw objects lie below raw/<source>/<record>/date=YYYY-MM-DD/."
    reasons: dict[str, list[str]] = {}
    for skipped in manifest.skipped:
        reasons.setdefault(skipped.reason, []).append(skipped.key)
    for reason, keys in sorted(reasons.items()):
        why = ": ".join(filter(None, (reason, _WOULD_BE_READ.get(reason))))
        yield f"Skipped {count(len(keys), 'object')} ({why}), such as {cut(keys[0], 120)}"


#: Options of a run that its backfill takes over.
_SAME_OPTIONS = ("engine", "master", "workers", "zone", "user_map", "key_secret", "kms_key", "database", "no_docs")


def unread_days(lake: Lake, manifest: Manifest, request: RunRequest | None = None) -> Iterator[str]:
    """Arrival days that no run has read, a span per sentence, with the command that reads them as `request` would."""
    for span in manifest.unread_days:
        days = (
            f"arrival day {span.first}" if span.days == 1 else f"{span.days} arrival days {span.first} to {span.last}"
        )
        objects = "Raw objects" if span.objects is None else count(span.objects, "raw object")
        verb = "waits" if span.objects == 1 else "wait"
        yield f"{objects} of {days} {verb}: no run has read them. To read them: {_backfill(lake, span, request)}"


def _backdated(lake: Lake, manifest: Manifest, request: RunRequest) -> str:
    """A withdrawal that the map says later, and the line that reads again what it affects."""
    first, last = (date.fromisoformat(str(day)) for day in (manifest.reread_from, manifest.window.last))
    span = UnreadDays(first.isoformat(), last.isoformat(), (last - first).days, None)
    again = _backfill(lake, span, request) if request.job_run_id is not None else _reread(lake, span, request)
    return f"A new withdrawal in the user map began on {first}, before the days of this run. To remove what came since: {again}"


def _reread(lake: Lake, span: UnreadDays, request: RunRequest) -> str:
    words = ["qol", "run", "--reread", "--raw-days", str(span.days), "--lake", lake.uri]
    return shlex.join([*words, *_same_options(request)])


def _backfill(lake: Lake, span: UnreadDays, request: RunRequest | None) -> str:
    if request is not None and request.job_run_id is not None:
        event = {"backfill": {"from": span.first, "to": span.last}}
        return f"the kick function's event {json.dumps(event)} (docs/runbook.md#start-a-week-again)"
    words = ["qol", "backfill", "--from", span.first, "--to", span.last, "--lake", lake.uri]
    return shlex.join([*words, *_same_options(request)])


def _same_options(request: RunRequest | None) -> Iterator[str]:
    for name in _SAME_OPTIONS:
        given = getattr(request, name, None)
        if given not in (None, False, getattr(RunRequest, name, None)):
            yield from (f"--{OPTIONS[name].name}", *([] if given is True else [str(given)]))


def stage_seconds(manifest: Manifest) -> str:
    """How long each stage took."""
    return ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in manifest.stages.items())


def _no_records(lake: Lake, contracts: Contracts, request: RunRequest) -> str:
    """Why a rebuild had nothing to do: its weeks have no records, and which weeks have some."""
    known = sorted({day for _, day in find_published(lake, [f"records_{c.name}" for c in contracts.sources]).files})
    if not known:
        return "No records lie in the lake."
    existing = _span(date.fromisoformat(known[0]), date.fromisoformat(known[-1]))
    return f"No records lie in {_span(request.first_week, request.last_week)}; the lake has {existing}."


def _without_raw(lake: Lake, contracts: Contracts, manifest: Manifest) -> Iterator[str]:
    """The rebuilt weeks of which no raw object is left by its arrival day: only their records can make them again."""
    computed = {date.fromisoformat(file.date) for file in manifest.tables if file.name == "daily_metrics"}
    found = list_raw(lake, contracts, Window(date.max, date.max)).earlier if computed else ()
    have = {monday_of(folder.day) for folder in found}
    if gone := sorted(computed - have):
        yield f"No raw object that arrived in {_span(gone[0], gone[-1])} is left: made from records, and no backfill can make them."


def _span(first: date | None, last: date | None) -> str:
    """`2026-W45 to 2026-W46`; one week alone, and a span without a first or last week in words."""
    if last is None:
        return f"{iso_week(first)} or later" if first else "any week"
    if first is None:
        return f"{iso_week(last)} or earlier"
    return " to ".join(dict.fromkeys((iso_week(first), iso_week(last))))


def issues(manifest: Manifest) -> Iterator[tuple[str, str, str, int]]:
    """Record, field, reason and how many values became null or were corrected, or how many records had an unknown field."""
    nested: dict[str, Any] = manifest.field_issues
    for record, fields in nested.items():
        for name, reasons in fields.items():
            for reason, number in reasons.items():
                yield record, name, reason, number


def rejects_issues_and_checks(manifest: Manifest) -> Iterator[str]:
    """One sentence for each reject reason, field issue and check that did not hold; none holds a value of a record."""
    for reason, number in sorted(manifest.rejects_by_reason.items()):
        yield f"Rejected {count(number, 'item')}: {reason}"
    for record, name, reason, number in issues(manifest):
        yield f"{record}.{cut(name, 80)}: {reason} {number} times"
    for check in manifest.checks:
        if not check.success:
            yield f"Check {check.id} ({check.severity}): {check.what_is_wrong}"
