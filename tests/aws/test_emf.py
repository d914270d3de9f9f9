"""One EMF line: metrics with units, dimensions, properties, and the one namespace that alarms watch."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qol.aws.emf import NAMESPACE, emf_line

NAMES = Path(__file__).parents[2] / "terraform" / "names.tf"


def test_a_line_holds_metrics_dimensions_and_properties(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "a function, which is no dimension of the job's metrics")
    at = datetime(2026, 11, 18, 0, 20, tzinfo=UTC)
    line = emf_line({"job": "etl"}, {"rows": (7, "Count"), "seconds": (1.5, "Seconds")}, {"week": None}, at)
    assert "\n" not in line
    assert json.loads(line) == {
        "_aws": {
            "Timestamp": 1_794_961_200_000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "QoLLake",
                    "Dimensions": [["job"]],
                    "Metrics": [{"Name": "rows", "Unit": "Count"}, {"Name": "seconds", "Unit": "Seconds"}],
                }
            ],
        },
        "job": "etl",
        "rows": [7.0],
        "seconds": [1.5],
        "week": None,
    }


def test_alarms_watch_the_namespace_of_the_metrics() -> None:
    found = re.findall(r'metrics_namespace *= "(\w+)"', NAMES.read_text(encoding="utf-8"))
    assert found == [NAMESPACE]
