"""Planted ids, tokens, names and texts never leave the raw line: not in rows, issues, counts, messages or reprs."""

import json
from typing import Any

import pytest

from qol.contracts.code_words import bare
from qol.contracts.source import SourceContract
from qol.identity.pseudonyms import Identities
from qol.ingest.record_reader import MAX_UNKNOWN_NAMES
from qol.ingest.results import IngestContext

from .feed import CONTRACTS, KEY, MONDAY_START, Fed, both_readers, daily, feed, lines

SECRETS = [
    "d3315b1072421d0dd7c8f6b8e1de4df8",
    "tok-9f8e7d6c5b4a",
    "taro@example.com",
    "Taro Yamada",
    "35.6812,139.7671",
]
PERSON, TOKEN, MAIL, NAME, PLACE = SECRETS


def assert_nothing_leaks(fed: Fed) -> None:
    """None of the secrets stands in anything but the raw bytes of a reject."""
    rejects = [{name: value for name, value in reject.items() if name != "raw"} for reject in fed.rejects]
    text = repr((fed.rows, rejects, fed.tally, fed.issues, fed.reasons))
    assert [secret for secret in SECRETS if secret in text] == []


def private(**fields: object) -> bytes:
    ids = {"userId": PERSON, "userAccessToken": TOKEN, "summaryId": f"{PERSON}-1-15180"}
    return daily(**{**ids, **fields})


@both_readers
def test_a_clean_record_holds_neither_person_nor_token_nor_document_id(fast: bool) -> None:
    fed = feed(private(steps=1), fast=fast)
    assert fed.tally["records"] == 1
    assert_nothing_leaks(fed)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: [s], lambda s: {s: s}], ids=["text", "list", "object"])
def test_a_secret_in_any_declared_field_is_null_or_hashed(secret: str, wrap: Any) -> None:
    contract = CONTRACTS.by_name["garmin_dailies"]
    heads = {path[0] for spec in contract.fields if spec.type != "code" for path in spec.paths}
    fed = feed(lines(*[private(**{head: wrap(secret)}) for head in sorted(heads | {"_received_at"})]))
    assert fed.tally["records"] + fed.tally["rejected"] == len(heads) + 1
    assert_nothing_leaks(fed)


@pytest.mark.parametrize("secret", [MAIL, NAME, PLACE])
def test_a_text_that_is_no_code_is_other(secret: str) -> None:
    fed = feed(private(activityType=secret, source=secret, stressQualifier=secret))
    assert [fed.row[name] for name in ("activity_type", "third_party_source", "stress_qualifier")] == [
        "OTHER",
        "OTHER",
        "OTHER",
    ]
    assert_nothing_leaks(fed)


@both_readers
def test_names_of_unknown_fields_are_not_repeated_when_they_may_be_data(fast: bool) -> None:
    nested = json.dumps(
        {
            "userId": PERSON,
            "startTimeInSeconds": MONDAY_START,
            "durationInSeconds": 60,
            "overallSleepScore": {PERSON: 1, MAIL: 2},
        }
    )
    for data, record in ((private(**dict.fromkeys(SECRETS, 1)), "garmin_dailies"), (nested.encode(), "garmin_sleeps")):
        fed = feed(lines(*[data] * 40), record, fast=fast)
        assert {name.rpartition(".")[2] for _, name, _ in fed.issues} == {"(other)"}
        assert_nothing_leaks(fed)


def test_no_more_than_a_thousand_names_of_unknown_fields_are_kept() -> None:
    names = [f"{a}{b}{c}" for a in "abcdefghijk" for b in "abcdefghij" for c in "abcdefghij"]
    fed = feed(daily(**dict.fromkeys(names, 1)))
    assert len(fed.issues) == MAX_UNKNOWN_NAMES + 1
    assert fed.issues["garmin_dailies", "(other)", "unknown_field"] == 100


UNREADABLE = [
    json.dumps({NAME: PERSON}).encode() + b" " + MAIL.encode(),
    private()[:-1] + b',"x":"\xff"}',
    PERSON.encode(),
    json.dumps(PERSON).encode(),
    json.dumps([PERSON, {PERSON: TOKEN}]).encode(),
    json.dumps({PERSON: [{"a": TOKEN}]}).encode(),
    json.dumps({"dailies": [{"userId": PERSON, "name": NAME}], MAIL: [TOKEN]}).encode(),
    private(calendarDate="2009-12-31"),
    private(startTimeInSeconds=NAME),
    private(userId=[PERSON]),
]


@pytest.mark.parametrize("text", UNREADABLE)
def test_a_reject_names_its_place_and_reason_only(text: bytes) -> None:
    fed = feed(text)
    assert fed.rejects != []
    assert_nothing_leaks(fed)


