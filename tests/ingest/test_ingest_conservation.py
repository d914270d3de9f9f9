"""Whatever happens to the bytes, ingest never raises and counts every item exactly once."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qol.contracts.rules import SourceRules
from tests.effort import examples

from .feed import CONTRACTS, MONDAY_START, Fed, daily, feed, lines

NIGHT = {
    "userId": "u2",
    "startTimeInSeconds": MONDAY_START,
    "durationInSeconds": 7_200,
    "sleepLevelsMap": {"deep": [{"startTimeInSeconds": MONDAY_START, "endTimeInSeconds": MONDAY_START + 60}]},
    "overallSleepScore": {"value": 81, "qualifierKey": "GOOD"},
    "timeOffsetSleepSpo2": {"0": 95.5},
}
VALID = [
    daily(steps=1, timeOffsetHeartRateSamples={"0": 60, "15": 61}, _received_at="2026-11-10T01:00:00Z"),
    daily("calendarDate", steps="72.0", distanceInMeters=1e3, stressQualifier="calm", novel={"a": [1, "\u3042"]}),
    json.dumps({"sleeps": [NIGHT], "dailies": [json.loads(daily())], "_received_at": "x"}).encode(),
    json.dumps([NIGHT, {"hrv": []}]).encode(),
    b'{"data":[],"next_token":null}',
]

mutations = st.tuples(
    st.sampled_from(["flip", "truncate", "splice", "insert"]), st.integers(0, 10**6), st.binary(max_size=4)
)


def mutated(data: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    for kind, number, text in changes:
        at = number % (len(data) + 1)
        if kind == "flip" and at < len(data):
            data = data[:at] + bytes([data[at] ^ (1 << number % 8)]) + data[at + 1 :]
        elif kind == "truncate":
            data = data[:at]
        elif kind == "splice":
            data = data[:at] + data[number * 7919 % (len(data) + 1) :]
        else:
            data = data[:at] + text + data[at:]
    return data


def assert_conserved(fed: Fed, data: bytes) -> None:
    tally = fed.tally
    assert tally["physical_lines"] == data.count(b"\n") + (data != b"" and not data.endswith(b"\n"))
    assert tally["lines"] == tally["blank"] + tally["control"] + tally["rejected"] + tally["records"]
    assert (tally["records"], tally["rejected"]) == (len(fed.rows), sum(reject["items"] for reject in fed.rejects))
    assert {r["line"] for r in fed.rows + fed.rejects} <= set(range(1, tally["physical_lines"] + 1))


@settings(max_examples=examples(100, 300))
@given(
    st.lists(st.sampled_from(VALID), min_size=1, max_size=4), st.lists(mutations, min_size=1, max_size=4), st.booleans()
)
def test_mutated_lines_never_raise_and_every_item_counts_once(
    texts: list[bytes], changes: list[tuple[str, int, bytes]], fast: bool
) -> None:
    data = mutated(lines(*texts), changes).removeprefix(b"\xef\xbb\xbf")
    assert_conserved(feed(data, fast=fast), data)


@settings(max_examples=examples(40, 100))
@given(st.lists(mutations, min_size=1, max_size=6), st.booleans())
def test_a_mutated_bare_record_is_still_one_item_per_line(changes: list[tuple[str, int, bytes]], fast: bool) -> None:
    data = mutated(lines(VALID[0], VALID[1]), changes).removeprefix(b"\xef\xbb\xbf")
    fed = feed(data, fast=fast)
    assert fed.tally["lines"] == fed.tally["physical_lines"]


elements: st.SearchStrategy[Any] = st.sampled_from(
    [NIGHT, {"userId": "u1"}, {}, 7, None, "x", [], {"callbackURL": "x"}]
)
envelopes = st.dictionaries(
    st.sampled_from(["dailies", "sleeps", "hrv", "deregistrations", "wellnessMoments"]),
    st.lists(elements, max_size=3),
    max_size=3,
)


@settings(max_examples=examples(40, 100))
@given(envelopes)
def test_an_envelope_has_one_item_per_element_and_one_if_it_has_none(envelope: dict[str, list[Any]]) -> None:
    fed = feed(json.dumps(envelope).encode())
    assert fed.tally["lines"] == max(1, sum(map(len, envelope.values())))


@settings(max_examples=examples(40, 100))
@given(st.lists(elements, max_size=4))
def test_a_list_has_one_item_per_element_and_one_if_it_has_none(document: list[Any]) -> None:
    fed = feed(json.dumps(document).encode())
    assert fed.tally["lines"] == max(1, len(document))
    assert [reject["item"] for reject in fed.rejects] == sorted({reject["item"] for reject in fed.rejects})


def test_a_rejected_element_is_kept_itself_and_not_the_whole_line() -> None:
    data = b"[" + b"1," * 50_000 + b'{"steps":5}]'
    fed = feed(data)
    assert (fed.tally["rejected"], fed.rejects[0]["raw"], fed.rejects[-1]["raw"]) == (50_001, b'"***"', b'{"steps":5}')


def test_rows_and_rejects_beyond_one_frame_are_all_there() -> None:
    fed = feed(lines(*[daily(steps="1"), b"nope"] * 5_000))
    assert (len(fed.rows), sum(reject["items"] for reject in fed.rejects)) == (5_000, 5_000)
    assert [row["line"] for row in fed.rows] == list(range(1, 10_001, 2))


def test_names_of_control_folders_may_hold_underscores() -> None:
    rules = SourceRules(source="apple_health", control_keys=frozenset({"good_bye"}))
    contracts = replace(CONTRACTS, source_rules={"apple": SourceRules(source="apple"), "apple_health": rules})
    fed = feed(lines(b"nope", b'{"good_bye":[{},{}]}'), "apple_health_good_bye", contracts=contracts)
    assert [(reject["source"], reject["record"]) for reject in fed.rejects] == [("apple_health", "good_bye")]
    assert fed.tally["control"] == 2


@pytest.mark.parametrize("length", [5_000, 100_000])
def test_a_number_of_absurd_length_costs_at_most_its_value(length: int) -> None:
    number = b"9" * length
    texts = [daily()[:-1] + b',"%b":%b}' % (name, number) for name in (b"steps", b"userId", b"summaryId", b"x")]
    fed = feed(lines(*texts))
    assert (fed.verdicts, [row["value_issues"] for row in fed.rows]) == (
        [],
        [["steps: integer of more than 40 digits too_large"], None, None, None],
    )


def test_unclosed_texts_cost_no_more_than_their_length() -> None:
    text = b"[]" * 101 + b'"' + b'\\"' * 2_000_000
    assert feed(text).verdicts == ["not_json"]
