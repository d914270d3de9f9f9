"""Metrics of a run as CloudWatch's embedded metric format: lines of JSON on standard output that CloudWatch reads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from qol.tables.manifest import Manifest

NAMESPACE = "QoLLake"
_LATENESS = {"p50_days": "lateness_p50_days", "p95_days": "lateness_p95_days", "max_days": "lateness_max_days"}


@dataclass(frozen=True)
class Ending:
    """How a job run ended; without a manifest it ended before the pipeline began."""

    job: str
    at: datetime
    seconds: float
    exit_code: int
    manifest: Manifest | None = None


#: A metric's value and unit by its name.
_Values = dict[str, tuple[float, str]]


def emf_lines(ending: Ending) -> Iterator[str]:
    """One line for the job, then one per table, reject reason and stage; nothing in them is about a person."""
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


def _of_the_run(ending: Ending) -> _Values:
    values: _Values = {
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
    for key, metric in _LATENESS.items():
        if manifest.lateness is not None:
            values[metric] = (manifest.lateness[key], "None")
    return values


def _line(ending: Ending, dimensions: dict[str, str], values: _Values) -> str:
    """One document: the metrics of one set of dimensions, with what names the run as plain properties."""
    named = {"job": ending.job, **dimensions}
    manifest = ending.manifest
    properties: dict[str, str | int | None] = {"exit_code": ending.exit_code}
    if manifest is not None:
        properties |= {"run_id": manifest.run_id, "status": manifest.status, "week": manifest.week}
        properties |= {"trigger": manifest.trigger, "job_run_id": manifest.job_run_id}
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(named)],
        "Metrics": [{"Name": name, "Unit": unit} for name, (_, unit) in values.items()],
    }
    metadata = {"Timestamp": int(ending.at.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    measured = {name: value for name, (value, _) in values.items()}
    return json.dumps({"_aws": metadata, **named, **measured, **properties}, separators=(",", ":"))
