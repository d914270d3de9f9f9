"""Words in every place of every record type: those of erased people are nowhere any more, all others stay."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from qol.identity.pseudonyms import Erased
from qol.identity.user_map import read_user_map
from qol.lake import LocalLake
from qol.people.erase import Erasure
from qol.people.person import Person
from tests.builders import CONTRACTS, run_lake
from tests.canaries import CANARY, Canaries, plant
from tests.people.erasing import LATER, files, people_of, readable

pytestmark = pytest.mark.usefixtures("no_gate")


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
    persons = [people.person(owner["user_id"]) for owner in leaving]
    every = Person(
        tuple(user_id for person in persons for user_id in person.user_ids),
        Erased(
            frozenset().union(*(person.erased.users for person in persons)),
            frozenset().union(*(person.erased.ids for person in persons)),
        ),
    )
    before = words(files(lake))
    certificate = Erasure(LocalLake(lake), people, every, "Asia/Tokyo", LATER, str(user_map)).run()
    assert certificate.is_clean
    after = words(files(tmp_path))
    assert sorted(canaries.places[word] for word in after & mine) == []
    assert sorted(canaries.places[word] for word in (before & others) - after) == []
