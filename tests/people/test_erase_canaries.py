"""Words in every place of every record type: those of erased people are nowhere any more, all others stay."""

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import polars as pl
import pytest
from moto import mock_aws

from qol.identity.pseudonyms import Erased
from qol.identity.user_map import read_user_map
from qol.lake import Lake, LocalLake
from qol.lake.s3 import S3Lake
from qol.people.erase import Erasure
from qol.people.person import People, Person
from tests.builders import CONTRACTS, daily_record, run_lake, user_id, write_lines
from tests.canaries import CANARY, Canaries, plant
from tests.edges import ENVIRONMENT, QUICK, REGION, every_version, make_bucket, upload
from tests.people.erasing import LATER, files, people_of, readable

pytestmark = pytest.mark.usefixtures("no_gate")


#: What arrives of an erased person, planted nowhere else.
LATE_WORD = "CNRYJJJJJ"
#: Words in lines that hold no id.
WITHOUT_ID = {"text", "text in a list"}


def words(objects: Mapping[str, bytes]) -> set[str]:
    text = "\n".join(readable(data).decode(errors="replace") for data in objects.values())
    return {word.upper() for word in CANARY.findall(text)}


def words_by_line(lake: Path, ids: set[str]) -> tuple[set[str], set[str]]:
    """Words of raw lines that hold one of the ids, and words of all other lines."""
    mine, others = set[str](), set[str]()
    for file in (lake / "raw").rglob("*.jsonl"):
        for line in file.read_text().splitlines() if file.is_file() and not file.is_symlink() else ():
            is_mine = not ids.isdisjoint(re.findall(r'"((?:[^"\\]|\\.)*)"', line))
            (mine if is_mine else others).update(word.upper() for word in CANARY.findall(line))
    return mine, others


def person_of_all(people: People, user_ids: list[str]) -> Person:
    """One person of many, as each erasure reads the whole lake."""
    persons = [people.person(user_id) for user_id in user_ids]
    hashes = [(person.erased.users, person.erased.ids) for person in persons]
    users, ids = (frozenset().union(*one) for one in zip(*hashes, strict=True))
    devices = {name: owners for person in persons for name, owners in person.erased.devices.items()}
    return Person(tuple(user_id for person in persons for user_id in person.user_ids), Erased(users, ids, devices))


@pytest.mark.acceptance
def test_no_word_of_an_erased_person_is_anywhere_and_every_other_word_stays(tmp_path: Path) -> None:
    lake, user_map, canaries = tmp_path / "lake", tmp_path / "map.jsonl", Canaries()
    lake.mkdir()
    owners: list[dict[str, Any]] = plant(lake, CONTRACTS, canaries)
    unique = list({(owner["source"], owner["vendor_user_id"]): owner for owner in owners}.values())
    unique = [owner for owner in unique if owner["source"] != "sensor"]
    user_map.write_text("".join(json.dumps(owner) + "\n" for owner in unique))
    run_lake(lake, user_map=read_user_map(user_map))
    leaving = unique[::2]
    mine, others = words_by_line(lake, {owner["vendor_user_id"] for owner in leaving})
    assert (len(mine) > 2_000, len(others) > 2_000) == (True, True)
    people = people_of(LocalLake(lake), user_map)
    every = person_of_all(people, [owner["user_id"] for owner in leaving])
    before = words(files(lake))
    certificate = Erasure(LocalLake(lake), people, every, "Asia/Tokyo", LATER, str(user_map)).run()
    assert certificate.is_clean
    after = words(files(tmp_path))
    assert sorted(canaries.places[word] for word in after & mine) == []
    assert sorted(canaries.places[word] for word in (before & others) - after) == []


