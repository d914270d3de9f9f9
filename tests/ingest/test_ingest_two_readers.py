"""The columnar reader gives what the record reader gives, to the last bit, for any line."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qol.contracts.model import Contracts
from qol.contracts.source import SourceContract
from qol.identity.pseudonyms import Identities, UserIndex
from qol.ingest.clean_lines import LEARN_AFTER
from qol.ingest.columnar_reader import ColumnarReader
from qol.ingest.decoder_types import is_usable
from qol.ingest.envelopes import contracts_of_envelopes, records_of
from qol.ingest.line_batches import MIN_COLUMNAR_LINES
from qol.ingest.record_reader import RecordReader
from tests.effort import examples

from .feed import CONTRACTS, KEY, Fed, daily, feed, lines
from .wild import DATE_AND_OFFSET, EVERYTHING, NO_DAY, SLOW, START_ONLY, TIMES, WILD, ZONES
from .wild_records import records, sound, spoiled, to_text

FAST = [
    *[c for c in CONTRACTS.sources if is_usable(c)],
    EVERYTHING,
    TIMES,
    ZONES,
    DATE_AND_OFFSET,
    NO_DAY,
    START_ONLY,
]
#: Beside the wild ones, which between them use every word; all others are compared in `make acceptance`.
ALWAYS_COMPARED = {"garmin_sleeps"}
EVERY = [
    *[
        pytest.param(CONTRACTS, c, id=c.name, marks=() if c.name in ALWAYS_COMPARED else pytest.mark.acceptance)
        for c in CONTRACTS.sources
    ],
    *[pytest.param(WILD, contract, id=contract.name) for contract in WILD.sources],
]


def assert_same(data: bytes, contracts: Contracts = CONTRACTS, record: str = "garmin_dailies") -> Fed:
    """Both readers agree; what they give."""
    fast = feed(data, record, fast=True, contracts=contracts)
    by_record = feed(data, record, fast=False, contracts=contracts)
    assert repr(fast.rows) == repr(by_record.rows)
    assert fast == by_record
    return by_record


def texts(*drawn: str) -> bytes:
    return lines(*[text.encode() for text in drawn])


def some(spoiled_records: Iterable[str]) -> list[str]:
    """One in seven of the records, which has every kind of value and every place; all in `make acceptance`."""
    return list(spoiled_records)[:: examples(7, 1)]


@pytest.mark.parametrize(("contracts", "contract"), EVERY)
def test_both_readers_agree_on_every_odd_value_in_every_place(contracts: Contracts, contract: SourceContract) -> None:
    assert_same(texts(*some(spoiled(contract))), contracts, contract.name)


@pytest.mark.parametrize(("contracts", "contract"), EVERY)
@settings(max_examples=examples(6, 25))
@given(data=st.data())
def test_both_readers_agree(contracts: Contracts, contract: SourceContract, data: st.DataObject) -> None:
    drawn = data.draw(st.lists(records(contract), min_size=1, max_size=8))
    assert_same(texts(*drawn), contracts, contract.name)


@pytest.mark.parametrize(("contracts", "contract"), EVERY)
@settings(max_examples=examples(3, 8))
@given(data=st.data())
def test_both_readers_agree_after_new_fields_were_learned(
    contracts: Contracts, contract: SourceContract, data: st.DataObject
) -> None:
    before, after = (data.draw(st.lists(records(contract), min_size=1, max_size=6)) for _ in range(2))
    repeated = data.draw(records(contract))[:-1] + ',"novel":1,"callbackURL":"x"}'
    assert_same(texts(*before, *[repeated] * (LEARN_AFTER + 2), *after), contracts, contract.name)


def is_of_envelopes(contracts: Any, contract: Any) -> bool:
    return contract in contracts_of_envelopes(contracts, contract.source).values() and is_usable(contract)


OF_ENVELOPES = [case for case in EVERY if is_of_envelopes(*case.values)]
STAMPS = [
    "",
    ',"_received_at":"2026-11-10T00:05:03.000250Z"',
    ',"_received_at":null',
    ',"_received_at":"soon"',
    ',"more":[{}]',
]


def envelope(contract: SourceContract, records: list[str], end: str) -> str:
    return f'{{"{min(contract.envelope_keys)}":[{",".join(records)}]{end}}}'


def test_both_readers_agree_on_every_odd_value_beside_a_sound_record() -> None:
    contract = CONTRACTS.by_name["garmin_sleeps"]
    drawn = [envelope(contract, [odd, to_text(sound(contract))], STAMPS[1]) for odd in some(spoiled(contract))]
    assert_same(texts(*drawn), CONTRACTS, contract.name)


@pytest.mark.parametrize(("contracts", "contract"), OF_ENVELOPES)
@settings(max_examples=examples(6, 25))
@given(data=st.data())
def test_both_readers_agree_on_envelopes(contracts: Contracts, contract: SourceContract, data: st.DataObject) -> None:
    lists = data.draw(st.lists(st.lists(records(contract), max_size=4), min_size=1, max_size=4))
    drawn = [envelope(contract, found, data.draw(st.sampled_from(STAMPS))) for found in lists]
    assert_same(texts(*lists[-1], *drawn, *lists[0]), contracts, contract.name)


def test_both_readers_agree_on_envelopes_after_a_new_field_was_learned() -> None:
    contract = CONTRACTS.by_name["garmin_dailies"]
    novel = to_text(sound(contract))[:-1] + ',"novel":1}'
    many = envelope(contract, [novel] * (LEARN_AFTER + 2), STAMPS[1])
    found = assert_same(texts(many, envelope(contract, [novel, '{"steps":"x"}'], ""), many), CONTRACTS, contract.name)
    assert (len(found.rows), found.tally["rejected"]) == (2 * LEARN_AFTER + 5, 1)


def test_records_of_an_envelope_take_no_longer_way_than_bare_ones() -> None:
    contract = CONTRACTS.by_name["garmin_dailies"]
    by_key = contracts_of_envelopes(CONTRACTS, "garmin")
    found = records_of(envelope(contract, ['{"a":1}', '{"b":2}'], STAMPS[1]).encode(), by_key)
    assert found == (contract, [b'{"a":1%s}' % STAMPS[1].encode(), b'{"b":2%s}' % STAMPS[1].encode()])
    assert {"dailies", "sleeps", "stressDetails", "hrv", "epochs"} <= {contract.record for contract in by_key.values()}
    for line in (
        '{"dailies":[{"a":1}],"sleeps":[]}', '{"dailies":[{"a":1},5]}', '{"dailies":[]}', '{"dailies":[{}]}', '{"dailies":{"a":1}}',
        '{"dailies":[{"_received_at":null}]}', '{"Odd":[{"a":1}]}', '{"dailies":[{"a":1}]', '{"dailies":[{"a":' + "[" * 99 + "]" * 99 + "}]}",
        '{"dailies":[{"a":1}],"_received_at":"%s"}' % ("9" * 63),
    ):  # fmt: skip
        assert records_of(line.encode(), by_key) is None


def columnar_reader(
    contract: SourceContract, discriminator_fields: tuple[str, ...] = ("callbackURL",)
) -> ColumnarReader:
    identities = Identities(KEY, {})
    users = UserIndex(identities, contract.source, ())
    return ColumnarReader(RecordReader(contract, users, identities, "Asia/Tokyo"), discriminator_fields)


@pytest.mark.parametrize(
    ("source", "frequent"),
    [
        (
            "garmin",
            {"dailies", "sleeps", "stressDetails", "epochs", "hrv", "allDayRespiration", "pulseox", "activities"},
        ),
        ("oura", {"heartrate", "sleep", "daily_activity", "daily_sleep", "daily_readiness", "daily_stress", "workout"}),
    ],
)
def test_types_with_many_lines_are_read_fast(source: str, frequent: set[str]) -> None:
    assert frequent <= {c.record for c in FAST if c.source == source}


@pytest.mark.parametrize("contract", FAST, ids=lambda contract: contract.name)
def test_a_clean_line_is_never_left_to_the_record_reader(contract: SourceContract) -> None:
    rows, others = columnar_reader(contract).read([to_text(sound(contract)).encode()] * 3, 20_766)
    assert rows is not None
    assert (rows.height, others) == (3, [])


@pytest.mark.parametrize("contract", SLOW, ids=lambda contract: contract.name)
def test_a_contract_whose_clean_lines_no_struct_can_validate_is_read_line_by_line(contract: SourceContract) -> None:
    assert not columnar_reader(contract).usable


def others_of(reader: ColumnarReader, *batch: bytes) -> list[int]:
    return reader.read(batch, 20_766)[1]


def dailies_reader() -> ColumnarReader:
    return columnar_reader(CONTRACTS.by_name["garmin_dailies"])


def test_a_new_scalar_field_is_fast_from_the_batch_on_that_has_its_32nd_record() -> None:
    reader = dailies_reader()
    assert others_of(reader, *[daily(novel=1)] * 31) == list(range(31))
    assert others_of(reader, daily(novel=1)) == []
    assert others_of(reader, daily(novel="x"), daily(novel=None), daily(), daily(novel=0.5)) == []


def test_a_new_field_that_holds_an_object_stays_slow() -> None:
    assert others_of(dailies_reader(), *[daily(novel={"level": 3})] * 40) == list(range(40))


def test_the_discriminator_of_a_ping_is_never_learned() -> None:
    ping = b'{"userId":"u1","callbackURL":"https://example.org","calendarDate":"2026-11-09"}'
    fed = assert_same(lines(*[ping] * 80), record="garmin_userMetrics")
    assert (fed.tally["control"], fed.tally["records"]) == (80, 0)


def test_a_field_is_learned_in_the_middle_of_a_chunk() -> None:
    fed = assert_same(lines(*[daily(novel=1), daily(steps=1)] * 40, daily(steps=2)))
    assert fed.tally["records"] == 81
    assert fed.issues == {("garmin_dailies", "novel", "unknown_field"): 40}


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "\x00"])
def test_a_name_that_no_struct_can_have_is_counted_however_often_it_comes(name: str) -> None:
    fed = assert_same(lines(*[daily(**{name: 1})] * 40))
    assert (fed.tally["records"], fed.issues.total()) == (40, 40)


def test_at_most_64_names_are_learned() -> None:
    reader = dailies_reader()
    for number in range(70):
        others_of(reader, *[daily(**{f"n{number}": 1})] * 33)
    assert others_of(reader, daily(n63=1), daily(n64=1)) == [1]


def test_unknown_fields_of_a_line_that_is_rejected_are_not_counted_by_either_reader() -> None:
    fed = assert_same(lines(*[daily("startTimeInSeconds", novel=1)] * 40, daily(novel=1)))
    assert fed.issues == {("garmin_dailies", "novel", "unknown_field"): 1}


def test_a_chunk_of_few_lines_is_not_worth_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def read(_: ColumnarReader, batch: list[Any], *__: Any) -> tuple[None, list[int]]:
        asked.append(len(batch))
        return None, list(range(len(batch)))

    monkeypatch.setattr(ColumnarReader, "read", read)
    assert feed(lines(*[daily()] * (MIN_COLUMNAR_LINES - 1))).tally["records"] == MIN_COLUMNAR_LINES - 1
    feed(lines(*[daily()] * MIN_COLUMNAR_LINES))
    assert asked == [MIN_COLUMNAR_LINES]


@pytest.mark.parametrize("zero", ["-0.0", "-1e-9", '"-0.0"', '"-1e-999"'])
def test_a_zero_has_no_sign(zero: str) -> None:
    text = f'{{"who":"u1","at":1794150000,"freeNumber":{zero},"t":{{"0":{zero}}},"free":{{"0":{zero}}}}}'
    fed = assert_same(text.encode(), WILD, "wild_everything")
    names = ("tight_min", "free_rounded") if zero == "-1e-9" else ("free_number", "tight_min", "free_rounded")
    assert [str(fed.row[name]) for name in names] == ["0.0"] * len(names)


@pytest.mark.parametrize("first", [{}, {"0": -1}, [], "none", {"0": 999}])
def test_a_spelling_that_gives_no_value_leaves_it_to_the_next(first: object) -> None:
    text = json.dumps({"who": "u1", "at": 1_794_150_000, "s": first, "z": {"0": 55}}).encode()
    assert assert_same(text, WILD, "wild_everything").row["score_last"] == 55


def test_no_sample_leaves_64_bits() -> None:
    huge = {str(n): 2**41 for n in range(300)} | {"x": 2**41 + 1, "y": 1e300, "z": 2**70}
    fed = assert_same(json.dumps({"who": "u1", "at": 1_794_150_000, "free": huge}).encode(), WILD, "wild_everything")
    assert (fed.row["free_sum"], fed.row["free_mean"]) == (300 * 2**41, float(2**41))
    assert fed.row["value_issues"] == ["free: 3 samples out_of_range"]


@pytest.mark.parametrize("dropped", [{"interval": 60.0, "items": [60.0, None], "timestamp": "x"}, [1, "x"], 5, None])
def test_a_dropped_series_does_not_make_a_line_slow(dropped: object) -> None:
    text = json.dumps({"who": "u1", "at": 1_794_150_000, "token": dropped}).encode()
    assert others_of(columnar_reader(EVERYTHING), text, text) == []


def test_what_is_dropped_and_deeper_is_read_slowly() -> None:
    text = json.dumps({"who": "u1", "at": 1_794_150_000, "token": [[1]]}).encode()
    assert others_of(columnar_reader(EVERYTHING), text) == [0]
    assert assert_same(text, WILD, "wild_everything").tally["records"] == 1
