"""The Glue job as a function: the command that the arguments ask for, its metrics, and an exception when it failed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from typer import Abort, Exit, TyperException
from typer.main import get_command

from qol.cli.failures import explain
from qol.cli.run_commands import manifest_taker
from qol.cli.show import say, warn
from qol.errors import QolError, UsageError, safe_place
from qol.glue.arguments import JobCall, Known, Resolve, read_call
from qol.glue.run_metrics import Ending, emf_lines
from qol.glue.runtime import describe_python, describe_spark

if TYPE_CHECKING:
    from qol.tables.manifest import Manifest

_MEANING = {1: "failed", 2: "usage or contract error", 3: "refused by the gate", 4: "another run holds the lock"}


class JobFailedError(Exception):
    """Ends the process of a failed job: Glue shows its text as the run's error message."""

    def __init__(self, exit_code: int, reason: str) -> None:
        self.exit_code = exit_code
        super().__init__(f"exit code {exit_code} ({_MEANING[exit_code]}): {reason}")


def run_job(argv: Sequence[str], resolve: Resolve, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """Run what the arguments say and print the run's metrics; JobFailedError when its exit code is not 0."""
    sys.excepthook = _leave_with_exit_code
    started = time.monotonic()
    manifests: list[Manifest] = []
    job, code, reason = "qol-weekly-etl", 0, ""
    token = manifest_taker.set(manifests.append)
    try:
        say(describe_python())
        call = read_call(argv, resolve, known_options())
        job = call.job
        _describe_spark(call)
        _invoke(call)
    except Exception as err:  # noqa: BLE001 (whatever it is becomes an exit code, and metrics go out first)
        code, reason = _explained(err)
    finally:
        manifest_taker.reset(token)
    manifest = manifests[-1] if manifests else None
    for line in emf_lines(Ending(job, clock(), time.monotonic() - started, code, manifest)):
        print(line, flush=True)  # noqa: T201 (CloudWatch reads it from there)
    if code:
        raise JobFailedError(code, reason)


def known_options() -> Known:
    """The options of `qol run`, `qol backfill` and `qol rebuild`, asked of the commands themselves."""
    options = [option for name in _commands() for option in _commands()[name].params]
    names = {option.opts[0].removeprefix("--"): option for option in options}
    flags = frozenset(name for name, option in names.items() if option.is_flag)
    lists = frozenset(name for name, option in names.items() if option.multiple)
    return Known(frozenset(names) - flags, flags, lists)


def _commands() -> dict[str, Any]:
    from qol.cli.app import app
    from qol.glue.arguments import COMMANDS

    found: Any = get_command(app)
    return {name: found.commands[name] for name in COMMANDS}


def _invoke(call: JobCall) -> None:
    """Run the command with its words; what it raises comes through as it is."""
    command = _commands()[call.command]
    with command.make_context(call.command, list(call.words)) as context:
        command.invoke(context)


def _describe_spark(call: JobCall) -> None:
    """Start Spark, which the run then finds running, and log what it is."""
    if not call.uses_spark:
        return
    from pyspark.sql import SparkSession

    from qol.run.spark_engine import start_spark

    start_spark(call.spark_master)
    try:
        for line in describe_spark(SparkSession.builder.getOrCreate()):
            (warn if line.startswith("WARNING") else say)(line)
    except Exception as err:  # noqa: BLE001 (a run must not fail for what its log begins with)
        warn(f"Spark could not be described: {safe_place(err)}")


def _explained(err: Exception) -> tuple[int, str]:
    """Exit code and reason of an error, which is also told on standard error."""
    if isinstance(err, TyperException):
        usage = UsageError(err.format_message() if hasattr(err, "format_message") else str(err))
        return explain(usage), str(usage)
    if isinstance(err, Exit | Abort):
        return getattr(err, "exit_code", 1), "ended by itself"
    return explain(err), str(err) if isinstance(err, QolError) else f"unexpected error: {safe_place(err)}"


def _leave_with_exit_code(kind: type[BaseException], err: BaseException, trace: TracebackType | None) -> None:
    """Python ends every uncaught exception with 1; one of ours ends the process with its own code."""
    if isinstance(err, JobFailedError):
        print(f"{kind.__name__}: {err}", file=sys.stderr)  # noqa: T201 (the last words of a process)
        raise SystemExit(err.exit_code)
    sys.__excepthook__(kind, err, trace)
