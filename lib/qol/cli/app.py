"""Every command of `qol`, by name."""

import os
import sys
from importlib.metadata import entry_points
from typing import Annotated

import typer

from qol import __version__
from qol.cli import contract_commands, inspect_commands, people_commands, run_commands
from qol.cli.adherence_command import adherence
from qol.cli.collect_command import collect
from qol.cli.doctor import doctor
from qol.cli.failures import Commands
from qol.cli.load_command import load
from qol.cli.report_command import report
from qol.cli.restore_command import restore
from qol.cli.retain_command import retain
from qol.cli.serve_command import keys_app, serve
from qol.cli.why_command import why

#: Entry points of packages with commands of their own: a function, or a Typer application with subcommands.
COMMAND_GROUP = "qol.commands"

EPILOG = (
    "Exit codes: 0 published or nothing to do · 1 failed · 2 usage or contract error · 3 refused by the gate · "
    "4 another run holds the lock. Environment: QOL_LAKE, QOL_SCHEMAS, QOL_PSEUDONYM_KEY (a secret of at least 32 bytes), "
    "QOL_DATABASE_URL; QOL_DEBUG=1 adds tracebacks, which may show values."
)

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Wearable JSON lines in, one row per user and week out.",
    epilog=EPILOG,
)
for _name, _help in run_commands.HELP.items():
    app.command(_name, help=_help)(run_commands.run_command(_name))
for _command in (
    collect,
    restore,
    inspect_commands.query,
    inspect_commands.runs,
    inspect_commands.rejects,
    adherence,
    report,
    load,
    why,
    doctor,
    people_commands.export,
    people_commands.erase,
    serve,
    retain,
):
    app.command()(_command)
app.add_typer(contract_commands.app, name="contracts")
app.add_typer(keys_app, name="keys")
for _entry in sorted(entry_points(group=COMMAND_GROUP)):
    _loaded = _entry.load()
    if isinstance(_loaded, typer.Typer):
        app.add_typer(_loaded, name=_entry.name)
    else:
        app.command(_entry.name)(_loaded)


def _version(is_given: bool) -> None:
    if is_given:
        typer.echo(f"qol {__version__}")
        raise typer.Exit


@app.callback()
def _start(
    _version_asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    os.umask(0o077)  # rejects and user maps identify people: what is written is its user's alone
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a stream that cannot encode a character gets `?`
