"""Contracts nobody ships, with every liberty the contract language gives."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qol.contracts.language import KEY
from qol.contracts.model import Contracts
from qol.contracts.rules import Ping, SourceRules
from qol.contracts.source import SourceContract

EXAMPLE = {"name": "no record", "arrival": "2026-11-10", "raw": "", "reject": "not_json"}


def contract(record: str, fields: Mapping[str, Any], **rest: Any) -> SourceContract:
    """A contract of the source `wild` with these fields."""
    data = {
        "source": "wild",
        "record": record,
        "description": "d",
        "person": ["who"],
        "key": ["at"],
        "examples": [EXAMPLE],
    }
    described = {name: {"description": "d", **spec} for name, spec in fields.items()}
    given = {**data, "fields": described, **rest, KEY: f"sources/wild/{record}.yaml"}
    return SourceContract.model_validate(given, by_alias=True, by_name=False)


AT = {"at": {"path": "at", "type": "epoch_seconds"}}
EVERYTHING = contract(
    "everything",
    {
        **AT,
        "day_text": {"path": ["on", "day"], "type": "date"},
        "shift": {"path": "shift", "type": "integer", "range": [-43_200, 50_400]},
        "doc": {"path": "doc", "type": "document_id"},
        "free_integer": {"path": "freeInteger", "type": "integer"},
        "tight_integer": {"path": "tight-integer", "type": "integer", "range": [0.5, 9.5], "sentinels": [-1, 99]},
        "below_zero": {"path": "below", "type": "integer", "range": [-9.5, -0.5]},
        "free_number": {"path": "freeNumber", "type": "number"},
        "tight_number": {"path": ["n", "deep.5.n"], "type": "number", "range": [-0.5, 1e17], "sentinels": [-9]},
        "flag": {"path": "deep.flag", "type": "boolean"},
        "kind": {"path": ["kind", "deep.kind"], "type": "code", "uppercase": True, "join_words": True},
        "free_last": {"path": "free", "type": "integer", "samples": {"reduce": "last"}},
        "free_mean": {"path": "free", "type": "number", "samples": {"reduce": "mean"}},
        "free_rounded": {"path": "free", "type": "number", "decimals": 2, "samples": {"reduce": "mean"}},
        "free_sum": {"path": "free", "type": "integer", "samples": {"reduce": "sum"}},
        "score_count": {"path": ["s", "z"], "type": "integer", "samples": {"reduce": "count", "range": [0, 100], "states": -5}},
        "score_last": {"path": ["s", "z"], "type": "integer", "samples": {"reduce": "last", "range": [0, 100], "states": -5}},
        "score_minutes": {"path": ["s", "z"], "type": "number", "samples": {"reduce": "minutes", "range": [0, 100], "states": -5, "within": [1, 25], "seconds_each": 90}},
        "tight_min": {"path": "t", "type": "number", "decimals": 1, "samples": {"reduce": "min", "range": [-0.5, 9.5]}},
        "tight_max": {"path": "t", "type": "number", "samples": {"reduce": "max", "range": [-0.5, 9.5]}},
        "moment": {"path": ["when", "deep.when"], "type": "instant", "range": [1_293_840_000, 1_800_000_000.5]},
        "ahead": {"path": ["when", "deep.when", "shiftText"], "type": "utc_offset"},
        "zone": {"path": "zone", "type": "time_zone"},
        "maker": {"path": ["maker", "when"], "type": "code", "classes": {"WATCH": ["watch"], "PHONE": ["phone", "x-1"]}},
        "condition": {"path": ["maker", "kind"], "type": "code", "closed": True, "classes": {"FAULTY": ["not", "-1"], "SOUND": ["good", "true", "0", "日本", "x-1"]}},
        "listed_kind": {"path": "kind", "type": "code", "known": ["Good", "a.b-c_1", "not a code", "x-1"]},
        "shared_doc": {"path": "doc", "type": "document_id", "namespace": "things"},
        "asleep": {"path": ["stretches", "older"], "type": "intervals", "samples": {"reduce": "intervals", "start": "v", "end": "w", "keys": ["a", "b"]}},
        "stage_minutes": {"path": ["stretches", "older"], "type": "number", "decimals": 1, "range": [0, 120], "samples": {"reduce": "minutes", "start": "v", "end": "w", "only": {"path": "kind", "values": ["a", "7"]}}},
        "last_end": {"path": ["stretches", "older"], "type": "instant", "samples": {"reduce": "max", "of": "w"}},
        "first_moment": {"path": "moments", "type": "epoch_seconds", "sentinels": [0], "range": [1, 1_800_000_000], "samples": {"reduce": "min"}},
        "phases": {"path": ["zone", "maker"], "type": "intervals", "samples": {"reduce": "intervals", "characters": "xA1", "seconds_each": 90, "from": "moment"}},
        "listed": {"path": ["e", "f"], "type": "integer", "samples": {"reduce": "sum", "of": "v", "keys": ["a", "b"], "range": [-10, 10]}},
    },
    key=["at", "kind", "flag"],
    drop=["token"],
    day={"date": "day_text", "start": "at", "offset": "shift"},
    source_timestamp="at",
)  # fmt: skip
TIMES = contract(
    "times",
    {
        "at": {"path": "at", "type": "instant"},
        "shift": {"path": "at", "type": "utc_offset"},
        "zone": {"path": "zone", "type": "time_zone"},
        "phases": {"path": "phases", "type": "intervals", "samples": {"reduce": "intervals", "characters": "123", "seconds_each": 300, "from": "at"}},
    },
    day={"start": "at", "offset": "shift", "zone": "zone", "shift_hours": 6.5},
    source_timestamp="at",
)  # fmt: skip
ZONES = contract(
    "zones",
    {
        "at": {"path": "at", "type": "epoch_seconds", "range": [0, 4_102_444_800]},
        "zone": {"path": "zone", "type": "time_zone"},
    },
    day={"start": "at", "zone": "zone", "shift_hours": -4},
)
DATE_AND_OFFSET = contract(
    "date_and_offset",
    {"on": {"path": "on", "type": "date"}, "shift": {"path": "shift", "type": "integer"}},
    key=["on"],
    day={"date": "on", "offset": "shift"},
)
NO_DAY = contract("no_day", {"doc": {"path": "doc", "type": "document_id"}}, key=["doc"])
START_ONLY = contract("start_only", AT, day={"start": "at"}, source_timestamp="at")
TWO_MEANINGS = contract(
    "two_meanings",
    {
        **AT,
        "wide": {"path": "m", "type": "integer", "samples": {"reduce": "count", "range": [0, 100]}},
        "narrow": {"path": "m", "type": "number", "samples": {"reduce": "mean", "range": [50, 60]}},
    },
)
LEAF_AND_NODE = contract("leaf_and_node", {**AT, "maker": {"path": ["source", "source.name"], "type": "code"}})
WITH_UNITS = contract("with_units", {**AT, "n": {"path": "n", "type": "number", "units": "unit"}})
LIMITED = contract(
    "limited",
    {**AT, "kind": {"path": "kind", "type": "code"}, "n": {"path": "n", "type": "number", "ranges_by": {"field": "kind", "ranges": {"GOOD": [0, 9]}}}},
)  # fmt: skip
TIMED = contract(
    "timed",
    {
        **AT, "kind": {"path": "kind", "type": "code"}, "until": {"path": "until", "type": "epoch_seconds"},
        "n": {"path": "n", "type": "number", "ranges_by": {"field": "kind", "ranges": {"GOOD": [0, 9]}, "per_minute": {"start": "at", "end": "until", "highest": {"GOOD": 5}}}},
    },
)  # fmt: skip
OTHERS = contract(
    "others",
    {
        **AT,
        "doc": {"path": "doc", "type": "document_id"},
        "kind": {"path": "kind", "type": "code", "known": ["x-1"]},
        "other": {"path": "kind", "type": "document_id", "of_other": "kind"},
    },
    key=["doc"],
    key_without=["at", "kind", "other"],
)
SELECTED = contract("selected", {**AT, "n": {"path": ["n", "all[kind=GOOD].n"], "type": "integer"}})
EXACT = contract("exact", {**AT, "n": {"path": "n", "type": "decimal"}})
SENTINEL_INSIDE = contract("sentinel_inside", {**AT, "n": {"path": "n", "type": "integer", "sentinels": [0]}})
PERSON_BELOW = contract("person_below", AT, person=["user", "id"])
FIELD_IS_PING = contract("field_is_ping", {**AT, "link": {"path": "callbackURL", "type": "code"}})
#: Contracts whose clean lines no struct can tell.
SLOW = (
    WITH_UNITS,
    LIMITED,
    TIMED,
    OTHERS,
    SELECTED,
    EXACT,
    TWO_MEANINGS,
    LEAF_AND_NODE,
    SENTINEL_INSIDE,
    PERSON_BELOW,
    FIELD_IS_PING,
)
WILD = Contracts(
    root=Path(),
    sources=(EVERYTHING, TIMES, ZONES, DATE_AND_OFFSET, NO_DAY, START_ONLY, *SLOW),
    metrics=(),
    relations=(),
    groups=(),
    derived=(),
    source_rules={
        "wild": SourceRules(
            source="wild", control_keys=frozenset({"goodbye"}), ping=Ping(has="callbackURL", lacks="doc")
        )
    },
)
