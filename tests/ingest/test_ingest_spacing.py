"""Records of one list know how far it is to the next; a record that is alone does not."""

import json
from typing import Any

import pytest

from qol.ingest.spacing import spacings
from tests.builders import CONTRACTS

from .feed import feed

EXPORT = CONTRACTS.by_name["healthkit_health_auto_export"]


def at(clock: str, source: str | None = "Watch") -> dict[str, Any]:
    return {"date": f"2026-11-09 {clock} +0900", "source": source}


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ([at("08:00:00")], {}),
        ([at("08:00:00"), at("08:05:00"), at("08:10:00")], {0: 300, 1: 300, 2: 300}),
        ([at("08:00:00"), at("09:00:00"), at("12:00:00")], {0: 3600, 1: 3600, 2: 3600}),
        ([at("08:00:30"), at("08:02:30"), at("08:03:00"), at("11:00:00")], {0: 120, 1: 30, 2: 120, 3: 120}),
        ([at("08:10:00"), at("08:00:00"), at("08:05:00")], {0: 300, 1: 300, 2: 300}),
        ([at("08:00:00"), at("08:01:30", "Phone"), at("08:05:00")], {0: 300, 2: 300}),
        ([at("08:00:00", None), at("08:05:00", None)], {0: 300, 1: 300}),
        ([at("08:00:00"), at("08:00:00"), at("08:05:00")], {0: 300, 1: 300, 2: 300}),
        ([at("08:00:00"), {"source": "Watch"}, {"date": "soon", "source": "Watch"}, 7], {}),
    ],
    ids=["alone", "even", "gaps", "uneven", "any order", "sources", "no source", "twice", "unusable"],
)
def test_the_spacing_is_to_the_next_of_the_source_and_at_most_the_median(
    elements: list[Any], expected: dict[int, int]
) -> None:
    assert spacings(EXPORT, elements) == expected


def test_only_records_of_the_contract_have_a_spacing() -> None:
    rows = [at("08:00:00") | {"qty": 1}, at("08:05:00") | {"qty": 2}]
    metrics = [{"name": name, "units": "count", "data": rows} for name in ("step_count", "sleep_analysis")]
    fed = feed(json.dumps({"user_id": "u1", "data": {"metrics": metrics}}).encode(), record=EXPORT.name)
    assert [row.get("spacing_seconds") for row in fed.rows] == [300, 300, None, None]
    assert fed.issues == {}
