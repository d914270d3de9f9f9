"""Messages among documents: one that says what is gone is a record wherever it lies, one that announces is counted."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qol.contracts.model import Contracts
from qol.contracts.rules import Ping, SourceRules

from .feed import CONTRACTS, Fed, both_readers, feed, lines
from .wild import contract

KNOWN = {("oura", "u1"): ("P1", None)}
GONE = {
    "event_type": "delete",
    "data_type": "sleep",
    "object_id": "a",
    "event_time": "2026-11-10T01:00:00Z",
    "user_id": "u1",
}
NIGHT = {"user_id": "u1", "id": "a", "day": "2026-11-10", "type": "long_sleep"}


def fed(document: Any, record: str = "oura_deleted", copies: int = 1, *, fast: bool = True) -> Fed:
    return feed(lines(*[json.dumps(document).encode()] * copies), record, known=KNOWN, fast=fast)


@pytest.mark.parametrize("record", ["oura_deleted", "oura_sleep", "oura_heartrate"])
@pytest.mark.parametrize("document", [GONE, [GONE], {"data": [GONE], "next_token": None}, {"deleted": [GONE]}])
def test_a_deletion_is_a_record_in_every_folder_and_envelope(record: str, document: Any) -> None:
    row = fed(document, record).row
    assert (row["record"], row["user_id"], row["data_type"], row["event_time"]) == (
        "oura_deleted",
        "P1",
        "sleep",
        1_794_272_400,
    )


@pytest.mark.parametrize("record", ["oura_deleted", "oura_sleep", "oura_heartrate"])
@pytest.mark.parametrize("event", ["create", "update", None, 5])
def test_a_message_that_deletes_nothing_is_counted(record: str, event: Any) -> None:
    tally = fed(GONE | {"event_type": event}, record).tally
    assert (tally["lines"], tally["control"]) == (1, 1)


@pytest.mark.parametrize("event", ["delete", "create"])
def test_messages_are_never_taken_for_documents_however_many_there_are(event: str) -> None:
    message = GONE | {"event_type": event, "id": "a", "day": "2026-11-10"}
    for record in ("oura_sleep", "oura_deleted"):
        fast, by_record = (fed(message, record, 80, fast=way) for way in (True, False))
        assert fast == by_record
    deleting = {"delete": 80, "create": 0}[event]
    assert sum(row["record"] == "oura_deleted" for row in fed(message, "oura_sleep", 80).rows) == deleting


def test_a_deletion_and_the_document_it_names_have_the_same_hash() -> None:
    night = fed(NIGHT, "oura_sleep").row
    readiness = fed({"user_id": "u1", "id": "a", "day": "2026-11-10"}, "oura_daily_readiness").row
    assert night["document_id"] == fed(GONE).row["document_id"] == readiness["document_id"]


def test_a_deletion_in_a_folder_of_control_messages_is_a_record() -> None:
    gone = contract(
        "gone",
        {"doc": {"path": "doc", "type": "document_id"}},
        key=["doc"],
        only={"path": "event", "values": ["delete"], "anywhere": True},
    )
    rules = SourceRules(source="wild", control_keys=frozenset({"goodbye"}), ping=Ping(has="event", lacks="at"))
    contracts = replace(Contracts(Path(), (gone,), (), (), (), ()), source_rules={"wild": rules})
    both = lines(*[json.dumps({"who": "u1", "doc": "a", "event": event}).encode() for event in ("delete", "create")])
    result = feed(both, "wild_goodbye", contracts=contracts)
    assert ([row["record"] for row in result.rows], result.tally["control"]) == (["wild_gone"], 1)


@both_readers
def test_a_source_without_pings_has_its_deletions_taken_out_of_documents_too(fast: bool) -> None:
    gone = contract(
        "gone", {"at": {"path": "at", "type": "epoch_seconds"}},
        only={"path": "event", "values": ["delete"], "anywhere": True},
    )  # fmt: skip
    seen = contract("seen", {"at": {"path": "at", "type": "epoch_seconds"}})
    both = [json.dumps({"who": "u1", "at": 1_794_150_000, "event": event}).encode() for event in ("create", "delete")]
    contracts = Contracts(Path(), (gone, seen), (), (), (), ())
    rows = feed(lines(*both * 40), "wild_seen", contracts=contracts, fast=fast).rows
    assert [sum(row["record"] == f"wild_{name}" for row in rows) for name in ("seen", "gone")] == [40, 40]


@both_readers
@pytest.mark.parametrize(
    ("rules", "rest"),
    [
        (SourceRules(source="wild", ping=Ping(has="link", lacks="at_all")), {"drop": ["link"]}),
        (SourceRules(source="wild", ping=Ping(has="link", lacks="at_all"), inherit=frozenset({"link"})), {}),
    ],
)  # fmt: skip
def test_a_mark_that_is_dropped_or_inherited_still_tells_a_message(
    rules: SourceRules, rest: dict[str, Any], fast: bool
) -> None:
    seen = contract("seen", {"at": {"path": "at", "type": "epoch_seconds"}}, **rest)
    contracts = replace(Contracts(Path(), (seen,), (), (), (), ()), source_rules={"wild": rules})
    message = json.dumps({"who": "u1", "at": 1_794_150_000, "link": "x"}).encode()
    tally = feed(lines(*[message] * 40), "wild_seen", contracts=contracts, fast=fast).tally
    assert (tally["control"], tally["records"]) == (40, 0)


def test_every_document_of_oura_can_be_deleted() -> None:
    gone = CONTRACTS.by_name["oura_deleted"]
    documents = {c.record for c in CONTRACTS.sources if c.source == "oura" and "document_id" in c.by_name}
    assert gone.deletes is not None
    assert {gone.record, *gone.deletes.records} == documents
