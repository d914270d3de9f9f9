"""How large a push may be: a function takes an event of 6 MiB, and in it the body is a JSON string with its quotes escaped."""

import json
from pathlib import Path

import pytest

from benchmarks.cost.model import A
from tests.effort import no_minutes
from tests.qol_lambda.webhook import Webhook, event

#: What Lambda answers for: "Request must be smaller than 6291456 bytes for the InvokeFunction operation".
LAMBDA_BYTES = 6 * 2**20
PAGE = Path(__file__).parents[2] / "docs" / "webhook.md"

DAY = {
    "userId": "0123456789abcdef0123456789abcdef",
    "userAccessToken": "CANARY-0123-4567-89ab-cdef01234567",
    "summaryId": "x153a9f3-5cc0a3e0",
    "calendarDate": "2026-11-09",
    "startTimeInSeconds": 1794150000,
    "durationInSeconds": 86400,
}
HEART = DAY | {"timeOffsetHeartRateSamples": {str(second): 55 + second % 97 for second in range(0, 86_400, 15)}}
STRESS = DAY | {"timeOffsetStressLevelValues": {str(second): second % 101 for second in range(0, 86_400, 180)}}
NIGHT = DAY | {
    "sleepLevelsMap": {
        level: [{"startTimeInSeconds": 1794150000 + n, "endTimeInSeconds": 1794150900 + n} for n in range(9)]
        for level in ("deep", "light", "rem", "awake")
    }
}


def push(record: dict[str, object], size: int) -> bytes:
    """A body of whole records with about so many bytes."""
    one = json.dumps(record, separators=(",", ":"))
    people = (one.replace("0123456789abcdef", f"{n % 40:016x}", 1) for n in range(size // (len(one) + 1)))
    return b'{"dailies":[%s]}' % ",".join(people).encode()


def event_bytes(body: bytes) -> int:
    """As API Gateway hands it over: text, because its type is application/json."""
    return len(json.dumps(event(body), ensure_ascii=False, separators=(",", ":")).encode())


LIMIT = A.body_limit_bytes


@pytest.mark.parametrize(
    ("record", "fits", "does_not"),
    [(HEART, LIMIT, LIMIT * 103 // 100), (STRESS, LIMIT, 5_950_000), (NIGHT, 5_400_000, 5_950_000)],
    ids=["heart rates", "stress values", "sleep levels"],
)
def test_a_body_of_the_documented_size_fits_into_the_event_and_a_larger_one_does_not(
    record: dict[str, object], fits: int, does_not: int
) -> None:
    assert event_bytes(push(record, fits)) <= LAMBDA_BYTES < event_bytes(push(record, does_not))


def test_the_page_says_how_large_a_body_may_be_and_how_many_days_that_is() -> None:
    days = LIMIT // A.full_daily_bytes
    assert f"| {LIMIT / 1e6:.1f} MB of a body" in PAGE.read_text(encoding="utf-8")
    assert f"({days} full days)" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("record", [HEART, NIGHT], ids=["heart rates", "sleep levels"])
def test_a_body_at_the_limit_is_stored_in_seconds(webhook: Webhook, record: dict[str, object]) -> None:
    data = push(record, LIMIT)
    assert len(data) > LIMIT * 98 // 100
    with no_minutes():
        assert webhook.post(data) == 200
    assert len(webhook.lines()[0]["dailies"]) == data.count(b'"summaryId"')
    assert len(webhook.people()) == 40
