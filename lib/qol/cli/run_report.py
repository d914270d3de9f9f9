"""A run on the screen: its stages while it works, what it published at its end, and how to see why."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from qol.cli.show import command, console, say, table, warn
from qol.contracts.model import Contracts
from qol.contracts.reasons import REJECT_REASONS
from qol.contracts.wording import count, cut
from qol.explain.rejected_rows import newest_rejects
from qol.explain.user_week import example_of_issue
from qol.lake import Lake
from qol.run.job import RunOutcome
from qol.run.request import RunRequest
from qol.run.summary import issues
from qol.tables.manifest import Manifest, TableFile
from qol.tables.objects_read import objects_of_run
from qol.tables.weeks import iso_week

_TABLE_COLUMN, _WEEK_COLUMN = 26, 10


@contextmanager
def shown_stages() -> Iterator[Callable[[str], None]]:
    """What shows the stage a run is in, on standard error and until the run ends."""
    screen = console(stderr=True)
    with screen.status("starting") as status:

        def show(stage: str) -> None:
            status.update(stage)
            if not screen.is_terminal:
                warn(f"  {stage}")

        yield show


def report(lake: Lake, contracts: Contracts, request: RunRequest, outcome: RunOutcome) -> None:
    """What a run published, what it could not use and why, and where everything is.

    A run that a scheduler started names no user, not even by pseudonym: what it prints is kept in a log.
    """
    manifest, (headline, *notes) = outcome.manifest, outcome.notes
    if manifest is None:
        return
    say()
    say(headline, style="bold")
    show_tables(manifest.tables)
    show_rejects(lake, contracts, manifest)
    show_issues(lake, contracts, manifest, examples=request.job_run_id is None)
    show_warnings(manifest)
    for note in notes:
        say(note)


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


def show_rejects(lake: Lake, contracts: Contracts, manifest: Manifest) -> None:
    """Rejected items by reason, with the newest place of each and the command that shows all."""
    if not manifest.rejects_by_reason:
        return
    days = [file.date for file in manifest.tables if file.name == "rejects"]
    places = newest_rejects(lake, contracts, days, set(objects_of_run(lake, contracts, manifest)["raw_object"]))
    rows = [
        (reason, items, REJECT_REASONS.get(reason, ""), places.get(reason, ""))
        for reason, items in sorted(manifest.rejects_by_reason.items(), key=lambda pair: -pair[1])
    ]
    table("Rejected items", ("reason", "items", "meaning", "newest"), rows)
    say(f"Where each one is: {command('rejects', '--lake', lake.uri, '--reason', rows[0][0])}")
    say()


def show_issues(lake: Lake, contracts: Contracts, manifest: Manifest, *, examples: bool = True) -> None:
    """Values that became null or were corrected, by field, and fields that no contract names."""
    found = list(issues(manifest))
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


def _why_command(lake: Lake, contracts: Contracts, manifest: Manifest, values: list[Any]) -> str:
    for record, name, _, _ in values:
        example = example_of_issue(lake, contracts, record, name, manifest.tables)
        if example is not None:
            user_id, week, metric = example
            return command("why", "--lake", lake.uri, "--user", user_id, "--week", week, "--metric", metric)
    return "qol why --user USER_ID --week WEEK --metric METRIC"


def show_warnings(manifest: Manifest) -> None:
    """What is wrong by the checks that failed and did not stop the run, and the checks that could look at nothing."""
    failed = [(c.id, c.severity, c.what_is_wrong) for c in manifest.checks if not c.success]
    if failed:
        table("Failed checks", ("check", "severity", "what is wrong"), failed)
        accepted = [check for check in manifest.accepted if check in {row[0] for row in failed}]
        if accepted:
            say(f"Accepted: {', '.join(accepted)}")
    not_checked: dict[str, list[str]] = {}
    for check in manifest.checks:
        if not check.checked:
            not_checked.setdefault(check.observed, []).append(check.id)
    for observed, checks in not_checked.items():
        say(f"{', '.join(checks)}: {observed}")
