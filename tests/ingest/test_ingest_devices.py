"""Devices that change hands: a reading is of whoever had the device on its day, and of nobody else."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qol.contracts.rules import SourceRules
from qol.identity.user_map import UserMap
from tests.identity.test_user_map_periods import FROM_MONDAY, FROM_WEDNESDAY, TO_SUNDAY, line, read

from .feed import Fed, both_readers, feed
from .wild import WILD, contract

READING = contract("reading", {"at": {"path": "at", "type": "epoch_seconds"}}, person=["device"], day={"start": "at"})
ROOMS = replace(WILD, sources=(READING,), source_rules={"wild": SourceRules(source="wild", people_by_day=True)})
#: 2026-11-09T00:00 in Tokyo.
MONDAY = 1_794_150_000
HOUR, DAY = 3_600, 86_400


def fed(user_map: UserMap, at: int = MONDAY, device: str = "d1", **how: Any) -> Fed:
    text = json.dumps({"device": device, "at": at}).encode()
    how = {"arrival": "2026-11-20", "contracts": ROOMS, "known": user_map.known, "owners": user_map.owners, **how}
    return feed(text, "wild_reading", **how)


@both_readers
@pytest.mark.parametrize(
    ("at", "user"),
    [
        (MONDAY - 1, "P1"),
        (MONDAY, "P2"),
        (MONDAY + 2 * DAY - 1, "P2"),
        (MONDAY + 2 * DAY, "P1"),
        (MONDAY + 9 * DAY, "P1"),
    ],
)
def test_a_reading_is_of_whoever_has_the_device_that_day(tmp_path: Path, at: int, user: str, fast: bool) -> None:
    row = fed(read(tmp_path, TO_SUNDAY, FROM_MONDAY, FROM_WEDNESDAY), at, fast=fast).row
    assert (row["user_id"], row["day_rule"]) == (user, "zone")


def test_the_day_is_that_of_the_owners_own_zone(tmp_path: Path) -> None:
    berlin = line(user="P3", timezone="Europe/Berlin", **{"from": "2026-11-09"})
    user_map = read(tmp_path, line(timezone="Asia/Tokyo", to="2026-11-08"), berlin)
    assert fed(user_map, MONDAY - 1).row["user_id"] == "P1"
    assert fed(user_map, MONDAY).verdicts == ["no_person"]
    row = fed(user_map, MONDAY + 8 * HOUR).row
    assert (row["user_id"], row["day"], row["utc_offset_seconds"]) == ("P3", "2026-11-09", 3_600)


def test_an_entry_without_days_is_somebody_who_always_has_it(tmp_path: Path) -> None:
    assert fed(read(tmp_path, line()), 1_500_000_000).row["user_id"] == "P1"


@pytest.mark.parametrize("lines", [[], [line("d2")], [FROM_WEDNESDAY]])
def test_a_reading_of_nobody_is_rejected_until_the_map_is_completed(tmp_path: Path, lines: list[str]) -> None:
    rejected = fed(read(tmp_path, *lines))
    assert (rejected.verdicts, rejected.rejects[0]["message"]) == (
        ["no_person"],
        "no user map entry has this device on this day",
    )
    assert fed(read(tmp_path, *lines, FROM_MONDAY)).row["user_id"] == "P2"


def test_a_day_nobody_can_have_is_told_as_such(tmp_path: Path) -> None:
    assert fed(read(tmp_path), 0).verdicts == ["day_out_of_range"]
