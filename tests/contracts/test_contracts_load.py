"""What a loaded contract holds: everything resolved, nothing left to look up."""

import json
from pathlib import Path

import pytest

from qol.contracts.fields import SampleRule
from qol.contracts.load import default_root, load_contracts
from qol.contracts.many_records import Episodes, Rank
from qol.contracts.model import Contracts
from qol.contracts.rules import Ping
from qol.contracts.source import DayRule
from qol.errors import UsageError

PROJECT = Path(__file__).parents[2]


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


def test_a_field_carries_its_range_and_its_numbers_for_no_value(contracts: Contracts) -> None:
    field = contracts.by_name["garmin_dailies"].by_name["max_stress_level"]

    assert (field.low, field.high, field.sentinels, field.column_type) == (1, 100, (-1, 0), "bigint")


def test_samples_become_a_rule(contracts: Contracts) -> None:
    stress = contracts.by_name["garmin_stressDetails"].by_name["low_minutes"]
    levels = contracts.by_name["garmin_sleeps"].by_name["levels_end_seconds"]

    assert stress.samples == SampleRule(
        reduce="minutes", range=(0, 100), states_low=-5, within=(26, 50), seconds_each=180
    )
    assert levels.samples == SampleRule(
        reduce="max", range=(1262304000, 4102444800), of="endTimeInSeconds", keys=("deep", "light", "rem", "awake")
    )


def test_day_rule_and_episodes_name_columns(contracts: Contracts) -> None:
    sleeps = contracts.by_name["garmin_sleeps"]

    assert sleeps.day == DayRule(date="calendar_date", start="start_time_seconds", offset="start_time_offset_seconds")
    assert sleeps.episodes == Episodes(
        start="start_time_seconds",
        end="end_seconds",
        rank=Rank(
            field="validation",
            tiers=(
                ("OFF_WRIST",),
                ("AUTO_TENTATIVE", "ENHANCED_TENTATIVE"),
                ("DEVICE", "AUTO_FINAL", "ENHANCED_FINAL", "AUTO_MANUAL", "MANUAL"),
            ),
            unlisted=0,
        ),
        main="sleep_minutes",
        rest_to="nap_minutes",
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


def test_a_weekly_group_knows_its_valid_day(contracts: Contracts) -> None:
    rules = {g.name: (g.anchor, g.needs_wear, g.min_valid_days) for g in contracts.groups}

    assert rules == {
        "activity": (("steps",), True, 4),
        "heart": (("resting_hr_bpm", "hrv_rmssd_ms", "hrv_sdnn_ms"), True, 4),
        "sleep": (("sleep_minutes",), False, 3),
        "stress": (("stress_mean", "recovery_high_minutes"), True, 4),
        "respiration": (("spo2_mean_pct", "respiration_mean_brpm"), False, 4),
        "body": ((), False, 1),
        "fitness": ((), False, 1),
        "temperature": ((), False, 1),
        "blood_pressure": ((), False, 1),
        "score": ((), False, 1),
        "environment": (("temperature_mean_c", "humidity_mean_pct"), False, 1),
        "survey": ((), False, 1),
    }


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
