"""One run whole: everything its manifest says, section by section."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qol.cli.run_report import show_counts, show_issues, show_rejects, show_seconds, show_tables
from qol.cli.show import say, table
from qol.contracts.columns import RUN_COUNTS
from qol.publish.manifest import Manifest, manifest_key

if TYPE_CHECKING:
    from qol.contracts.model import Contracts
    from qol.lake import Lake


def show_manifest(lake: Lake, contracts: Contracts, manifest: Manifest) -> None:
    """Facts, error, tables, counts, rejects, issues, checks, objects, stages."""
    table(f"Run {manifest.run_id}", ("what", "value"), _facts(manifest))
    if manifest.error:
        for line in manifest.error.splitlines():
            say(line, style="red")
    show_tables(manifest.tables)
    show_counts(manifest)
    show_rejects(lake, contracts, manifest)
    show_issues(lake, contracts, manifest)
    checks = [
        (c.id, c.severity, c.success if c.checked else "not checked", c.observed, c.message) for c in manifest.checks
    ]
    if checks:
        table("Checks", ("check", "severity", "holds", "observed", "claim"), checks)
    objects = [(counted.key, *[getattr(counted, name) for name in RUN_COUNTS]) for counted in manifest.objects]
    if objects:
        table("Raw objects", ("key", *RUN_COUNTS), objects)
    say(f"Manifest   {lake.location(manifest_key(manifest.run_id))}")


def _facts(manifest: Manifest) -> list[Sequence[Any]]:
    window = manifest.window
    return [
        ("status", manifest.status),
        ("trigger", manifest.trigger),
        ("scheduler's name of it", manifest.job_run_id or "-"),
        ("clock", manifest.now),
        ("business week", manifest.week),
        ("arrival days", f"{window.first or '-'} to {window.last}" if window.last else "none: made from records"),
        ("engine", manifest.engine),
        ("contracts", manifest.contracts),
        ("weeks replaced", ", ".join(manifest.weeks) or "none"),
        ("checks accepted", ", ".join(manifest.accepted) or "none"),
        ("user map", f"{manifest.user_map['entries']} entries" if manifest.user_map else "none"),
        ("seconds", show_seconds(manifest) or "-"),
    ]
