"""Issues of computed values are found from the metric that they are behind."""

from qol.explain.trace_model import fields_behind, helper_issues
from tests.ingest.wild import AT, contract

SCALES = contract(
    "scales",
    {**AT, "weight": {"path": "w", "type": "integer"}, "fat": {"path": "f", "type": "integer"}},
    derived={"kg": {"value": "weight / 1000", "range": [20, 350]}, "lean": "kg - fat", "other": "fat * 2"},
    daily={"weight_kg": "kg", "lean_kg": "lean"},
)


def test_a_metric_has_the_issues_of_all_helpers_behind_it_and_no_others() -> None:
    assert helper_issues(SCALES, ("weight_kg",)) == {"derived.kg"}
    assert helper_issues(SCALES, ("lean_kg",)) == {"derived.kg", "derived.lean"}
    assert [field.name for field in fields_behind(SCALES, ("lean_kg",))] == ["weight", "fat"]
