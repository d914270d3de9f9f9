"""Metrics are documents of CloudWatch's embedded metric format: one per set of dimensions, values where they belong."""

import json
from datetime import UTC, datetime
from typing import Any

from qol.glue.run_metrics import emf_lines
from qol.run.job import RunOutcome
from qol.tables.manifest import CheckResult, Manifest, RawObjects, TableFile, Window

AT = datetime(2026, 11, 18, 0, 20, tzinfo=UTC)


def manifest(**changes: Any) -> Manifest:
    plain: dict[str, Any] = {
        "run_id": "20261118T000500Z-1-schedule-ab12", "status": "published", "trigger": "schedule", "job_run_id": "jr_1",
        "now": "2026-11-18T00:05:00Z", "week": "2026-W46", "window": Window("2026-11-05", "2026-11-18"), "engine": "spark",
        "contracts": "f", "raw_objects": RawObjects("objects_read", 1, 10, passed_over=3),
        "totals": {"lines": 10, "rejected": 1, "kept": 7, "superseded": 2},
        "rejects_by_reason": {"not_json": 1},
        "tables": [
            TableFile("weekly_metrics", "2026-11-02", 3, "0" * 64, replaced=False),
            TableFile("weekly_metrics", "2026-11-09", 4, "0" * 64, replaced=True),
        ],
        "checks": [CheckResult("rejected_share", "warning", success=False, observed="4373 of 12475 items, 35 %", message="…")],
        "stages": {"ingest": 1.5}, "lateness": {"records": 9, "p50_days": 1, "p95_days": 4, "max_days": 6},
    }  # fmt: skip
    return Manifest(**(plain | changes))


def documents(job: str, seconds: float, outcome: RunOutcome) -> list[dict[str, Any]]:
    """Documents with plain values: CloudWatch takes a value and a list of values alike."""
    read = [json.loads(line) for line in emf_lines(job, AT, seconds, outcome)]
    return [{name: found[0] if isinstance(found, list) else found for name, found in line.items()} for line in read]


def test_a_run_as_documents_word_by_word() -> None:
    of_run = {"exit_code": 0, "run_id": "20261118T000500Z-1-schedule-ab12", "status": "published", "week": "2026-W46"}
    of_run |= {"trigger": "schedule", "job_run_id": "jr_1"}

    def aws(dimensions: list[str], **units: str) -> dict[str, Any]:
        metrics = [{"Name": name, "Unit": unit} for name, unit in units.items()]
        directive = {"Namespace": "QoLLake", "Dimensions": [dimensions], "Metrics": metrics}
        return {"Timestamp": 1_794_961_200_000, "CloudWatchMetrics": [directive]}

    counts = (
        "raw_objects",
        "raw_objects_passed_over",
        "files_replaced",
        "items",
        "items_rejected",
        "items_kept",
        "items_superseded",
        "checks_failed",
    )
    units = {"run_seconds": "Seconds", "succeeded": "Count", "failed": "Count", **dict.fromkeys(counts, "Count")}
    units |= dict.fromkeys(("lateness_p50_days", "lateness_p95_days", "lateness_max_days"), "None")
    assert documents("qol-weekly-etl", 61.23456, RunOutcome(manifest(), 0)) == [
        {
            "_aws": aws(["job"], **units), "job": "qol-weekly-etl", "run_seconds": 61.235, "succeeded": 1, "failed": 0,
            "raw_objects": 1, "raw_objects_passed_over": 3, "files_replaced": 1, "items": 10, "items_rejected": 1, "items_kept": 7,
            "items_superseded": 2, "checks_failed": 1, "lateness_p50_days": 1, "lateness_p95_days": 4,
            "lateness_max_days": 6, **of_run,
        },
        {"_aws": aws(["job", "table"], rows="Count"), "job": "qol-weekly-etl", "table": "weekly_metrics", "rows": 7, **of_run},
        {"_aws": aws(["job", "reason"], rejects="Count"), "job": "qol-weekly-etl", "reason": "not_json", "rejects": 1, **of_run},
        {
            "_aws": aws(["job", "stage"], stage_seconds="Seconds"), "job": "qol-weekly-etl", "stage": "ingest",
            "stage_seconds": 1.5, **of_run,
        },
    ]  # fmt: skip


def test_a_failed_run_counts_as_failed_and_says_nothing_it_does_not_know() -> None:
    known_nothing = manifest(status="failed", totals={}, tables=[], rejects_by_reason={}, stages={}, lateness=None)
    (line,) = documents("job", 1.0, RunOutcome(known_nothing, 1))
    assert (line["failed"], line["succeeded"], line["status"]) == (1, 0, "failed")
    assert not [name for name in line if name.startswith("lateness")]


def test_a_job_that_never_began_has_its_end_alone() -> None:
    (line,) = documents("job", 0.5, RunOutcome(None, 2))
    del line["_aws"]
    assert line == {"job": "job", "run_seconds": 0.5, "succeeded": 0, "failed": 1, "exit_code": 2}