@pytest.fixture(params=["folder", "bucket"])
def edge(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], Lake]]:
    """Opens a folder as a lake: there, or in a bucket that keeps versions, which holds the folder's files then."""
    if request.param == "folder":
        yield LocalLake
        return
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        client = make_bucket("people", keeps_versions=True)

        def open_bucket(folder: Path) -> Lake:
            upload(client, "people", folder)
            return S3Lake("people", policy=QUICK)

        yield open_bucket


def all_of(lake: Lake) -> dict[str, bytes]:
    """All that a lake holds, old versions too."""
    if isinstance(lake, S3Lake):
        return every_version(boto3.client("s3", region_name=REGION), "people")
    return {stored.key: lake.read(stored.key) for stored in lake.walk("") if not stored.is_link}


def rows_of(lake: Lake, user_ids: set[str]) -> dict[str, list[dict[str, Any]]]:
    """Published rows of users by file."""
    tables = {one.key: pl.read_parquet(io.BytesIO(lake.read(one.key))).to_dicts() for one in lake.walk("processed/")}
    return {key: [row for row in rows if row["user_id"] in user_ids] for key, rows in tables.items()}


@pytest.mark.acceptance
def test_two_hundred_people_leave_no_byte_and_eight_hundred_others_every_value(
    edge: Callable[[Path], Lake], tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    folder, user_map, canaries = tmp_path / "lake", tmp_path / "map.jsonl", Canaries()
    folder.mkdir()
    owners: list[dict[str, Any]] = plant(folder, CONTRACTS, canaries)
    owners = [*{(one["source"], one["vendor_user_id"]): one for one in owners}.values()]
    assert len(owners) > 200
    days = [daily_record(f"o{number}", day, steps=number) for number in range(800) for day in (0, 1)]
    shared = next((folder / "raw/daily").rglob("hanako_*.jsonl"))  # others' lines among theirs
    shared.write_bytes(shared.read_bytes() + b"".join(json.dumps(one).encode() + b"\n" for one in days))
    body = write_lines(
        folder, "2026-11-17", [f"{owners[0]['vendor_user_id']} no JSON".encode()], folder="quarantine/bodies"
    )
    assert body.is_file()
    named = [{"source": "garmin", "vendor_user_id": f"o{number}", "user_id": f"Q{number:04d}"} for number in range(400)]
    user_map.write_text("".join(json.dumps(one) + "\n" for one in (*named, *owners)))
    others = {one["user_id"] for one in named} | {user_id(f"o{number}") for number in range(400, 800)}
    lake = edge(folder)
    run_lake(lake, user_map=read_user_map(user_map))
    before = rows_of(lake, others)
    assert sum(map(len, before.values())) == 800 * (2 + 2 + 1)  # records, days, a week
    people = people_of(lake, user_map)
    leaving = person_of_all(people, [one["user_id"] for one in owners])
    gone = {word for one in owners for word in CANARY.findall(one["vendor_user_id"])}
    assert gone <= words(all_of(lake))
    erasure = Erasure(lake, people, leaving, "Asia/Tokyo", LATER, str(user_map))
    assert erasure.run().is_clean
    in_names = {word for word, place in canaries.places.items() if place.startswith("name of ")}
    left = words({**all_of(lake), "map": user_map.read_bytes()}) - in_names
    assert {canaries.places[word].partition(": ")[2] for word in left} <= WITHOUT_ID
    assert rows_of(lake, others) == before
    late = {**days[0], "userId": owners[0]["vendor_user_id"], "note": LATE_WORD}
    arrived = write_lines(folder, "2026-11-17", [late], name="later.jsonl")
    if isinstance(lake, S3Lake):
        lake.put_any(str(arrived.relative_to(folder)), arrived.read_bytes())
    manifest = run_lake(lake, user_map=read_user_map(user_map))
    assert manifest.totals["erased"] == 1
    assert words(all_of(lake)) & (gone | {LATE_WORD}) == set()
    assert rows_of(lake, others) == before
    assert not CANARY.findall(repr(manifest) + caplog.text + "".join(capfd.readouterr()))
