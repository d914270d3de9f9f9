"""Metrics of a run for CloudWatch: its end, and counts of tables, reject reasons and stages from its manifest."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import partial

from qol.aws.emf import emf_line
from qol.run.job import RunOutcome

#: A metric's value and unit by its name.
_Metrics = dict[str, tuple[float, str]]


def emf_lines(job: str, at: datetime, seconds: float, outcome: RunOutcome) -> Iterator[str]:
    """EMF lines of a job run that took so long: one for the job, then one for each table, reject reason and stage.

    None names a user.
    """
    manifest = outcome.manifest
    line = partial(_line, job, at, outcome)
    yield line({}, _of_the_run(seconds, outcome))
    if manifest is None:
        return
    rows: Counter[str] = Counter()
    for file in manifest.tables:
        rows[file.name] += file.rows
    for table, count in sorted(rows.items()):
        yield line({"table": table}, {"rows": (count, "Count")})
    for reason, count in sorted(manifest.rejects_by_reason.items()):
        yield line({"reason": reason}, {"rejects": (count, "Count")})
    for stage, taken in manifest.stages.items():
        yield line({"stage": stage}, {"stage_seconds": (taken, "Seconds")})


def _of_the_run(seconds: float, outcome: RunOutcome) -> _Metrics:
    values: _Metrics = {
        "run_seconds": (round(seconds, 3), "Seconds"),
        "succeeded": (int(outcome.exit_code == 0), "Count"),
        "failed": (int(outcome.exit_code != 0), "Count"),
    }
    manifest = outcome.manifest
    if manifest is None:
        return values
    objects = manifest.raw_objects
    values["raw_objects"] = (objects.read if objects else 0, "Count")
    values["raw_objects_passed_over"] = (objects.passed_over if objects else 0, "Count")
    values["files_replaced"] = (sum(file.replaced for file in manifest.tables), "Count")
    for name in ("lines", "rejected", "kept", "superseded"):
        values[f"items_{name}" if name != "lines" else "items"] = (manifest.totals.get(name, 0), "Count")
    values["checks_failed"] = (sum(not check.success for check in manifest.checks), "Count")
    late = manifest.lateness or {}
    values |= {f"lateness_{name}": (days, "None") for name, days in late.items() if name != "records"}
    return values


def _line(job: str, at: datetime, outcome: RunOutcome, dimensions: dict[str, str], metrics: _Metrics) -> str:
    properties: dict[str, str | int | None] = {"exit_code": outcome.exit_code}
    if (manifest := outcome.manifest) is not None:
        properties |= {"run_id": manifest.run_id, "status": manifest.status, "week": manifest.week}
        properties |= {"trigger": manifest.trigger, "job_run_id": manifest.job_run_id}
    return emf_line({"job": job, **dimensions}, metrics, properties, at)
