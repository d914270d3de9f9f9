"""A user map whose devices change hands: the days of each owner, told once each."""

import json
from pathlib import Path

import pytest

from qol.errors import UsageError
from qol.identity.periods import Period
from qol.identity.pseudonyms import Owner
from qol.identity.user_map import UserMap, read_user_map, require_periods_usable
from tests.ingest.feed import CONTRACTS, KEY

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
    require_periods_usable(read(tmp_path, FROM_MONDAY.replace("wild", "sensor")), CONTRACTS)
    with pytest.raises(UsageError) as caught:
        require_periods_usable(read(tmp_path, line("d2"), FROM_MONDAY.replace("wild", "garmin")), CONTRACTS)
    assert str(caught.value) == (
        "user map line 2: from and to for garmin; allowed: only for sources whose rules say people_by_day"
    )


def test_an_entry_says_since_when_nothing_that_arrives_is_kept(tmp_path: Path) -> None:
    user_map = read(
        tmp_path,
        line("d2", withdrawn_at="2026-11-10T09:00:00+09:00"),
        line(withdrawn_at="2026-11-10T00:00:00Z", to="2026-11-09"),
    )
    ten = 1_794_268_800_000_000
    assert user_map.withdrawn == {("wild", "d2"): ten}
    assert [owner.withdrawn for owner in user_map.owners["wild", "d1"]] == [ten]
    with pytest.raises(UsageError, match="line 1: withdrawn_at must be ISO 8601 with its zone"):
        read(tmp_path, line(withdrawn_at="2026-11-10T00:00:00"))
