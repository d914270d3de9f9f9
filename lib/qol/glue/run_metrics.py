"""Metrics of a run for CloudWatch: its end, and counts of tables, reject reasons and stages from its manifest."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from qol.aws.emf import emf_line
from qol.tables.manifest import Manifest

_ARRIVAL_LAG = {"p50_days": "lateness_p50_days", "p95_days": "lateness_p95_days", "max_days": "lateness_max_days"}


@dataclass(frozen=True)
class Ending:
    """How a job run ended; without a manifest it ended before the pipeline began."""

    job: str
    at: datetime
    seconds: float
    exit_code: int
    manifest: Manifest | None = None


#: A metric's value and unit by its name.
_Metrics = dict[str, tuple[float, str]]


def emf_lines(ending: Ending) -> Iterator[str]:
    """EMF lines: one for the job, then one for each table, reject reason and stage; none names a user."""
    manifest = ending.manifest
    yield _line(ending, {}, _of_the_run(ending))
    if manifest is None:
        return
    rows: Counter[str] = Counter()
    for file in manifest.tables:
        rows[file.name] += file.rows
    for table, count in sorted(rows.items()):
        yield _line(ending, {"table": table}, {"rows": (count, "Count")})
    for reason, count in sorted(manifest.rejects_by_reason.items()):
        yield _line(ending, {"reason": reason}, {"rejects": (count, "Count")})
    for stage, seconds in manifest.stages.items():
        yield _line(ending, {"stage": stage}, {"stage_seconds": (seconds, "Seconds")})


def _of_the_run(ending: Ending) -> _Metrics:
    values: _Metrics = {
        "run_seconds": (round(ending.seconds, 3), "Seconds"),
        "succeeded": (int(ending.exit_code == 0), "Count"),
        "failed": (int(ending.exit_code != 0), "Count"),
    }
    manifest = ending.manifest
    if manifest is None:
        return values
    values["raw_objects"] = (len(manifest.objects), "Count")
    values["files_replaced"] = (sum(file.replaced for file in manifest.tables), "Count")
    for name in ("lines", "rejected", "kept", "superseded"):
        values[f"items_{name}" if name != "lines" else "items"] = (manifest.totals.get(name, 0), "Count")
    values["checks_failed"] = (sum(not check.success for check in manifest.checks), "Count")
    for key, metric in _ARRIVAL_LAG.items():
        if manifest.lateness is not None:
            values[metric] = (manifest.lateness[key], "None")
    return values


def _line(ending: Ending, dimensions: dict[str, str], metrics: _Metrics) -> str:
    properties: dict[str, str | int | None] = {"exit_code": ending.exit_code}
    if (manifest := ending.manifest) is not None:
        properties |= {"run_id": manifest.run_id, "status": manifest.status, "week": manifest.week}
        properties |= {"trigger": manifest.trigger, "job_run_id": manifest.job_run_id}
    return emf_line({"job": ending.job, **dimensions}, metrics, properties, ending.at)
