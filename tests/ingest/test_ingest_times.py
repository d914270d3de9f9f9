"""Times as texts: the moment, the offset written in it, the zone beside it, and the local day they give."""

import json
from pathlib import Path
from typing import Any

import pytest

from qol.contracts.model import Contracts
from qol.ingest.times import parse_offset, parse_seconds

from .feed import Fed, both_readers, feed
from .wild import contract

#: 2026-11-09T14:10:00Z, in Tokyo 23:10 of that day.
EVENING = 1_794_233_400
NIGHT = contract(
    "night",
    {
        "at": {"path": "start", "type": "instant"},
        "shift": {"path": ["start", "zone_offset"], "type": "utc_offset"},
        "place": {"path": "zone", "type": "time_zone"},
    },
    day={"start": "at", "offset": "shift", "zone": "place", "shift_hours": 6},
    source_timestamp="at",
)
ZONE_ONLY = contract(
    "zone_only",
    {"at": {"path": "start", "type": "instant"}, "place": {"path": "zone", "type": "time_zone"}},
    day={"start": "at", "zone": "place"},
)
CONTRACTS = Contracts(Path(), (NIGHT, ZONE_ONLY), (), (), (), ())


def fed(record: str = "night", fast: bool | None = None, **raw: Any) -> Fed:
    known = {("wild", "u9"): ("P9", "America/New_York")}
    line = json.dumps({"who": "u1", **raw}).encode()
    return feed(line, f"wild_{record}", contracts=CONTRACTS, known=known, fast=fast)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-09T23:10:00+09:00",
        "2026-11-09 23:10:00 +0900",
        "2026-11-09 23:10:00.250 +0900",
        "2026-11-09T14:10:00Z",
        "2026-11-09T14:10:00.999999Z",
        " 2026-11-09T14:10:00.1234567Z ",
        "2026-11-09T23:10+09",
        "2026-11-09T04:10:00-10:00",
    ],
)
def test_an_instant_is_whole_seconds_of_unix_time(text: str) -> None:
    assert parse_seconds(text) == EVENING


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-09T23:10:00", "2026-11-09", "1794233400", "", "soon", "2026-02-30T00:00:00Z", "2026-11-09T24:00:00Z",
        "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
    ],
)  # fmt: skip
def test_a_text_without_an_offset_or_of_another_age_is_no_instant(text: str) -> None:
    assert (parse_seconds(text), parse_offset(text)) == (None, None)


@pytest.mark.parametrize(
    ("text", "hour", "minute"),
    [
        ("2026-11-09 7:57:00\u202fam +0900", 7, 57),
        ("2026-11-09 07:57:00\u00a0AM +09:00", 7, 57),
        ("2026-11-09 9:15:00 PM +0900", 21, 15),
        ("2026-11-09T9:15:00Pm+09:00", 21, 15),
        ("2026-11-09 9:15 p.m. +0900", 21, 15),
        ("2026-11-09 9:15:00.5 p.\u00a0m. +0900", 21, 15),
        ("2026-11-09 12:05:00 am +0900", 0, 5),
        ("2026-11-09 12:30:00 pm +0900", 12, 30),
        ("2026-11-09 午後3:00:00 +0900", 15, 0),
        ("2026/11/09 8:00:00 PM +0900", 20, 0),
        ("2026-11-09 午前0:05:00 +0900", 0, 5),
        ("2026-11-09 午後 12:30:00 +0900", 12, 30),
        ("2026-11-09 下午3:00:00 +0900", 15, 0),
        ("2026-11-09 오후 3:00:00 +0900", 15, 0),
    ],
)
def test_a_time_of_the_12_hour_clock_with_its_offset_is_an_instant(text: str, hour: int, minute: int) -> None:
    midnight = 1_794_150_000
    assert (parse_seconds(text), parse_offset(text)) == (midnight + hour * 3_600 + minute * 60, 32_400)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-09 9:15:00 PM", "2026-11-09 13:15:00 PM +0900", "2026-11-09 9:15:00 +0900", "2026-11-09 9:75:00 PM +0900",
        "2026-11-09 午後9:15:00 PM +0900", "11/09/2026 9:15:00 PM +0900", "9 Nov 2026 9:15:00 PM +0900", "2026-11-31 9:15:00 PM +0900",
        "2026-11-09 9 PM +0900", "2026-11-09 9:15:00 xm +0900", "2026-11-09 9:15:00 PM JST",
    ],
)  # fmt: skip
def test_a_time_that_may_mean_two_moments_is_no_instant(text: str) -> None:
    assert (parse_seconds(text), parse_offset(text)) == (None, None)
    assert fed("zone_only", start=text).verdicts == ["missing_key"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-09T23:10:00+09:00", 32_400),
        ("2026-11-09 23:10:00 -0330", -12_600),
        ("2026-11-09T23:10:00Z", 0),
        ("+09:00", 32_400),
        ("+0900", 32_400),
        ("-0330", -12_600),
        ("Z", 0),
        ("+14:00", 50_400),
        ("-12:00", -43_200),
    ],
)
def test_an_offset_is_that_of_a_time_or_stands_alone(text: str, seconds: int) -> None:
    assert parse_offset(text) == seconds


