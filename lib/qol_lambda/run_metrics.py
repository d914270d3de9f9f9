"""A metric of a run that it cannot print itself: one that was killed or went over its time prints nothing at its end."""

from __future__ import annotations

import json
from datetime import datetime

#: As `qol.glue.emf` has it, which no Lambda zip can reach.
NAMESPACE = "QoLLake"
FAILED_RUNS = "failed_runs"


def count_bad_end(job: str, run_id: str, state: str, now: datetime) -> None:
    """Print one line that CloudWatch turns into `failed_runs` of the job; run and state are properties to search for."""
    metrics = [{"Name": FAILED_RUNS, "Unit": "Count"}]
    directive = {"Namespace": NAMESPACE, "Dimensions": [["job"]], "Metrics": metrics}
    metadata = {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    line = {"_aws": metadata, "job": job, FAILED_RUNS: 1, "job_run_id": run_id, "state": state}
    print(json.dumps(line, separators=(",", ":")), flush=True)  # noqa: T201 (CloudWatch reads it from there)
