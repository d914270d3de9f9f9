"""`qol sample`: a lake to try things on."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from qol.cli.options import LakeOption
from qol.cli.show import command, console, say, table
from qol.errors import UsageError


def sample(
    lake: LakeOption = None,
    users: Annotated[int, typer.Option("--users", help="People.")] = 50,
    weeks: Annotated[int, typer.Option("--weeks", help="ISO weeks with data.")] = 6,
    end: Annotated[str, typer.Option("--end", help="The last of them.")] = "2026-W46",
    seed: Annotated[int, typer.Option("--seed", help="Where all chance comes from: same options, same bytes.")] = 7,
    sources: Annotated[
        str,
        typer.Option(
            "--sources",
            help="Which, with commas: any source with a contract; garmin-core is Garmin's five most used record types.",
        ),
    ] = "garmin,oura,healthkit,sensor,survey",
) -> None:
    """Write a lake of made-up people: all sources, resends, late data and bad lines, with a key and user map of its own."""
    from qol_dev.sample import SampleOptions

    if not lake:
        raise UsageError("--lake: not given; allowed: a new or empty folder, by --lake or QOL_LAKE")
    folder = Path(lake)
    make_sample(folder, SampleOptions(users, weeks, end, seed, tuple(name.strip() for name in sources.split(","))))
    say()
    say("Next, the weekly job as it runs on the Wednesday after:")
    say(f"  {command('run', '--lake', folder, '--user-map', folder / 'user_map.jsonl', '--now', run_clock(end))}")


def make_sample(folder: Path, options: object) -> None:
    """Write a sample lake, with progress, and say what is in it."""
    from rich.progress import Progress

    from qol_dev.sample import SampleOptions, write_sample

    assert isinstance(options, SampleOptions)
    with Progress(console=console(stderr=True), transient=True) as progress:
        task = progress.add_task("writing raw objects", total=None)
        made = write_sample(folder, options, lambda n, total: progress.update(task, completed=n, total=total))
    rows = [
        ("people", made.people),
        ("raw objects", made.objects),
        ("lines", made.lines),
        ("megabytes", round(made.bytes / 1e6, 1)),
        ("faults put in on purpose", sum(made.faults.values())),
        ("arrival days", f"{made.first_arrival} to {made.last_arrival}"),
    ]
    table(f"Sample lake in {folder}", ("what", "how many"), rows)


def run_clock(end: str) -> str:
    """When the weekly job runs for the week `end`: the Wednesday after, 09:05 in Tokyo."""
    from qol.tables.weeks import parse_week

    return f"{parse_week(end) + timedelta(days=9)}T00:05:00Z"
