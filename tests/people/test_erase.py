"""`qol erase`: nothing of the person is left in any layer, and the rows of all others are as they were."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from qol.collect.tokens import TokenFile
from qol.collect.watermarks import PersonState, read_state, update_state
from qol.errors import UsageError
from qol.identity.erasures import Tombstone, read_tombstones, write_tombstone
from qol.identity.roster import roster_of_map
from qol.identity.user_map import read_user_map
from qol.lake import LocalLake
from qol.people.erase import Erasure
from qol.people.person import read_people
from qol.tables.manifest import RawObjects
from tests.builders import CONTRACTS, KEY, NO_USER_MAP, run_lake, user_id, write_lines
from tests.collect.conftest import write_tokens
from tests.people.erasing import LATER, erase, erasure, files, lake_of_three, people_of, rejects, rows, sent, traces

pytestmark = pytest.mark.usefixtures("no_gate")


def test_after_an_erasure_nothing_of_the_person_is_left_and_others_rows_are_as_they_were(tmp_path: Path) -> None:
    lake, user_map = lake_of_three(tmp_path), tmp_path / "map.jsonl"
    before, found = rows(lake), erasure(LocalLake(lake), user_map).find()
    assert len(traces(files(tmp_path))) > 10
    assert rejects(lake) == [
        ("missing_key", 5, 0), ("missing_key", 6, 0), ("missing_key", 7, 0), ("not_json", 2, 0), ("not_json", 3, 0),
        ("not_json", 4, 0), ("unknown_record", 1, 6), ("unknown_record", 1, 7), ("unknown_record", 1, 8),
    ]  # fmt: skip
    certificate = erase(LocalLake(lake), user_map)
    assert {layer: number for layer, number in certificate.removed.items() if number} == {
        "raw items": 14, "raw objects": 4, "rejects": 3, "records_garmin_dailies": 7, "records_garmin_sleeps": 1,
        "daily_metrics": 7, "weekly_metrics": 1, "objects_read": 3, "unparsable bodies": 1, "names of raw objects": 1,
        "files that name users": 1, "user map entries": 1,
    }  # fmt: skip
    assert found.remaining == {**certificate.removed, "names of raw objects": 0}
    assert (certificate.is_clean, certificate.tombstone.finished) == (True, "2026-11-19T00:00:00Z")
    [stored] = read_tombstones(LocalLake(lake))
    assert stored.found == dict.fromkeys(certificate.removed, 0)
    assert traces(files(tmp_path)) == []
    assert rows(lake) == before
    assert rejects(lake) == [
        ("missing_key", 6, 0), ("missing_key", 7, 0), ("not_json", 3, 0), ("not_json", 4, 0),
        ("unknown_record", 1, 7), ("unknown_record", 1, 8),
    ]  # fmt: skip
    assert (lake / "_reports/raw_gaps/date=2026-11-18/raw_gaps.csv").read_text() == "user_id,days\nP-ben,2\n"


def test_runs_rebuilds_and_backfills_after_an_erasure_keep_the_person_out_until_it_is_lifted(tmp_path: Path) -> None:
    lake, user_map = lake_of_three(tmp_path), tmp_path / "map.jsonl"
    before = rows(lake)
    erase(LocalLake(lake), user_map)
    [tombstone] = (lake / "_erasures").glob("*.json")
    tombstone.write_text(json.dumps(json.loads(tombstone.read_text()) | {"word_of_another_version": 1}))
    again = read_user_map(user_map)
    table = lake / "_objects/date=2026-11-17/part-00000.parquet"
    assert pl.read_parquet(table).height == 0
    assert run_lake(lake, user_map=again).totals["kept"] == 16
    assert rows(lake) == before
    assert pl.read_parquet(table)["kept", "erased"].sum().rows() == [(16, 0)]
    assert run_lake(lake, user_map=again).raw_objects == RawObjects("objects_read", 0, 0, passed_over=2)
    write_lines(
        lake,
        "2026-11-18",
        [sent("anna", 3), sent("ben", 3, steps=5), b'{"userId":"v-anna", CANARY-anna'],
        name="late.jsonl",
    )
    ways: list[dict[str, Any]] = [
        {},
        {"rebuild": (date(2026, 11, 9), date(2026, 11, 9))},
        {"backfill": (date(2026, 11, 1), date(2026, 11, 19))},
    ]
    for how in ways:
        manifest = run_lake(lake, user_map=again, **how)
        assert manifest.totals.get("erased") == (None if how else 2)
        assert traces(files(tmp_path)) == []
    assert erasure(LocalLake(lake), user_map, "garmin:v-anna").find().is_clean
    erasure(LocalLake(lake), user_map, "garmin:v-anna").lift()
    with pytest.raises(UsageError, match="no erasure of this person is in force"):
        erasure(LocalLake(lake), user_map).lift()
    write_lines(lake, "2026-11-18", [sent("anna", 3)], name="consent.jsonl")
    assert run_lake(lake, user_map=again).totals["kept"] == 1


def test_a_rebuild_leaves_out_published_rows_of_a_person_whose_erasure_was_interrupted(tmp_path: Path) -> None:
    lake, user_map = lake_of_three(tmp_path), tmp_path / "map.jsonl"
    write_lines(lake, "2026-11-18", [sent("anna", 9)])  # a week of hers alone
    run_lake(lake, user_map=read_user_map(user_map))
    before, tombstone = rows(lake), Tombstone("0" * 32, "2026-11-18T00:00:00Z")
    tombstone.add(people_of(LocalLake(lake), user_map).person("P-anna").erased)
    write_tombstone(LocalLake(lake), tombstone)
    run_lake(lake, user_map=read_user_map(user_map), rebuild=(date(2026, 11, 9), date(2026, 11, 16)))
    assert rows(lake) == before
    assert traces({key: data for key, data in files(lake).items() if key.startswith("processed/")}) == []


def test_a_tombstone_has_keyed_hashes_alone_and_a_second_erasure_finds_the_first(tmp_path: Path) -> None:
    lake, user_map = lake_of_three(tmp_path), tmp_path / "map.jsonl"
    erase(LocalLake(lake), user_map)
    assert not any(erase(LocalLake(lake), user_map, "garmin:v-anna").removed.values())
    [tombstone] = read_tombstones(LocalLake(lake))
    assert (tombstone.asked_by, len(tombstone.users), len(tombstone.ids)) == ("participant", 2, 1)
    lines = [json.loads(line) for line in user_map.read_text().splitlines()]
    assert [line["user_id"][:7] for line in lines] == ["P-ben", "erased-"]
    assert list(roster_of_map(LocalLake(lake), read_user_map(user_map), KEY.decode())) == ["P-ben"]


def test_an_id_that_the_lake_does_not_know_leaves_no_tombstone(tmp_path: Path) -> None:
    lake, user_map = lake_of_three(tmp_path), tmp_path / "map.jsonl"
    with pytest.raises(UsageError, match="the lake holds nothing on this id"):
        erase(LocalLake(lake), user_map, "P-ana")
    assert read_tombstones(LocalLake(lake)) == []


def test_an_id_within_other_text_goes_where_the_item_has_no_id_of_another_user(tmp_path: Path) -> None:
    lake, user_map = lake_of_three(tmp_path), tmp_path / "map.jsonl"
    forms = [
        b'{"userId": "v-anna, "steps": 1}',
        b"{userId:v-anna, steps: 1}",
        b'{"callbackURL": "https://vendor/day?user=v-anna", "steps": 1',
        '{"userId": "v-anna"'.encode("utf-16-le"),
        b'{"odd": {"v-anna": {"steps": 5}}}',
        b'{"dailies": [{"link": "https://vendor/v-anna/day", "steps": 5}]}',
    ]
    write_lines(lake, "2026-11-17", forms, name="forms.jsonl")
    for number, form in enumerate(forms):
        write_lines(lake, "2026-11-17", [form], folder="quarantine/bodies", name=f"form-{number}")
    run_lake(lake, user_map=read_user_map(user_map))
    removed = erase(LocalLake(lake), user_map).removed
    assert (removed["unparsable bodies"], (lake / "raw/daily/date=2026-11-17/forms.jsonl").exists()) == (7, False)
    assert traces(files(tmp_path)) == []
    write_lines(lake, "2026-11-18", forms, name="v-anna.jsonl")
    assert run_lake(lake, user_map=read_user_map(user_map)).totals["erased"] == 6
    assert erasure(LocalLake(lake), user_map, "garmin:v-anna").find().is_clean
    assert traces(files(tmp_path)) == []


def test_a_device_that_another_user_has_later_stays_in_the_map_for_them_alone(tmp_path: Path) -> None:
    lake, user_map = tmp_path / "lake", tmp_path / "map.jsonl"
    entry = {"source": "sensor", "vendor_user_id": "room-1"}
    entries = [
        {**entry, "user_id": "P-anna", "to": "2026-11-16"},
        {**entry, "user_id": "P-ben", "from": "2026-11-17"},
    ]
    user_map.write_text("".join(json.dumps(one) + "\n" for one in entries))
    noons = [(day - date(1970, 1, 1)).days * 86_400 for day in (date(2026, 11, 16), date(2026, 11, 17))]
    readings = [{"device_id": "room-1", "timestamp": noon, "temperature": 21.5, "humidity": 40} for noon in noons]
    write_lines(lake, "2026-11-17", readings, folder="raw/sensor/readings")
    run_lake(lake, user_map=read_user_map(user_map))
    with pytest.raises(UsageError, match="a device of sensor with 2 users; allowed: a user_id"):
        people_of(LocalLake(lake), user_map).person("sensor:room-1")
    assert erase(LocalLake(lake), user_map).removed["user map entries"] == 1
    assert json.loads(user_map.read_text().splitlines()[1]) == entries[1]
    assert run_lake(lake, user_map=read_user_map(user_map)).totals["kept"] == 1
    assert people_of(LocalLake(lake), user_map).person("sensor:room-1").user_ids[0] == "P-ben"


@pytest.mark.parametrize("named", ["oura:o-anna", "hash of it"])
def test_what_collecting_keeps_of_the_person_goes_too(tmp_path: Path, named: str) -> None:
    lake, page = LocalLake(tmp_path / "lake"), {"data": [{"id": "a", "day": "2026-11-16", "score": 77}]}
    pages = [{**page, "user_id": who} for who in ("o-anna", "o-ben")]
    write_lines(tmp_path / "lake", "2026-11-17", pages, folder="raw/oura/daily_sleep")
    days = PersonState({"daily_sleep": date(2026, 11, 17)})
    update_state(lake, "oura", lambda state: state.persons.update({"o-anna": days, "o-ben": days}))
    tokens = write_tokens(tmp_path / "tokens", "o-anna", "o-ben")
    people = read_people(lake, CONTRACTS, KEY, lambda: NO_USER_MAP)
    person = people.person(user_id("o-anna", "oura") if named == "hash of it" else named)

    certificate = Erasure(lake, people, person, "Asia/Tokyo", LATER, tokens=str(tokens)).run()

    removed = {name: certificate.removed[name] for name in ("raw items", "collected days", "tokens")}
    assert (removed, certificate.is_clean) == ({"raw items": 1, "collected days": 1, "tokens": 1}, True)
    assert [name for name, data in files(tmp_path).items() if b"o-anna" in data] == []
    assert (list(read_state(lake, "oura").persons), TokenFile(tokens).users()) == (["o-ben"], ["o-ben"])
