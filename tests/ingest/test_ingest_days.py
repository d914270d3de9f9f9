"""The local day of a record: the vendor's own, else start and offset, else the person's zone, else the arrival."""

import json
from typing import Any

import pytest

from .feed import KNOWN, MONDAY_START, Row, both_readers, daily, feed
from .wild import WILD

NEW_YORK = {**KNOWN, ("garmin", "u9"): ("P9", "America/New_York")}


def day_of(fast: bool, *, arrival: str = "2026-11-10", **fields: Any) -> tuple[str, str, int | None]:
    """Day, rule and offset of a record without `calendarDate`."""
    row = row_of(fast, arrival=arrival, **fields)
    return row["day"], row["day_rule"], row["utc_offset_seconds"]


def row_of(fast: bool, *, arrival: str = "2026-11-10", **fields: Any) -> Row:
    text = json.dumps({"userId": "u1", **fields}).encode()
    return feed(text, arrival=arrival, known=NEW_YORK, fast=fast, old=True).row


@both_readers
def test_the_vendors_own_day_wins_over_start_and_offset(fast: bool) -> None:
    found = day_of(fast, calendarDate="2026-11-07", startTimeInSeconds=MONDAY_START, startTimeOffsetInSeconds=32_400)
    assert found == ("2026-11-07", "provider", 32_400)


@both_readers
@pytest.mark.parametrize(
    ("start", "offset", "day"),
    [
        (MONDAY_START, 32_400, "2026-11-09"),
        (MONDAY_START - 1, 32_400, "2026-11-08"),
        (MONDAY_START + 86_399, 32_400, "2026-11-09"),
        (MONDAY_START + 86_400, 32_400, "2026-11-10"),
        (MONDAY_START, 0, "2026-11-08"),
        (MONDAY_START, -36_000, "2026-11-08"),
        (MONDAY_START, 50_400, "2026-11-09"),
        (MONDAY_START + 32_400, -1, "2026-11-08"),
    ],
)
def test_start_and_offset_give_the_local_day(fast: bool, start: int, offset: int, day: str) -> None:
    found = day_of(fast, startTimeInSeconds=start, startTimeOffsetInSeconds=offset)
    assert found == (day, "offset", offset)


@both_readers
@pytest.mark.parametrize(
    ("start", "day"),
    [(MONDAY_START - 1, "2026-11-08"), (MONDAY_START, "2026-11-09"), (MONDAY_START + 86_399, "2026-11-09")],
)
def test_without_an_offset_the_zone_of_the_run_gives_the_day(fast: bool, start: int, day: str) -> None:
    assert day_of(fast, startTimeInSeconds=start) == (day, "zone", 32_400)


def night_of(fast: bool, start: str, end: str, **fields: Any) -> tuple[int | None, ...]:
    """Offsets of a stretch of sleep at its start and at its end, and that of its day."""
    stretch = {"user_id": "u1", "uuid": "a", "start": start, "end": end, "category_value": 3, **fields}
    stretch["type"] = "HKCategoryTypeIdentifierSleepAnalysis"
    row = feed(json.dumps(stretch).encode(), "healthkit_sleep_samples", arrival="2026-11-10", fast=fast).row
    return row["start_offset_seconds"], row["end_offset_seconds"], row["utc_offset_seconds"]


EDT, EST, UTC = (
    "2026-10-31T23:00:00-04:00",
    "2026-11-01T07:00:00-05:00",
    ("2026-11-01T03:00:00Z", "2026-11-01T12:00:00Z"),
)
NEW_YORK_PHONE, IN_NEW_YORK = {"device_tz": "America/New_York"}, {"metadata": {"HKTimeZone": "America/New_York"}}


@both_readers
@pytest.mark.parametrize(
    ("times", "fields", "offsets"),
    [
        ((EDT, EST), {}, (-14_400, -18_000, -14_400)),
        ((EDT, EST), NEW_YORK_PHONE, (-14_400, -18_000, -14_400)),
        (UTC, NEW_YORK_PHONE, (None, -18_000, -14_400)),
        (UTC, NEW_YORK_PHONE | {"metadata": {"HKTimeZone": "Asia/Tokyo"}}, (None, 32_400, 32_400)),
        (UTC, {}, (None, 32_400, 32_400)),
        (UTC, {"zone_offset": "-04:00"} | IN_NEW_YORK, (-14_400, -18_000, -14_400)),
        (UTC, {"zone_offset": "-04:00", "device_tz": "Asia/Tokyo"}, (-14_400, -14_400, -14_400)),
        ((EDT, UTC[1]), NEW_YORK_PHONE, (-14_400, -18_000, -14_400)),
        ((EDT, UTC[1]), {}, (-14_400, -14_400, -14_400)),
    ],
    ids=[
        "written at both ends", "written, with a zone", "by the zone", "by the sample's own zone", "by the person's zone",
        "the zone has the offset of the start", "the phone is elsewhere by now", "written at the start, by the zone",
        "written at the start, no zone fits",
    ],
)  # fmt: skip
def test_a_night_has_the_offset_of_each_of_its_ends(
    fast: bool, times: tuple[str, str], fields: dict[str, Any], offsets: tuple[int | None, ...]
) -> None:
    assert night_of(fast, *times, **fields) == offsets


