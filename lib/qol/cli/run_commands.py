"""`qol run`, `qol backfill`, `qol rebuild`: options to a request, its outcome to the screen."""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import field, make_dataclass
from typing import Annotated, Any

import typer

from qol.cli.failures import Note
from qol.quality.judge_process import begin_to_judge
from qol.run.engine import keep_memory
from qol.run.request import OPTIONS, Command, Option, RunRequest, read_request

HELP: dict[Command, str] = {
    "run": "Read what arrived, compute the weeks it touches, check them, publish them.",
    "backfill": "Read chosen arrival days again; each record goes to the week of its own day.",
    "rebuild": "Make weeks, and those that look back on them, again from the records of the lake, without reading raw objects.",
}


def run_command(command: Command) -> Callable[..., Any]:
    """What Typer calls for a command: a class with the command's options as parameters, which runs the job when it is created."""
    own = {name: option for name, option in OPTIONS.items() if command in option.commands}

    def start(given: Any) -> None:
        texts = {option.name: _as_text(getattr(given, name)) for name, option in own.items()}
        perform(read_request(command, {name: text for name, text in texts.items() if text is not None}))

    parameters = [_parameter(name, option) for name, option in own.items()]
    return make_dataclass(command, parameters, kw_only=True, namespace={"__post_init__": start})


def _parameter(name: str, option: Option) -> tuple[str, Any, Any]:
    shape: Any = bool if option.is_switch else list[str] | None if option.is_list else str | None
    info = typer.Option(
        f"--{option.name}", help=option.help, metavar=option.metavar, envvar=option.variable, show_default=True
    )
    default: Any = getattr(RunRequest, name, None)
    if not option.is_switch:
        default = str(default) if isinstance(default, str | int) else None
    return name, Annotated[shape, info], field() if option.required else field(default=default)


def _as_text(given: str | bool | list[str] | None) -> str | None:
    if isinstance(given, list):
        return ",".join(given) or None
    return str(given).lower() if isinstance(given, bool) else given


def perform(request: RunRequest) -> None:
    """Run the job and say what it did; raises what ended it, with notes that say where to look."""
    keep_memory()
    is_fresh = "polars" not in sys.modules and threading.active_count() == 1  # a fork has no thread but its own
    can_fork = is_fresh and sys.platform == "linux"
    has_helpers = is_fresh and request.engine == "local" and (request.workers or os.cpu_count()) != 1
    if has_helpers:
        begin_to_judge()
    from qol.cli.run_report import report, shown_stages
    from qol.contracts.load import load_contracts
    from qol.lake import open_lake
    from qol.run.job import run_job
    from qol.run.local_engine import fork_server

    if has_helpers and can_fork:
        fork_server()
    if request.engine == "spark":
        _begin_to_start_spark(request.spark_master, forks=can_fork)
    contracts = load_contracts()
    with shown_stages() as on_stage:
        outcome = run_job(request, contracts, on_stage)
    if outcome.error is not None:
        for note in outcome.notes:
            outcome.error.add_note(Note(note))
        raise outcome.error
    report(open_lake(request.lake), contracts, request, outcome)


def _begin_to_start_spark(master: str | None, *, forks: bool) -> None:
    with suppress(ModuleNotFoundError):  # the job says so
        from qol.run.spark_daemon import fork_daemon
        from qol.run.spark_engine import begin_to_start

        if forks and master is not None and "PYSPARK_PYTHON" not in os.environ:
            fork_daemon()
        begin_to_start(master)
