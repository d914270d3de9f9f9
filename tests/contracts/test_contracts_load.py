"""What a loaded contract holds: everything resolved, nothing left to look up."""

import json
from pathlib import Path

import pytest

from qol.contracts.load import load_contracts
from qol.contracts.model import Contracts
from qol.contracts.roots import default_root
from qol.contracts.rules import Ping
from qol.errors import UsageError
from tests.contracts.conftest import PROJECT


def test_contracts_of_one_source_come_in_order_of_their_priority(contracts: Contracts) -> None:
    garmin = [(c.record, c.priority) for c in contracts.sources if c.source == "garmin"]

    assert garmin[0] == ("dailies", 10)
    assert garmin[1:-1] == sorted((record, 100) for record, _ in garmin[1:-1])
    assert garmin[-1] == ("pulseox", 150)


def test_aliases_become_paths_of_keys(contracts: Contracts) -> None:
    sleeps = contracts.by_name["garmin_sleeps"]

    assert sleeps.by_name["overall_score"].paths == (("overallSleepScore", "value"),)
    assert sleeps.by_name["unmeasurable_seconds"].paths == (
        ("unmeasurableSleepInSeconds",),
        ("unmeasurableSleepDurationInSeconds",),
    )


def test_example_dates_are_iso_text_and_the_raw_record_is_one_json_line(contracts: Contracts) -> None:
    example = contracts.by_name["garmin_userMetrics"].examples[0]

    assert example.arrival == "2026-11-10"
    assert example.raw == (
        '{"userId":"u1","summaryId":"x-5","calendarDate":"2026-11-09","vo2Max":48.0,"vo2MaxCycling":46.5,'
        '"fitnessAge":32,"enhanced":true}'
    )


def test_a_record_is_found_by_its_folder_and_by_its_envelope_key(contracts: Contracts) -> None:
    dailies = contracts.by_name["garmin_dailies"]

    assert contracts.for_path("raw/daily") is dailies
    assert contracts.for_path("raw/garmin/dailies") is dailies
    assert contracts.for_envelope("garmin", "dailies") is dailies
    assert contracts.for_envelope("oura", "dailies") is None


def test_control_messages_and_pings_are_known_per_source(contracts: Contracts) -> None:
    garmin = contracts.source_rules["garmin"]

    assert garmin.control_keys == {
        "deregistrations", "userPermissionsChange", "activityFiles", "mct", "menstrualCycleTracking",
    }  # fmt: skip
    assert garmin.ping == Ping(has="callbackURL", lacks="summaryId")


def test_the_folder_is_named_by_the_environment(schemas: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QOL_SCHEMAS", str(schemas))

    assert load_contracts().root == schemas


def test_without_a_name_the_folder_lies_beside_lib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QOL_SCHEMAS", raising=False)

    assert default_root() == PROJECT / "schemas"


def test_a_folder_without_contracts_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QOL_SCHEMAS", str(tmp_path))

    with pytest.raises(UsageError) as error:
        load_contracts()

    assert str(error.value) == (
        f"no contracts in {tmp_path}; allowed: a folder with metrics/daily.yaml, named by QOL_SCHEMAS"
    )


@pytest.mark.parametrize("schema", sorted((PROJECT / "schemas").glob("*.schema.json")), ids=lambda path: path.name)
def test_every_object_of_a_schema_is_closed_or_a_map_of_described_entries(schema: Path) -> None:
    def objects(node: object) -> list[dict[str, object]]:
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        own = [node] if isinstance(node, dict) and node.get("type") == "object" else []
        return own + [found for child in children for found in objects(child)]

    # The record of an example may be any object.
    open_ones = [o for o in objects(json.loads(schema.read_text())) if o.get("additionalProperties", True) is True]
    assert open_ones == ([{"additionalProperties": True, "type": "object"}] if "source" in schema.name else [])


def test_a_study_without_a_quality_file_is_compared_as_the_product_says(schemas: Path, contracts: Contracts) -> None:
    (schemas / "quality.yaml").unlink()

    assert load_contracts(schemas).quality == contracts.quality
    assert contracts.quality.people.lost_share == 0.3