#: Seconds before and after each local midnight and each change of the clocks in New York.
SPRING_2026 = [
    (1_772_945_999, "2026-03-07", -18_000),
    (1_772_946_000, "2026-03-08", -18_000),
    (1_772_953_199, "2026-03-08", -18_000),
    (1_772_953_200, "2026-03-08", -14_400),
    (1_773_028_799, "2026-03-08", -14_400),
    (1_773_028_800, "2026-03-09", -14_400),
]
AUTUMN_2026 = [
    (1_793_505_599, "2026-10-31", -14_400),
    (1_793_505_600, "2026-11-01", -14_400),
    (1_793_512_799, "2026-11-01", -14_400),
    (1_793_512_800, "2026-11-01", -18_000),
    (1_793_595_599, "2026-11-01", -18_000),
    (1_793_595_600, "2026-11-02", -18_000),
]


@both_readers
@pytest.mark.parametrize(("start", "day", "offset"), [*SPRING_2026, *AUTUMN_2026])
def test_a_day_of_23_or_25_hours_ends_at_local_midnight(fast: bool, start: int, day: str, offset: int) -> None:
    found = day_of(fast, userId="u9", startTimeInSeconds=start, arrival="2026-11-03")
    assert found == (day, "zone", offset)


@both_readers
def test_people_of_different_zones_on_one_object_have_days_of_their_own(fast: bool) -> None:
    records = [{"userId": user, "startTimeInSeconds": MONDAY_START} for user in ("u1", "u9")]
    data = b"\n".join(json.dumps(record).encode() for record in records)
    rows = feed(data, known=NEW_YORK, fast=fast).rows
    assert [(row["user_id"], row["day"]) for row in rows] == [("P1", "2026-11-09"), ("P9", "2026-11-08")]


@both_readers
def test_a_zone_with_odd_minutes_is_exact(fast: bool) -> None:
    text = json.dumps({"userId": "u1", "startTimeInSeconds": 1_794_161_700}).encode()
    row = feed(text, zone="Asia/Kathmandu", fast=fast).row
    assert (row["utc_offset_seconds"], row["day"]) == (20_700, "2026-11-09")


@both_readers
@pytest.mark.parametrize(
    ("stamp", "day"), [("", "2026-11-10"), (',"_received_at":"2026-11-11T23:59:59Z"', "2026-11-11")]
)
def test_the_arrival_is_the_last_resort(fast: bool, stamp: str, day: str) -> None:
    text = b'{"who":"u1","doc":"x"%b}' % stamp.encode()
    row = feed(text, "wild_no_day", fast=fast, contracts=WILD).row
    assert (row["day"], row["day_rule"], row["arrival_date"]) == (day, "arrival", day)


@both_readers
@pytest.mark.parametrize(
    ("day", "arrival", "verdicts"),
    [
        ("2009-12-31", "2010-01-01", ["day_out_of_range"]),
        ("2010-01-01", "2010-01-01", []),
        ("2026-11-11", "2026-11-10", []),
        ("2026-11-12", "2026-11-10", ["day_out_of_range"]),
        ("2010-01-01", "2026-11-10", []),
    ],
)
def test_a_day_lies_between_2010_and_one_day_after_arrival(
    fast: bool, day: str, arrival: str, verdicts: list[str]
) -> None:
    text = json.dumps({"userId": "u1", "calendarDate": day, "startTimeInSeconds": MONDAY_START}).encode()
    assert feed(text, arrival=arrival, fast=fast, old=True).verdicts == verdicts


@both_readers
def test_the_start_is_the_source_timestamp_whatever_the_day(fast: bool) -> None:
    row = row_of(fast, calendarDate="2026-11-07", startTimeInSeconds=MONDAY_START)
    assert row["source_timestamp"] == "2026-11-08T15:00:00Z"


@both_readers
@pytest.mark.parametrize(
    ("stamp", "received", "issues"),
    [
        ("2026-11-11T23:59:59Z", "2026-11-11T23:59:59Z", None),
        ("2026-11-12T00:00:00Z", None, ["_received_at: invalid_time"]),
        ("soon", None, ["_received_at: invalid_time"]),
    ],
)
def test_a_receipt_later_than_the_day_after_its_folder_is_no_time(
    fast: bool, stamp: str, received: str | None, issues: list[str] | None
) -> None:
    row = feed(daily(_received_at=stamp), arrival="2026-11-10", fast=fast).row
    assert (row["received_at"], row["value_issues"]) == (received, issues)


@both_readers
@pytest.mark.parametrize(
    ("arrival", "stamp", "verdicts"),
    [
        ("2027-02-07", None, []),
        ("2027-02-08", None, ["day_too_old"]),
        ("2027-02-08", "2027-02-07T23:59:59Z", []),
        ("2027-02-07", "2027-02-08T00:00:00Z", ["day_too_old"]),
    ],
)
def test_a_push_of_more_than_90_days_before_its_arrival_is_kept_in_quarantine(
    fast: bool, arrival: str, stamp: str | None, verdicts: list[str]
) -> None:
    line = daily(_received_at=stamp)
    fed = feed(line, arrival=arrival, fast=fast)
    assert (fed.verdicts, fed.tally["records"]) == (verdicts, 1 - len(verdicts))
    kept = [json.loads(reject["raw"]) for reject in fed.rejects]
    assert kept == [json.loads(line) | {"userId": "***"}] * len(verdicts)
    assert feed(line, arrival=arrival, fast=fast, old=True).row["day"] == "2026-11-09"


def test_what_is_fetched_or_exported_may_be_of_any_age() -> None:
    steps = {"user_id": "u1", "name": "step_count", "units": "count", "date": "2016-11-09 08:00:00 +0900", "qty": 1}
    assert feed(json.dumps(steps).encode(), "healthkit_health_auto_export").row["day"] == "2016-11-09"