def test_what_a_task_carries_prints_no_secret() -> None:
    known: dict[tuple[str, str], tuple[str, str | None]] = {("garmin", PERSON): ("P1", None)}
    context = IngestContext(CONTRACTS, Identities(KEY, known), "Asia/Tokyo", ())
    context.users("garmin")[PERSON]
    assert PERSON not in repr(context)
    assert repr(KEY) not in repr(context)


@both_readers
def test_a_bare_sample_of_what_is_never_read_is_a_control_item(fast: bool) -> None:
    sample = {
        "user_id": PERSON,
        "uuid": "a",
        "start": "2026-11-09T08:00:00Z",
        "end": "2026-11-09T08:00:00Z",
        "value": 4,
    }
    flow, steps = (
        json.dumps({**sample, "type": kind}).encode()
        for kind in ("HKCategoryTypeIdentifierMenstrualFlow", "HKQuantityTypeIdentifierStepCount")
    )
    fed = feed(lines(flow, steps, flow), "healthkit_measurements", fast=fast)
    assert (fed.tally["control"], fed.tally["records"], [row["line"] for row in fed.rows]) == (2, 1, [2])
    assert_nothing_leaks(fed)


@pytest.mark.parametrize(
    ("folder", "kind", "is_read"),
    [
        ("measurements", "HKQuantityTypeIdentifierStepCount", True),
        ("measurements", " hkquantitytypeidentifierstepcount ", True),
        ("measurements", "HKCategoryTypeIdentifierMindfulSession", True),
        ("measurements", None, True),
        ("measurements", "HKCategoryTypeIdentifierPregnancy ", False),
        ("measurements", "HKScoredAssessmentTypeIdentifierPHQ9", False),
        ("measurements", "HKStateOfMindType", False),
        ("measurements", "HKQuantityTypeIdentifierInsulinDelivery", False),
        ("measurements", ["HKCategoryTypeIdentifierPregnancy"], False),
        ("measurements", "", False),
        ("health_auto_export", "step_count", True),
        ("health_auto_export", "hiv_test", False),
        ("health_auto_export", "Pregnancy_Test ", False),
        ("health_auto_export", NAME, False),
    ],
)
def test_only_kinds_of_samples_that_a_contract_lists_are_read(folder: str, kind: object, is_read: bool) -> None:
    raw = {"user_id": PERSON, "uuid": "a", "start": "2026-11-09T08:00:00Z", "date": "2026-11-09 08:00:00 +0900"}
    fed = feed(json.dumps({**raw, "type": kind, "name": kind, "qty": 1, "value": 1}).encode(), f"healthkit_{folder}")
    assert (fed.tally["records"], fed.tally["control"], fed.rejects) == (int(is_read), int(not is_read), [])
    assert_nothing_leaks(fed)


#: Fields with a vocabulary of the vendor's that nobody lists: any short word is stored.
OPEN = {
    "garmin_activities.activity_type", "garmin_activityDetails.activity_type", "garmin_epochs.activity_type",
    "garmin_moveIQActivities.activity_type", "garmin_moveIQActivities.activity_sub_type", "oura_workout.activity",
    "oura_enhanced_tag.tag_type_code",
}  # fmt: skip
CANARIES = (
    "CNRY00012",
    NAME,
    "090-1234-5678",
    "4711471",
    PERSON,
    "x9-tok",
    "TARO.YAMADA.AT.EXAMPLE.ORG",
    "TARO_YAMADA",
)


def filled(node: Any, canary: str) -> list[Any]:
    """Copies of a value, each with the canary in the place of another one of its texts."""
    if isinstance(node, str):
        return [canary]
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    at = {key: filled(value, canary) for key, value in pairs}
    if isinstance(node, list):
        return [[*node[:key], copy, *node[key + 1 :]] for key, copies in at.items() for copy in copies]
    return [{**node, key: copy} for key, copies in at.items() for copy in copies]


@pytest.mark.parametrize("contract", CONTRACTS.sources, ids=lambda contract: contract.name)
def test_no_text_in_any_place_of_a_record_is_published(contract: SourceContract) -> None:
    [fullest] = sorted((e for e in contract.examples if e.expect is not None), key=lambda e: len(e.raw))[-1:]
    shown = set()
    for canary in CANARIES:
        copies = [json.dumps(copy).encode() for copy in filled(json.loads(fullest.raw), canary)]
        fed = feed(lines(*copies), contract.name, arrival=fullest.arrival)
        assert fed.tally["lines"] == len(copies)
        for row in fed.rows:
            shown |= {(f"{contract.name}.{name}", canary) for name, value in row.items() if has(value, canary)}
        rejects = [{name: value for name, value in reject.items() if name != "raw"} for reject in fed.rejects]
        assert not has((rejects, fed.tally, fed.issues, fed.reasons), canary)
    words = [canary for canary in CANARIES if canary.startswith(("TARO", "x9"))]
    assert shown <= {(name, word) for name in OPEN for word in words}


def has(value: object, canary: str) -> bool:
    """Whether a canary stands in a value, in whatever case and with whatever between its words."""
    return bare(canary) in bare(repr(value))
