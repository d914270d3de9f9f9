"""Devices that change hands: a reading is of whoever had the device on its day, and of nobody else."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qol.contracts.rules import SourceRules
from qol.errors import UsageError
from qol.identity.periods import Period
from qol.identity.pseudonyms import Owner
from qol.identity.user_map import UserMap, read_user_map, require_periods_usable

from .feed import KEY, Fed, both_readers, feed
from .wild import WILD, contract

READING = contract("reading", {"at": {"path": "at", "type": "epoch_seconds"}}, person=["device"], day={"start": "at"})
ROOMS = replace(WILD, sources=(READING,), source_rules={"wild": SourceRules(source="wild", people_by_day=True)})
#: 2026-11-09T00:00 in Tokyo.
MONDAY = 1_794_150_000
HOUR, DAY = 3_600, 86_400
#: Days since 1970 of 2026-11-09.
MONDAY_NUMBER = 20_766


def line(device: str = "d1", user: str = "P1", **rest: object) -> str:
    return json.dumps({"source": "wild", "vendor_user_id": device, "user_id": user, **rest})


def read(tmp_path: Path, *lines: str) -> UserMap:
    path = tmp_path / "map.jsonl"
    path.write_text("\n".join(lines))
    return read_user_map(path)


TO_SUNDAY = line(to="2026-11-08")
FROM_MONDAY = line(user="P2", **{"from": "2026-11-09", "to": "2026-11-10"})
FROM_WEDNESDAY = line(user="P1", **{"from": "2026-11-11"})


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


def test_days_are_read_and_missing_ones_are_open(tmp_path: Path) -> None:
    user_map = read(tmp_path, TO_SUNDAY, FROM_MONDAY, FROM_WEDNESDAY, line("d2"))
    assert user_map.owners == {
        ("wild", "d1"): (
            Owner(Period(None, MONDAY_NUMBER - 1), "P1", None),
            Owner(Period(MONDAY_NUMBER, MONDAY_NUMBER + 1), "P2", None),
            Owner(Period(MONDAY_NUMBER + 2, None), "P1", None),
        )
    }
    assert user_map.known == {("wild", "d2"): ("P1", None)}


SHARED = "has days that line 1 has; allowed: one person for a device and day"
TWICE = "names a vendor id that an earlier line names; allowed: one line each"
NO_DAYS = "from and to must be days such as 2026-04-01, from not after to"


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([FROM_MONDAY, line(**{"from": "2026-11-10"})], f"line 2: {SHARED}"),
        ([FROM_MONDAY, TO_SUNDAY, line(to="2026-11-09")], f"line 3: {SHARED}"),
        ([FROM_MONDAY, "", line()], f"line 3: {TWICE}"),
        ([line(), FROM_MONDAY], f"line 2: {TWICE}"),
        ([line(**{"from": "2026-11-10", "to": "2026-11-09"})], f"line 1: {NO_DAYS}"),
        ([line(**{"from": "2026-02-30"})], f"line 1: {NO_DAYS}"),
        ([line(to=20261109)], f"line 1: {NO_DAYS}"),
        ([line(to="")], f"line 1: {NO_DAYS}"),
    ],
)
def test_days_that_cannot_be_are_named_by_their_line(tmp_path: Path, lines: list[str], problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, *lines)
    assert str(caught.value) == f"{tmp_path}/map.jsonl: {problem}"


def test_the_first_day_is_fixed_and_the_last_may_become_known(tmp_path: Path) -> None:
    known = read(tmp_path, FROM_WEDNESDAY).digest(1, KEY)
    assert read(tmp_path, line(**{"from": "2026-11-11", "to": "2026-12-01"}), TO_SUNDAY).digest(1, KEY) == known
    assert read(tmp_path, line(**{"from": "2026-11-12"})).digest(1, KEY) != known
    assert read(tmp_path, line()).digest(1, KEY) != known


def test_entries_without_days_are_pinned_as_ever(tmp_path: Path) -> None:
    entries = (("wild", "d1", "P1", None),)
    assert read(tmp_path, line(), TO_SUNDAY.replace("d1", "d2")).digest(1, KEY) == UserMap(entries).digest(1, KEY)


def test_days_at_a_source_whose_ids_stay_with_one_person_are_refused(tmp_path: Path) -> None:
    user_map = read(tmp_path, line("d2"), FROM_MONDAY)
    require_periods_usable(user_map, ROOMS)
    with pytest.raises(UsageError) as caught:
        require_periods_usable(user_map, replace(ROOMS, source_rules={}))
    assert str(caught.value) == (
        "user map line 2: from and to for wild; allowed: only for sources whose rules say people_by_day"
    )