@pytest.mark.parametrize("text", ["+14:15", "-12:15", "+09:60", "09:00", "+9", "2026-11-09T23:10:00+23:00", "JST"])
def test_an_offset_of_no_place_on_earth_is_none(text: str) -> None:
    assert parse_offset(text) is None


def test_one_text_gives_the_moment_and_its_offset() -> None:
    row = fed(start="2026-11-09T17:59:59.5+09:00").row
    assert (row["at"], row["shift"], row["utc_offset_seconds"]) == (1_794_214_799, 32_400, 32_400)
    assert (row["source_timestamp"], row["day_rule"]) == ("2026-11-09T08:59:59Z", "offset")


def test_z_tells_the_moment_and_says_nothing_of_local_time() -> None:
    row = fed(start="2026-11-09T23:59:59Z").row
    assert (row["at"], row["shift"], row["value_issues"]) == (1_794_268_799, None, None)
    assert (row["utc_offset_seconds"], row["day_rule"]) == (32_400, "zone")


@pytest.mark.parametrize(("start", "day"), [("17:59:59", "2026-11-09"), ("18:00:00", "2026-11-10")])
def test_what_begins_after_the_shifted_midnight_is_of_the_next_day(start: str, day: str) -> None:
    assert fed(start=f"2026-11-09T{start}+09:00").row["day"] == day


@pytest.mark.parametrize(
    ("who", "zone", "day", "offset"),
    [
        ("u1", "Europe/Berlin", "2026-11-09", 3_600),
        ("u1", " Pacific/Auckland ", "2026-11-10", 46_800),
        ("u1", None, "2026-11-09", 32_400),
        ("u9", None, "2026-11-09", -18_000),
        ("u9", "Asia/Tokyo", "2026-11-09", 32_400),
    ],
)
def test_without_an_offset_the_records_own_zone_comes_before_the_persons(
    who: str, zone: str | None, day: str, offset: int
) -> None:
    row = fed("zone_only", who=who, start="2026-11-09T14:10:00Z", zone=zone).row
    assert (row["day"], row["utc_offset_seconds"], row["day_rule"]) == (day, offset, "zone")


@both_readers
@pytest.mark.parametrize(
    "text", ["2026-11-08T22:00:00+00:00", "2026-11-08 22:00:00 +0000", "2026-11-08T22:00:00-00:00"]
)
@pytest.mark.parametrize(
    ("who", "zone", "day", "offset"),
    [("u1", "Asia/Tokyo", "2026-11-09", 32_400), ("u9", None, "2026-11-08", -18_000), ("u9", "Asia/Tokyo", "2026-11-09", 32_400)],
)  # fmt: skip
def test_an_offset_of_zero_beside_a_named_zone_is_utc(
    text: str, who: str, zone: str | None, day: str, offset: int, fast: bool
) -> None:
    row = fed(fast=fast, who=who, start=text, zone=zone).row
    assert (row["at"], row["shift"], row["value_issues"]) == (1_794_175_200, None, None)
    assert (row["day"], row["utc_offset_seconds"], row["day_rule"]) == (day, offset, "zone")


@both_readers
def test_an_offset_of_zero_without_any_named_zone_is_an_offset(fast: bool) -> None:
    row = fed(fast=fast, start="2026-11-08T17:59:59+00:00").row
    assert (row["day"], row["shift"], row["day_rule"]) == ("2026-11-08", 0, "offset")


def test_an_offset_wins_over_a_zone() -> None:
    row = fed(start="2026-11-09T12:00:00+09:00", zone="Europe/Berlin").row
    assert (row["utc_offset_seconds"], row["day_rule"], row["place"]) == (32_400, "offset", "Europe/Berlin")


@pytest.mark.parametrize(
    ("raw", "issues"),
    [
        ({"zone": "Asia/Nowhere"}, ["zone: invalid_zone"]),
        ({"zone": 9}, ["zone: 9 wrong_type"]),
        ({"zone_offset": "JST", "start": "2026-11-09T12:00:00+23:00"}, ["start: invalid_time", "zone_offset: invalid_time"]),
        ({"zone_offset": 540, "start": "2026-11-09T12:00:00+23:00"}, ["start: invalid_time", "zone_offset: 540 wrong_type"]),
    ],
)  # fmt: skip
def test_what_is_no_time_or_zone_becomes_null_with_an_issue(raw: dict[str, Any], issues: list[str]) -> None:
    assert fed(**{"start": "2026-11-09T12:00:00+09:00", **raw}).row["value_issues"] == issues


@pytest.mark.parametrize("start", ["2026-11-09T12:00:00", 1_794_233_400])
def test_a_key_that_is_no_instant_is_no_key(start: object) -> None:
    assert fed(start=start, zone="Asia/Tokyo").verdicts == ["missing_key"]
