"""Everybody whose records the job reads from a push has an entry in the map, however the push is spoilt."""

import json
from collections.abc import Iterator, Sequence
from random import Random

import pytest

from qol.identity.pseudonyms import Identities
from qol.ingest.listing import RawObject, ingest_tasks, record_at
from qol.lake.base import StoredObject
from qol.webhooks.bodies import Delivery, read_body
from tests.ingest.feed import CONTRACTS, KEY, read_tasks
from tests.qol_lambda.webhook import NOW

START = 1_794_150_000
DAY = {
    "userAccessToken": "token-1",
    "calendarDate": "2026-11-09",
    "startTimeInSeconds": START,
    "startTimeOffsetInSeconds": 32_400,
    "durationInSeconds": 86_400,
}
ACTIVITY = {"summaryId": "7", "activityName": "Run", "activityType": "RUNNING", "startingLatitudeInDegree": 1.5}
BODIES = [
    json.dumps(body, separators=separators).encode()
    for separators in ((",", ":"), (" , ", " : "))
    for body in (
        {"dailies": [{"userId": "u1", **DAY, "_received_at": "x"}, {**DAY, "userId": 17, "activityName": "a"}]},
        {"activities": [{"userId": "u2", **DAY, **ACTIVITY, "_received_at": "x"}]},
        {"dailies": {"userId": "u3", **DAY, "callbackURL": "https://x/y?token=z", "summaryId": "1"}},
        {"sleeps": [[{**DAY, "userId": "u4", "summaryId": "2"}], {"sleeps": [{**DAY, "userId": "u5"}]}]},
        {"activityDetails": [{"userId": "u6", **DAY, "activityId": 5, "summary": {**DAY, **ACTIVITY}}]},
    )
]
CUT_OUT = (b"userAccessToken", b"activityName", b"callbackURL", b"_received_at", b"startingLatitudeInDegree")
#: No mistake makes an id of more than 1,024 bytes, which has no entry.
INSERTED = (
    b'"', b"\\", b"\t", b"\n", b"\0", b"{", b"}", b"[", b"]", b",", b":", b"'", b"\\u0041", b"\xff", b"NaN", b"0", b" ", b"",
    b'"userId":"u9",', b'"userAccessToken":', b',"token"', b'\\"', b"\xe3\x81\x82", b"-0", b'"userId":-0,',
    b'"steps":' + b"9" * 4_301 + b",",
)  # fmt: skip


def spoilt(random: Random) -> bytes:
    """A body with one to three mistakes, half of them in or beside a member that is not stored."""
    body = random.choice(BODIES)
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(body))
        places = [found for name in CUT_OUT if (found := body.find(name)) >= 0]
        if places and random.random() < 0.5:
            at = min(len(body) - 1, random.choice(places) + random.randint(-3, 35))
        body = body[:at] + random.choice(INSERTED) + body[at + random.choice((0, 0, 1, 2)) :]
    return body


def objects(deliveries: Sequence[Delivery]) -> Iterator[tuple[RawObject, bytes]]:
    """The stored object of each delivery, and its bytes."""
    for number, delivery in enumerate(deliveries):
        folder, _, name = delivery.key.partition("/date=")
        stored = StoredObject(f"{folder}/date={number}-{name}", len(delivery.line), "tag")
        record = record_at(CONTRACTS, folder)
        assert record is not None
        yield RawObject(stored, record, "2026-11-18"), delivery.line


def seen_and_entered(bodies: Sequence[bytes]) -> list[tuple[set[str], set[str]]]:
    """Of each body that can be read: whom the job reads records of, and who has an entry, by their hashes."""
    deliveries = [delivery for body in bodies if (delivery := read_body(body, NOW)) is not None]
    identities = Identities(KEY, {})
    entered = [{*delivery.users, *(control.vendor_user_id for control in delivery.controls)} for delivery in deliveries]
    found = [(set[str](), {identities.user_hash("garmin", vendor) for vendor in vendors}) for vendors in entered]
    stored = list(objects(deliveries))
    fed = read_tasks(
        {raw.stored.key: data for raw, data in stored}, ingest_tasks(tuple(raw for raw, _ in stored)), known={}
    )
    for row in fed.rows:
        found[row["object_index"]][0].add(row["user_id"])
    return found


def check(count: int, seed: int) -> None:
    random = Random(seed)
    found = seen_and_entered([spoilt(random) for _ in range(count)])
    assert sum(bool(seen) for seen, _ in found) > count / 20
    assert [number for number, (seen, entered) in enumerate(found) if not seen <= entered] == []


def test_everybody_the_job_sees_in_a_spoilt_push_was_entered() -> None:
    check(400, seed=1)


@pytest.mark.acceptance
@pytest.mark.parametrize("seed", range(40))
def test_everybody_the_job_sees_in_thousands_of_spoilt_pushes_was_entered(seed: int) -> None:
    check(500, seed + 100)


def test_a_record_that_is_valid_once_its_token_is_cut_out_is_its_persons() -> None:
    spoilt = json.dumps({"dailies": [{"userId": "newcomer", **DAY}]}).encode().replace(b"token-1", b"token\t1")
    [(seen, entered)] = seen_and_entered([spoilt])
    assert seen == entered == {Identities(KEY, {}).user_hash("garmin", "newcomer")}
