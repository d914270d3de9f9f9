"""`qol contracts new` begins a contract from sample lines, and `check` accepts it once its gaps are filled in."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.builders import copy_contracts
from tests.command_line import Ended, Qol

WEIGHING = {
    "userId": "tanaka-77",
    "id": "w-8173301",
    "measuredAt": 1_794_200_000,
    "utcOffset": 32_400,
    "grams": 75_450,
    "accessToken": "tok-9f8e7d",
    "note": "felt sick",
    "device": {"owner": "suzuki-78", "model": "S2", "serial": "99123", "lat": 35.68},
    "state": "STABLE",
}
LATER = {
    "userId": "tanaka-77",
    "id": "w-2",
    "measuredAt": 1_794_286_400,
    "grams": "75480",
    "bodyFat": 21.5,
    "manual": True,
}
WALK = {
    "device": {"owner": "u-8812"},
    "interval": {"begin": "2026-11-09T08:00:00+09:00"},
    "zone": "Asia/Tokyo",
    "summary": {"steps": 4200, "day": "2026-11-09"},
    "values": [{"kind": "hr", "value": 96}, {"kind": "cadence", "value": 110}],
    "stages": [{"stage": "fast", "start": 1_794_178_800, "end": 1_794_180_000}],
    "heart": {"0": 90, "60": 95, "120": 99, "180": 90},
    "updatedAt": "2026-11-09T01:00:00Z",
}


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    return copy_contracts(tmp_path / "schemas")


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return tmp_path / "sample.jsonl"


def _write(sample: Path, *documents: Any) -> None:
    sample.write_text("\n".join(map(json.dumps, documents)), encoding="utf-8")


def _new(qol: Qol, schemas: Path, sample: Path, name: str = "newco/weighings", *words: str) -> Ended:
    return qol("contracts", "new", name, "--from", sample, "--schemas", schemas, *words)


def _fill(file: Path) -> None:
    """What an author does: units, ranges and descriptions in the place of the gaps."""
    text = re.sub(r"range: 'fill in: [^']*'", "range: [0, 1000000]", file.read_text(encoding="utf-8"))
    file.write_text(re.sub(r"'fill in: [^']*'", "filled", text), encoding="utf-8")


def test_a_begun_contract_is_refused_for_its_gaps_and_fits_when_they_are_filled_in(
    qol: Qol, schemas: Path, sample: Path
) -> None:
    _write(sample, WEIGHING, LATER)
    file = schemas / "sources/newco/weighings.yaml"

    began = _new(qol, schemas, sample)
    assert (began.code, "with 15 gaps to fill in" in began.out) == (0, True)
    refused = qol("contracts", "check", "--schemas", schemas)
    assert (refused.code, refused.err.count("newco/weighings.yaml"), refused.err.count("found fill in: ")) == (
        2,
        15,
        15,
    )
    _fill(file)
    assert qol("contracts", "check", "--schemas", schemas).out.endswith("all fit.\n")

    said = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert {name: (field["path"], field["type"]) for name, field in said["fields"].items()} == {
        "document_id": ("id", "document_id"),
        "measured_at": ("measuredAt", "epoch_seconds"),
        "utc_offset": ("utcOffset", "integer"),
        "grams": ("grams", "integer"),
        "owner": ("device.owner", "document_id"),
        "model": ("device.model", "code"),
        "serial": ("device.serial", "document_id"),
        "state": ("state", "code"),
        "body_fat": ("bodyFat", "number"),
        "manual": ("manual", "boolean"),
    }
    assert (said["person"], said["drop"], said["key"]) == (["userId"], ["accessToken", "lat", "note"], ["document_id"])
    assert said["day"] == {"start": "measured_at", "offset": "utc_offset"}
    assert [example.get("reject") or example.get("nulled") for example in said["examples"]] == [
        None,
        None,
        ["grams: string wrong_type"],
        "missing_key",
    ]


def test_no_id_secret_or_text_of_the_lines_is_in_the_contract(qol: Qol, schemas: Path, sample: Path) -> None:
    _write(sample, WEIGHING, {**LATER, "laps": [{"of": "sato-79", "m": 400}], "seen": [{"name": "Kato", "value": 3}]})
    _new(qol, schemas, sample)
    text = (schemas / "sources/newco/weighings.yaml").read_text(encoding="utf-8")
    hidden = ["tanaka", "w-8173301", "w-2", "tok-", "sick", "suzuki", "99123", "35.68", "sato", "Kato"]
    assert [word for word in hidden if word in text] == []
    assert "userId: '***'" in text


NIGHT = {
    "userId": "u-1",
    "note": "slept badly",
    "score": 75,
    "stages": [
        {"stage": "deep", "said": "Sato", "start": "2026-11-09T23:10:00+09:00", "end": "2026-11-10T00:10:00+09:00"},
        {"stage": "light", "start": "2026-11-10T00:10:00+09:00", "end": "2026-11-10T05:20:00+09:00"},
    ],
}


def test_a_list_of_stages_gives_the_start_the_end_and_the_day_of_its_record(
    qol: Qol, schemas: Path, sample: Path
) -> None:
    _write(sample, NIGHT)
    assert _new(qol, schemas, sample, "newco/nights").code == 0
    file = schemas / "sources/newco/nights.yaml"
    began = file.read_text(encoding="utf-8")
    assert [word for word in ("u-1", "badly", "Sato") if word in began] == []
    assert _new(qol, schemas, sample, "newco/naps").code == 0  # though the other one still has gaps
    (schemas / "sources/newco/naps.yaml").unlink()
    _fill(file)
    assert qol("contracts", "check", "--schemas", schemas).code == 0
    said = yaml.safe_load(began)
    assert said["day"] == {"start": "stages_start_seconds", "offset": "stages_start_offset_seconds"}
    expected = said["examples"][0]["expect"]
    assert {name: value for name, value in expected.items() if name.startswith("stages_")} == {
        "stages_start_seconds": 1_794_233_400,
        "stages_end_seconds": 1_794_255_600,
        "stages_start_offset_seconds": 32_400,
    }


def test_nested_records_of_an_envelope_have_paths_times_samples_and_intervals(
    qol: Qol, schemas: Path, sample: Path
) -> None:
    _write(sample, {"tracks": [WALK], "_received_at": "2026-11-09T02:00:00Z"})
    assert _new(qol, schemas, sample, "newco/walks").code == 0
    file = schemas / "sources/newco/walks.yaml"
    _fill(file)
    assert qol("contracts", "check", "--schemas", schemas).code == 0

    said = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert {name: (field["path"], field["type"]) for name, field in said["fields"].items()} == {
        "begin": ("interval.begin", "instant"),
        "begin_offset_seconds": ("interval.begin", "utc_offset"),
        "zone": ("zone", "time_zone"),
        "steps": ("summary.steps", "integer"),
        "summary_day": ("summary.day", "date"),
        "values_hr": ("values[kind=hr].value", "integer"),
        "values_cadence": ("values[kind=cadence].value", "integer"),
        "stages": ("stages", "intervals"),
        "heart": ("heart", "number"),
        "updated_at": ("updatedAt", "instant"),
    }
    assert (said["envelope_keys"], said["person"], said["version"]) == (["tracks"], ["device", "owner"], ["updated_at"])
    assert said["day"] == {"date": "summary_day", "start": "begin", "offset": "begin_offset_seconds", "zone": "zone"}
    assert said["examples"][0]["expect"]["stages"] == [480, 500]


def test_a_page_over_several_lines_is_read_too(qol: Qol, schemas: Path, sample: Path) -> None:
    sample.write_text(json.dumps({"data": [WEIGHING, LATER], "next_token": None}, indent=1), encoding="utf-8")
    assert _new(qol, schemas, sample).code == 0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("Newco/weighings", "{}", "Newco/weighings: no name of a contract; allowed: SOURCE/RECORD, each a lower-case"),
        ("weighings", "{}", "weighings: no name of a contract"),
        ("garmim/weighings", "{}", "garmim: almost the source garmin; allowed: garmin/weighings, or another name"),
        ("garmin/hrv", "{}", "hrv.yaml: exists; allowed: a new name, or a removed file"),
        ("newco/weighings", " \n", "the file of --from is empty"),
        ("newco/weighings", '{"a": 1}\n{"userId": ', "line 2 of --from is not usable (not_json)"),
        ("newco/weighings", "7", "no record in the lines"),
        ("newco/weighings", '{"mass": 7, "day": "2026-11-09"}', "no key looks like a person's id; allowed: --person with"),
        ("newco/weighings", '{"userId": "u"}', "no id of its own, time or day in the lines"),
        ("newco/sleeps", '{"userId": "u", "nights": [{"a": 1}]}', "if the records are in a list of the lines: newco/nights"),
        ("newco/weighings", '{"a": [{"x": 1}], "b": [{"x": 1}]}', "the lines are envelopes; allowed: the name of a list in them: a, b"),
        ("garmin/naps", '{"hrv": [{"userId": "u"}]}', "the lines are envelopes of hrv, which sources/garmin/hrv.yaml reads"),
    ],
)  # fmt: skip
def test_what_gives_no_contract_is_told_with_what_would(
    qol: Qol, schemas: Path, sample: Path, name: str, content: str, message: str
) -> None:
    sample.write_text(content, encoding="utf-8")
    ended = _new(qol, schemas, sample, name)
    assert (ended.code, message in ended.err) == (2, True)
    assert not (schemas / "sources/newco").exists()


def test_the_path_of_the_person_can_be_named(qol: Qol, schemas: Path, sample: Path) -> None:
    _write(sample, {"badge": {"nr": 17}, "day": "2026-11-09", "mass": 7})
    assert "--person badge: not in the lines" in _new(qol, schemas, sample, "newco/x", "--person", "badge").err
    assert _new(qol, schemas, sample, "newco/x", "--person", "badge.nr").code == 0
    assert "person: [badge, nr]" in (schemas / "sources/newco/x.yaml").read_text(encoding="utf-8")
