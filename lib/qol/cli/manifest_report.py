"""One run whole: everything its manifest says, section by section."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from qol.cli.run_report import show_issues, show_rejects, show_tables
from qol.cli.show import command, say, table
from qol.contracts.model import Contracts
from qol.lake import Lake
from qol.run.summary import read_and_skipped, stage_seconds, unread_days
from qol.tables.manifest import LEFT_COUNTS, RUN_COUNTS, Manifest, manifest_key
from qol.tables.objects_read import objects_of_run

#: What the weeks of a manifest are, by how its run ended.
REPLACED, WOULD_HAVE, PERHAPS = "replaced", "would have", "perhaps"
_NOT_KNOWN = "not known: the run ended before"
#: Stages in which a failed run may have replaced files; None is outside every stage, or a manifest older than `failed_stage`.
_MAY_HAVE_REPLACED = ("publish", None)


def replaced_weeks(manifest: Manifest) -> tuple[str, list[str]]:
    """Weeks of which a run replaced files, or would have, or perhaps did; and which of these it is."""
    if manifest.status in ("published", "nothing_to_do"):
        return REPLACED, manifest.weeks
    may_have = manifest.status == "failed" and manifest.failed_stage in _MAY_HAVE_REPLACED
    return PERHAPS if may_have else WOULD_HAVE, manifest.weeks


def show_manifest(lake: Lake, contracts: Contracts, manifest: Manifest, *, objects: bool = False) -> None:
    """Facts, error, tables, counts, rejects, issues, checks, raw objects by folder (or each), stages."""
    table(f"Run {manifest.run_id}", ("what", "value"), _facts(manifest))
    if manifest.error:
        for line in manifest.error.splitlines():
            say(line, style="red")
    show_tables(manifest.tables)
    for sentence in read_and_skipped(manifest):
        say(sentence)
    for sentence in unread_days(lake, manifest):
        say(sentence)
    show_rejects(lake, contracts, manifest)
    show_issues(lake, contracts, manifest)
    checks = [
        (c.id, c.severity, c.success if c.checked else "not checked", c.observed if c.success else c.what_is_wrong)
        for c in manifest.checks
    ]
    if checks:
        table("Checks", ("check", "severity", "passed", "found"), checks)
    _show_objects(lake, contracts, manifest, every=objects)
    say(f"Manifest   {lake.location(manifest_key(manifest.run_id))}")


def _show_objects(lake: Lake, contracts: Contracts, manifest: Manifest, *, every: bool) -> None:
    """Those of the run that no later run read again."""
    read = objects_of_run(lake, contracts, manifest)
    if read.is_empty():
        return
    names = [name for name in RUN_COUNTS if name not in LEFT_COUNTS or read[name].sum()]
    if every:
        key = pl.format("{}/date={}/{}", "folder", "date", "raw_object").alias("key")
        table("Raw objects", ("key", *names), read.select(key, *names).rows())
    else:
        rows = read.group_by("folder").agg(pl.len().alias("objects"), *[pl.col(name).sum() for name in names])
        table("Raw objects by folder, in items", ("folder", "objects", *names), rows.sort("folder").rows())
        say(f"Each of them: {command('runs', manifest.run_id, '--objects', '--lake', lake.uri)}")


def _facts(manifest: Manifest) -> list[Sequence[Any]]:
    if manifest.trigger == "restore":
        return [*_ending(manifest), ("undone run", manifest.undone), *_outcome(manifest)]
    if manifest.trigger == "erase":
        asked = [(f"users {name}", number) for name, number in manifest.erasures.items()]
        removed = [(f"removed: {layer}", number) for layer, number in sorted(manifest.removed.items()) if number]
        return [*_ending(manifest), *asked, *removed, ("found by the last search", manifest.not_removed)]
    window = manifest.window
    days = f"{_NOT_KNOWN} it listed them" if manifest.trigger != "rebuild" else "none: made from records"
    mapped = f"{_NOT_KNOWN} it read one" if manifest.key_check is None else "none"
    return [
        *_ending(manifest),
        ("scheduler's name of it", manifest.job_run_id or "-"),
        ("business week", manifest.week),
        ("arrival days", f"{window.first or '-'} to {window.last}" if window.last else days),
        ("engine", manifest.engine),
        ("contracts", manifest.contracts),
        ("checks accepted", ", ".join(manifest.accepted) or "none"),
        ("user map", f"{manifest.user_map['entries']} entries" if manifest.user_map else mapped),
        *_outcome(manifest),
    ]


def _ending(manifest: Manifest) -> list[Sequence[Any]]:
    failed = [("failed stage", manifest.failed_stage)] if manifest.failed_stage else []
    return [("status", manifest.status), *failed, ("trigger", manifest.trigger), ("clock", manifest.now)]


def _outcome(manifest: Manifest) -> list[Sequence[Any]]:
    kind, weeks = replaced_weeks(manifest)
    labels = {REPLACED: "weeks replaced", WOULD_HAVE: "weeks it would have replaced", PERHAPS: "weeks perhaps replaced"}
    return [(labels[kind], ", ".join(weeks) or "none"), ("seconds", stage_seconds(manifest) or "-")]
