"""Users who left: what of a line is theirs, what the ingest counts of it, and what stays."""

import json
from pathlib import Path
from typing import Any

import pytest

from qol.contracts.source import SourceContract
from qol.identity.periods import ALWAYS, Period
from qol.identity.pseudonyms import ALL_TIME, Erased, Identities, Owner
from qol.ingest.person_lines import LineParts, LineSplitter
from qol.ingest.results import IngestContext, ResultBuilder

from .feed import CONTRACTS, KEY, both_readers, daily, feed, lines
from .test_ingest_devices import MONDAY, ROOMS

_NAMES = Identities(KEY, {})
#: The map has u1 as P1 and u2 as P2, and P1 was erased; u9's entry is removed already.
ERASED = Erased(
    frozenset({_NAMES.erasure_hash("user", "P1")}),
    frozenset({_NAMES.erasure_hash("garmin", "u9")}),
    {_NAMES.erasure_hash("wild", "d1"): (Owner(Period(None, 20_000), "", None, ALL_TIME),)},
)
KNOWN: dict[tuple[str, str], tuple[str, str | None]] = {
    ("garmin", "u1"): ("P1", None), ("garmin", "u2"): ("P2", None), ("healthkit", "u1"): ("P1", None),
    ("sensor", "d7"): ("P1", None),
}  # fmt: skip
NOON = 1_794_279_600_000_000  # 2026-11-10T12:00+09:00


def split(
    line: bytes | dict[str, Any] | list[Any], record: str = "garmin_dailies", contracts: Any = CONTRACTS
) -> LineParts:
    text = line if isinstance(line, bytes) else json.dumps(line).encode()
    context = IngestContext(contracts, Identities(KEY, KNOWN, {}, {}, ERASED), "Asia/Tokyo", ())
    return LineSplitter(contracts, ResultBuilder(context), record, ("erased",)).split(text, 20_767)


ONE, TWO = {"userId": "u1", "steps": 1}, {"userId": "u2", "note": "u1 ", "steps": 2}


def text(node: object) -> bytes:
    return json.dumps(node).encode()


@pytest.mark.parametrize(
    "gone", [daily(), daily(userId="u9"), b'{"userId":"u1"}', b'{"userId": "u1", broken', b"\xffu9 "]
)
def test_a_line_that_is_the_persons_alone_goes_even_when_it_would_be_rejected(gone: bytes) -> None:
    assert split(gone) == LineParts(b"", [gone], frozenset({0}))
    assert split(gone.replace(b"u1", b"u2").replace(b"u9", b"u2")).gone == []


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        (b'{"dailies": [%b, %b ,%b]}', b'{"dailies": [%b]}'),
        (b"[ %b , %b,  %b ]", b"[ %b ]"),
        (b'{"_received_at":"2026-11-10T00:00:00Z", "dailies":[%b], "sleeps" : [ %b ],"hrv":[%b]}',
         b'{"_received_at":"2026-11-10T00:00:00Z", "dailies":[], "sleeps" : [ %b ],"hrv":[]}'),
        (b'{"data": [%b,%b,%b], "next_token": null}', b'{"data": [%b], "next_token": null}'),
        (b'{"deregistrations":[%b,%b],"userPermissionsChange":[%b]}', b'{"deregistrations":[%b],"userPermissionsChange":[]}'),
        (b'{"dailies": %b, "sleeps": %b, "hrv": %b}', b'{"sleeps": %b}'),
    ],
)  # fmt: skip
def test_of_an_envelope_or_page_the_persons_elements_go_and_every_other_byte_stays(line: bytes, rest: bytes) -> None:
    one, two, nine = text(ONE), text(TWO), b'{"x":{"y":[1,"\\"}"]},"userId":"u9"}'
    assert split(line % (one, two, nine))[:2] == (rest % two, [one, nine])


def test_an_id_that_the_envelope_gives_its_records_goes_with_them() -> None:
    line = {"user_id": "u1", "data": {"metrics": [{"name": "step_count", "units": "count", "data": [{"qty": 1}]}]}}
    assert split(line, "healthkit_measurements").rest == b""
    assert split(b'["u1", %b, %b]' % (text(ONE), text(TWO))).rest == b"[null, %b]" % text(TWO)


@pytest.mark.parametrize(("at", "rest"), [(MONDAY, False), (1_600_000_000, True)])
def test_of_a_device_the_readings_of_the_persons_days_go(at: int, rest: bool) -> None:
    reading = text({"device": "d1", "at": at})
    assert split(reading, "wild_reading", ROOMS).rest == (reading if at > 1_700_000_000 else b"")


def test_typed_values_of_dynamodb_go_as_a_whole() -> None:
    one, two = (b'{"M":{"device_id":{"S":"%b"}}}' % name for name in (b"d7", b"d8"))
    assert split(b"[%b,%b]" % (one, two), "sensor_readings") == LineParts(b"[%b]" % two, [one], frozenset({0}))


