"""`qol restore`: put a week back to what it was before a run."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from qol.cli.options import LakeOption, open_existing
from qol.cli.show import say, table, warn
from qol.contracts.wording import count
from qol.errors import UsageError


def restore(
    week: Annotated[str, typer.Option("--week", help="The week, such as 2026-W46.")],
    lake: LakeOption = None,
    run: Annotated[
        str | None, typer.Option("--run", help="Undo this run's files of the week; by default the last run's.")
    ] = None,
    kms_key: Annotated[str | None, typer.Option("--kms-key", help="Key that encrypts what is published.")] = None,
    database: Annotated[str | None, typer.Option("--database", help="Catalog of the partitions.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be put back, write nothing.")] = False,
) -> None:
    """Put the files of a week back to what they were before a run; needs a bucket that keeps versions.

    The restore leaves a manifest of its own, which `qol runs` shows. The next run that is touched by data of that week computes it again: fix or remove the cause first.
    """
    from qol.lake.s3 import S3Lake
    from qol.publish.restore import plan_restore
    from qol.publish.restore import restore as put_back
    from qol.tables.manifest import manifest_key
    from qol.tables.weeks import parse_week

    monday = parse_week(week, "--week")
    opened = open_existing(lake, kms_key=kms_key, database=database)
    if not isinstance(opened, S3Lake):
        raise UsageError(f"--lake {opened.uri}: a folder keeps no versions; allowed: s3://bucket[/prefix]")
    manifest, plan = plan_restore(opened, monday, run)
    own = None if dry_run else put_back(opened, monday, manifest, plan, datetime.now(UTC))
    verb = "Would put back" if dry_run else "Put back"
    say(f"{verb} {count(len(plan), 'file')} of {week} to before run {manifest.run_id}.", style="bold")
    rows = [(item.table, item.current.written, item.earlier.written) for item in plan]
    table(f"Files of {week}", ("table", "replaced version of", "version now of"), rows)
    others = ", ".join(other for other in manifest.weeks if other != week)
    if others:
        say(f"That run also replaced {others}; each week is put back by its own command.")
    if own is not None:
        made, problem = own
        if problem is None:
            say(f"Manifest   {opened.location(manifest_key(made.run_id))}")
        else:
            warn(f"The week is put back, but `qol runs` does not show it: no manifest was written. {problem}")
        say("A run that reads data of that week computes it again: mend or move the cause first (docs/runbook.md).")
