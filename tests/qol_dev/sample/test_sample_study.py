"""The study: who has which device, one id per person over all of them, rooms, and questionnaires."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from qol.errors import UsageError
from qol_dev.sample import CORE, SampleOptions, write_sample
from qol_dev.sample.world import World

from .conftest import EVERYTHING, Lake, content

#: Of everything in raw/ and the map, as the sample wrote it when it knew five record types only.
FIVE_TYPES = "9ac6fd56c5c313f75b3c6902ed2aff99a3586feefa00c830c52cb530ffeb84cd"


def test_the_five_garmin_types_alone_are_the_bytes_they_always_were(tmp_path: Path) -> None:
    write_sample(tmp_path, SampleOptions(users=4, weeks=1, end="2026-W46", seed=11, sources=CORE))
    files = sorted(p for p in tmp_path.rglob("*.jsonl*") if "-again" not in p.name)
    assert hashlib.sha256(b"".join(map(content, files))).hexdigest() == FIVE_TYPES


def test_of_twenty_people_most_have_a_watch_some_a_ring_some_both(everything: Lake) -> None:
    assert everything.summary.people == 20
    devices = World.of(EVERYTHING).devices
    counts = {name: int(getattr(devices, name).sum()) for name in ("garmin", "oura", "apple", "export", "survey")}
    assert counts == {"garmin": 14, "oura": 4, "apple": 4, "export": 1, "survey": 10}
    assert int((devices.garmin & devices.oura).sum()) == 2
    assert devices.garmin[0]


@pytest.mark.parametrize("sources", [("oura",), ("healthkit", "survey"), ("sensor",), ("survey",), ("garmin", "oura")])
def test_without_a_source_its_people_have_another_device(tmp_path: Path, sources: tuple[str, ...]) -> None:
    made = write_sample(tmp_path, SampleOptions(users=12, weeks=2, seed=5, sources=sources))
    folders = {"daily": "garmin"}
    assert {folders.get(p.name, p.name) for p in (tmp_path / "raw").iterdir()} == set(sources)
    assert made.lines > 0
    if "sensor" not in sources:
        assert made.people >= 10


@pytest.mark.parametrize(("sources", "found"), [(("fitbit",), "fitbit"), ((), "none")])
def test_unknown_sources_are_refused(sources: tuple[str, ...], found: str) -> None:
    with pytest.raises(UsageError, match=f"sample sources: found {found}; allowed: garmin, oura, healthkit, sensor"):
        SampleOptions(sources=sources)


def test_one_source_s_lines_do_not_depend_on_the_others_being_there(tmp_path: Path) -> None:
    for name, sources in (("alone", ("garmin", "oura", "healthkit")), ("all", EVERYTHING.sources)):
        write_sample(tmp_path / name, SampleOptions(users=6, weeks=1, seed=2, sources=sources))
    for source in ("daily", "garmin", "oura", "healthkit"):
        found = [
            {
                p.relative_to(tmp_path / name): p.read_bytes()
                for p in (tmp_path / name / "raw" / source).rglob("*.jsonl*")
            }
            for name in ("alone", "all")
        ]
        assert found[0] == found[1] != {}


def test_every_vendor_s_id_of_a_person_leads_to_one_id_of_the_study(everything: Lake) -> None:
    ids = defaultdict(set)
    for entry in everything.user_map:
        ids[entry["user_id"]].add(entry["source"])
    assert {"garmin", "oura"} in ids.values() or {"garmin", "oura", "survey"} in ids.values()
    known = {(e["source"], e["vendor_user_id"]) for e in everything.user_map}
    seen = {("oura", line["user_id"]) for line in everything.bodies("oura") if "user_id" in line}
    seen |= {("healthkit", line["user_id"]) for line in everything.bodies("healthkit") if "user_id" in line}
    seen |= {("survey", line["user_id"]) for line in everything.bodies("survey") if "user_id" in line}
    assert seen <= known


def test_a_room_is_somebody_s_from_one_day_to_another(everything: Lake) -> None:
    rooms = [entry for entry in everything.user_map if entry["source"] == "sensor"]
    assert len({entry["vendor_user_id"] for entry in rooms}) == 2
    assert all("2026-10-19" <= entry["from"] <= entry["to"] <= "2026-11-15" for entry in rooms)
    spans = sorted((entry["vendor_user_id"], entry["from"], entry["to"]) for entry in rooms)
    handed_on = [(first, second) for first, second in pairwise(spans) if first[0] == second[0]]
    assert [(first[2], second[1]) for first, second in handed_on] == [("2026-11-01", "2026-11-02")]
    people = {entry["user_id"] for entry in everything.user_map if entry["source"] != "sensor"}
    assert {entry["user_id"] for entry in rooms} <= people


@pytest.fixture(scope="session")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    root = tmp_path_factory.mktemp("sample") / "rooms"
    return Lake(root, write_sample(root, SampleOptions(users=40, weeks=2, sources=("sensor",))))


def test_rooms_write_seconds_milliseconds_texts_and_typed_values(rooms: Lake) -> None:
    lines = [line for line in rooms.bodies("sensor") if "timestamp" in line]
    kinds = Counter(
        type(t).__name__ if not isinstance(t, int) else "ms" if t > 10**11 else "s"
        for t in (line["timestamp"] for line in lines)
    )
    assert set(kinds) == {"s", "ms", "str", "dict"}
    assert all(set(line["timestamp"]) == {"N"} for line in lines if isinstance(line["timestamp"], dict))


def test_sensors_fail_in_all_known_ways_and_rarely(rooms: Lake) -> None:
    plain = [line for line in rooms.bodies("sensor") if not isinstance(line.get("temperature", {}), dict)]
    found = Counter(str(line["temperature"]) for line in plain)
    assert {"-127.0", "85.0", "NaN", "0.0", "None"} <= set(found)
    assert sum(found[sign] for sign in ("-127.0", "85.0", "NaN", "0.0", "None")) < 0.02 * len(plain)
    sound = [line["temperature"] for line in plain if isinstance(line["temperature"], float) and line["status"] == "ok"]
    assert sum(15 < t < 32 for t in sound) > 0.99 * len(sound)


def test_questionnaires_come_every_second_week_in_columns_and_lists(everything: Lake) -> None:
    forms = [line for line in everything.bodies("survey") if "instrument" in line]
    assert {form["administered_at"][:10] for form in forms} == {"2026-10-25", "2026-11-01", "2026-11-08", "2026-11-15"}
    evenings = defaultdict(set)
    for form in forms:
        evenings[form["user_id"]].add(form["administered_at"][:10])
    assert max(len(days) for days in evenings.values()) == 2
    assert {form["instrument"] for form in forms} == {"WHOQOL-BREF"}
    assert {"answers" in form for form in forms} == {True, False}
    for form in forms:
        items = (
            [a["item"] for a in form["answers"]] if "answers" in form else [n for n in range(1, 27) if f"q{n}" in form]
        )
        assert items == list(range(1, 27))


def test_answers_are_numbers_texts_or_missing_and_one_language_is_reversed_already(tmp_path: Path) -> None:
    options = SampleOptions(users=30, weeks=4, seed=7, sources=("survey",))
    lake = Lake(tmp_path, write_sample(tmp_path, options))
    forms = [line for line in lake.bodies("survey") if "instrument" in line]
    answers = {json.dumps(form[f"q{n}"]) for form in forms for n in range(1, 27) if f"q{n}" in form}
    assert answers >= {"3", '"3"', "null", '""', "0", "9", "99"}
    assert {form["language"] for form in forms if form["pre_reversed"]} == {"pl"}
    assert Counter(form["pre_reversed"] for form in forms)[False] > 20
