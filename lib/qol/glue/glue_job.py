"""The Glue job as a function: the run that the arguments ask for, its log and metrics, and an exception when it failed."""

import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType

from qol.contracts.load import load_contracts
from qol.contracts.wording import clean
from qol.errors import QolError, safe_place
from qol.glue.arguments import JOB, Resolve, read_call
from qol.glue.run_metrics import emf_lines
from qol.glue.runtime import describe_python, describe_spark
from qol.run.erase_job import run_erasures
from qol.run.job import RunOutcome, failed, run_job
from qol.run.request import RunRequest
from qol.run.summary import rejects_issues_and_checks

_MEANING = {1: "failed", 2: "usage or contract error", 3: "refused by the gate", 4: "another run holds the lock"}


class JobFailedError(Exception):
    """Ends the process of a failed job: Glue shows its text as the run's error message."""

    def __init__(self, exit_code: int, reason: str) -> None:
        self.exit_code = exit_code
        super().__init__(f"exit code {exit_code} ({_MEANING[exit_code]}): {reason}")


def run_glue_job(
    argv: Sequence[str], resolve: Resolve, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> None:
    """Run what the arguments say and print the run's metrics; JobFailedError when its exit code is not 0."""
    sys.excepthook = _leave_with_exit_code
    started = time.monotonic()
    _log(describe_python())
    job = JOB
    try:
        request, job = read_call(argv, resolve)
        _describe_spark(request)
        do = run_erasures if request.command == "erase" else run_job
        outcome = do(request, load_contracts(), _log_error)
    except Exception as err:  # noqa: BLE001 (whatever it is becomes an exit code, and metrics go out first)
        outcome = failed(err)
    reason = _log_outcome(outcome)
    for line in emf_lines(job, clock(), time.monotonic() - started, outcome):
        print(line, flush=True)  # noqa: T201 (CloudWatch reads it from there)
    if outcome.exit_code:
        raise JobFailedError(outcome.exit_code, reason)


def _log_outcome(outcome: RunOutcome) -> str:
    """Write what the job did to its log; why it failed, for one that did."""
    err = outcome.error
    if err is None:
        for sentence in (*outcome.notes, *(rejects_issues_and_checks(outcome.manifest) if outcome.manifest else ())):
            _log(sentence)
        return ""
    reason = str(err) if isinstance(err, QolError) else f"unexpected error: {safe_place(err)}"
    for sentence in (*reason.splitlines(), *outcome.notes):
        _log_error(sentence)
    return reason


def _describe_spark(request: RunRequest) -> None:
    """Start Spark, which the run then finds running, and log its versions and settings."""
    if request.engine != "spark":
        return
    from qol.run.spark_engine import start_spark

    context = start_spark(request.spark_master)
    try:
        for line in describe_spark(context):
            (_log_error if line.startswith("WARNING") else _log)(line)
    except Exception as err:  # noqa: BLE001 (a run must not fail for what its log begins with)
        _log_error(f"Spark could not be described: {safe_place(err)}")


def _log(text: str) -> None:
    print(clean(text), flush=True)  # noqa: T201 (standard output is the job's log)


def _log_error(text: str) -> None:
    print(clean(text), file=sys.stderr, flush=True)  # noqa: T201 (standard error is the job's error log)


def _leave_with_exit_code(kind: type[BaseException], err: BaseException, trace: TracebackType | None) -> None:
    """Python ends every uncaught exception with 1; one of ours ends the process with its own code."""
    if isinstance(err, JobFailedError):
        print(f"{kind.__name__}: {err}", file=sys.stderr)  # noqa: T201 (the last words of a process)
        raise SystemExit(err.exit_code)
    sys.__excepthook__(kind, err, trace)
