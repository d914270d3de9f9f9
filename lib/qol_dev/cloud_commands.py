"""`qol cloud`: the whole system on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qol.cli.answers import FormatOption, LimitOption, print_answer
from qol.cli.failures import Commands
from qol.cli.show import command, say, table
from qol.contracts.wording import count
from qol.errors import QolError, UsageError

if TYPE_CHECKING:
    from qol_dev.cloud.state import Cloud
    from qol_dev.cloud.up import Outcome

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    help="The whole system on this machine: a simulated AWS, Spark, Athena's engine.",
)

FolderOption = Annotated[
    Path | None, typer.Option("--folder", envvar="QOL_CLOUD", help="Where the cloud keeps its state; by default .cloud in the project.", show_default=False)
]  # fmt: skip


#: Fewer than the gate compares (20): a run by the real clock would mail that the sample's data is old.
USERS = 15
_PEOPLE = "SELECT iso_week, count(*) AS people FROM weekly_metrics GROUP BY iso_week"


@app.command("up")
def up(
    folder: FolderOption = None,
    users: Annotated[int, typer.Option("--users", help="Users of the sample.")] = USERS,
    weeks: Annotated[int, typer.Option("--weeks", help="Weeks of the sample, the last is 2026-W46.")] = 3,
) -> None:
    """Start everything, send sample data, run the weekly job, show the week; leave it running."""
    from qol_dev.cloud.up import CloudStart, options, start_cloud

    cloud = _cloud(folder)
    if cloud.folder.exists() and any(cloud.folder.iterdir()):
        raise UsageError(
            f"{cloud.folder}: a cloud is or was up there; allowed: none (`{_command('down', cloud)}` ends it)"
        )
    state = CloudStart(cloud, options(users, weeks))
    skipped = [
        outcome
        for outcome in map(_show, start_cloud(state, lambda step: say(step.title, style="bold")))
        if outcome.skipped
    ]
    say()
    if skipped:
        say(f"{count(len(skipped), 'step')} skipped, for the reasons above.", style="yellow")
    _show_next(state.cloud, state.done)


@app.command("down")
def down(folder: FolderOption = None) -> None:
    """End the servers and remove everything the cloud made."""
    from qol_dev.cloud.down import take_down

    for line in take_down(_cloud(folder)):
        say(line)


@app.command("status")
def status(folder: FolderOption = None) -> None:
    """Show which servers run, and what is in the cloud."""
    cloud = _cloud(folder)
    if not cloud.servers:
        say(f"{cloud.folder}: no cloud is up.")
        return
    rows = [(s.name, s.url, s.pid, s.is_running and s.answers(), s.log) for s in cloud.servers]
    table("Servers", ("name", "address", "process", "answers", "log"), rows)
    if cloud.names and any(server.name == "moto" and server.is_running for server in cloud.servers):
        from qol_dev.cloud.describe import describe_cloud

        table("What is there", ("what", "how many or which"), describe_cloud(cloud))


@app.command("env")
def env(folder: FolderOption = None) -> None:
    """Print what a shell needs so that every AWS client reaches the cloud: eval "$(qol cloud env)"."""
    from qol_dev.cloud.describe import shell_lines

    for line in shell_lines(_cloud(folder)):
        say(line)


@app.command("invoke")
def invoke_function(
    function: Annotated[str, typer.Argument(help="kick, notifier, raw_gap, receiver or watchdog.")],
    event: Annotated[str, typer.Argument(help="The event as JSON.")],
    folder: FolderOption = None,
) -> None:
    """Call a function with an event, as its schedule, its rule or an operator would."""
    from qol_dev.cloud.functions import invoke

    try:
        document: Any = json.loads(event)
    except ValueError:
        raise UsageError(
            f"event: not JSON; allowed: a document such as {json.dumps({'week': '2026-W46', 'again': True})}"
        ) from None
    say(json.dumps(invoke(_cloud(folder), function, document)))


@app.command("work")
def work(folder: FolderOption = None) -> None:
    """Execute the job runs that were started and wait, which Glue would do by itself; the notifier hears of their ends.

    Exits with 1 when an attempt failed.
    """
    from qol_dev.cloud.glue_runs import execute, waiting_runs

    cloud = _cloud(folder)
    waiting = waiting_runs(cloud)
    say(f"{count(len(waiting), 'run')} waiting.")
    failed = False
    for run_id in waiting:
        for attempt in execute(cloud, run_id):
            failed |= attempt.state == "FAILED"
            say(
                f"{attempt.run_id}: {attempt.state} with exit code {attempt.exit_code} in {attempt.seconds:.0f} s; log {attempt.log}"
            )
    if failed:
        raise typer.Exit(1)


@app.command("mail")
def mailbox(folder: FolderOption = None) -> None:
    """Show the messages people got since this was last asked."""
    from qol_dev.cloud.mail import read_mail

    found = read_mail(_cloud(folder))
    say(f"{count(len(found), 'message')}.")
    for message in found:
        say()
        say(message.subject, style="bold")
        for line in message.body.splitlines():
            say(line)


@app.command("sql")
def sql(
    query: Annotated[str, typer.Argument(help="A query in Athena's dialect.")],
    folder: FolderOption = None,
    form: FormatOption = "table",
    limit: LimitOption = 100,
) -> None:
    """Ask Athena's engine."""
    from qol_dev.cloud.trino import ask

    answer = ask(_cloud(folder), query)
    print_answer(answer.columns, answer.rows, form, limit)


def _cloud(folder: Path | None) -> Cloud:
    from qol_dev.cloud.state import FOLDER, PROJECT, load_cloud

    if not (PROJECT / "terraform").is_dir():
        raise QolError("the local cloud needs a checkout of the project; found an installed package only")
    return load_cloud((folder or PROJECT / FOLDER).resolve())


def _show(outcome: Outcome) -> Outcome:
    if outcome.skipped:
        say(f"  skipped: {outcome.skipped}", style="yellow")
        return outcome
    for line in outcome.lines:
        say(f"  {line}")
    say(f"  {outcome.seconds:.0f} s", style="dim")
    return outcome


def _command(name: str, cloud: Cloud, *words: object) -> str:
    from qol_dev.cloud.state import FOLDER, PROJECT

    where = () if cloud.folder == (PROJECT / FOLDER).resolve() else ("--folder", cloud.folder)
    return command("cloud", name, *words, *where)


def _show_next(cloud: Cloud, done: set[str]) -> None:
    say("Everything goes on running. Try next", style="bold")
    say(f"  {_command('status', cloud)}")
    if "Trino" in done:
        say(f"  {_command('sql', cloud, _PEOPLE)}")
    if "weekly run" in done:
        say(f'  eval "$({_command("env", cloud)})"')
        say(f"  {command('runs', '--lake', cloud.lake)}")
    say(f"  {_command('down', cloud)}")
    say(
        "  docs/local-cloud.md says more: how to break the job and read the message people get, Spark, what it cannot show"
    )