@both_readers
def test_items_of_erased_users_are_counted_and_nothing_of_them_is_kept(fast: bool) -> None:
    given = lines(
        daily(),
        daily(userId="u9"),
        daily(userId="u2"),
        b'{"userId":"u1"}',
        b'{"userId":"u9", no',
        text({"dailies": [ONE, TWO]}),
        b'{"dailies":[%b,%b]}' % (daily(), daily(userId="u2", steps=5)),
        b'{"dailies":[%b]}' % daily(userId="u2", steps=6),
    )
    fed = feed(given, known=KNOWN, erased=ERASED, fast=fast)
    assert [(row["line"], row["user_id"]) for row in fed.rows] == [(3, "P2"), (7, "P2"), (8, "P2")]
    assert (fed.tally["erased"], fed.tally["rejected"], fed.tally["lines"]) == (6, 1, 10)
    assert [(row["line"], row["item"]) for row in fed.rejects] == [(6, 1)]


@both_readers
@pytest.mark.parametrize(
    ("received", "kept"), [("2026-11-10T03:00:00Z", True), ("2026-11-10T03:00:00.000001Z", False), (None, True)]
)
def test_what_arrives_after_a_withdrawal_is_counted_and_not_kept(received: str | None, kept: bool, fast: bool) -> None:
    line = daily(**({"_received_at": received} if received else {}))
    fed = feed(lines(line, b'{"userId":"u2"}'), withdrawn={("garmin", "u1"): NOON}, fast=fast)
    assert (fed.tally["withdrawn"], len(fed.rows), fed.tally["rejected"]) == (int(not kept), int(kept), 1)
    later = feed(line, withdrawn={("garmin", "u1"): NOON - 86_400_000_000}, fast=fast)
    assert later.tally["withdrawn"] == 1


def test_who_gets_a_device_after_an_erased_owner_is_not_erased(tmp_path: Path) -> None:
    erased = Erased(
        ERASED.users, frozenset(), {_NAMES.erasure_hash("wild", "d1"): (Owner(ALWAYS, "", None, ALL_TIME),)}
    )
    owners = {("wild", "d1"): (Owner(Period(20_766, None), "P2", None),)}
    given = lines(text({"device": "d1", "at": MONDAY}), text({"device": "d1", "at": MONDAY - 1}))
    fed = feed(given, "wild_reading", contracts=ROOMS, arrival="2026-11-20", owners=owners, erased=erased)
    assert ([row["user_id"] for row in fed.rows], fed.tally["erased"]) == (["P2"], 1)


def named(contract: SourceContract, raw: dict[str, Any], name: str) -> dict[str, Any]:
    """A raw record of a contract as the person of a name would send it, with the name in a field that no contract has."""
    for key in contract.person[:-1]:
        raw = {**raw, key: dict(raw.get(key) or {})}
    inner = raw
    for key in contract.person[:-1]:
        inner = inner[key]
    inner[contract.person[-1]] = name
    return {**raw, "unheardOf": f"of {name}"}


EXAMPLES = [
    (contract, json.loads(example.raw))
    for contract in CONTRACTS.sources
    for example in contract.examples
    if example.expect and example.raw.startswith("{")
]


@pytest.mark.parametrize("contract", CONTRACTS.sources, ids=lambda contract: contract.name)
def test_of_every_record_type_the_persons_records_go_alone_or_in_envelopes_with_others(
    contract: SourceContract,
) -> None:
    rules = CONTRACTS.source_rules.get(contract.source)
    devices = {_NAMES.erasure_hash(contract.source, "mine"): (Owner(ALWAYS, "", None, ALL_TIME),)}
    erased = Erased(ERASED.users, frozenset(devices), devices if rules and rules.people_by_day else {})
    context = IngestContext(CONTRACTS, Identities(KEY, {}, erased=erased), "Asia/Tokyo", ())
    splitter = LineSplitter(CONTRACTS, ResultBuilder(context), contract.name, ("erased",))
    found = [raw for owner, raw in EXAMPLES if owner is contract and isinstance(raw, dict)]
    bare = [raw for raw in found if set(raw) & {field.paths[0][0] for field in contract.fields}]
    for raw in bare:
        mine, others = (text(named(contract, dict(raw), name)) for name in ("mine", "theirs"))
        assert splitter.split(mine, 20_767) == LineParts(b"", [mine], frozenset({0}))
        assert splitter.split(others, 20_767) == LineParts(others, [])
        page = b'{"data": [%b, %b, %b]}' % (mine, others, mine)
        assert splitter.split(page, 20_767) == LineParts(b'{"data": [%b]}' % others, [mine, mine], frozenset({0, 2}))
    assert bare
