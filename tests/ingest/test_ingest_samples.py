"""Samples become the one value a field names: states are left out, a true 0 is a value, order does not matter."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qol.contracts.fields import Field, SampleRule
from qol.ingest.map_reduction import MapReducer
from qol.ingest.sample_reduction import by_offset, mean, reduce_samples

STRESS: dict[str, Any] = {"range": (0, 100), "states_low": -5}


def reduced(samples: object, kind: str = "number", decimals: int | None = 2, **rule: Any) -> tuple[Any, int]:
    rounded = {} if decimals is None else {"decimals": decimals}
    described: dict[str, Any] = {"name": "f", "paths": (("f",),), "type": kind, "description": "d", **rounded}
    spec = Field(**described, samples=SampleRule(**rule))
    return reduce_samples(spec, samples)


def test_a_true_0_of_stress_stays_and_states_are_no_values() -> None:
    samples = {"0": -2, "180": -1, "360": 0, "540": 30, "720": -5}
    assert reduced(samples, reduce="mean", **STRESS) == (15.0, 0)
    assert reduced(samples, reduce="min", kind="integer", **STRESS) == (0, 0)
    assert reduced(samples, reduce="count", kind="integer", **STRESS) == (2, 0)


def test_states_alone_are_no_value_not_a_value_of_0() -> None:
    for reduce in ("mean", "min", "max", "sum", "last"):
        assert reduced({"0": -1, "180": -2}, reduce=reduce, **STRESS) == (None, 0)
    assert reduced({"0": -1}, reduce="count", kind="integer", **STRESS) == (None, 0)
    assert reduced({"0": -1}, reduce="minutes", within=(0, 25), seconds_each=180, **STRESS) == (None, 0)


def test_a_state_nobody_declared_and_a_value_out_of_range_are_counted() -> None:
    assert reduced({"0": -6, "1": 101, "2": 50}, reduce="mean", **STRESS) == (50.0, 2)
    assert reduced({"0": -1, "1": 50}, reduce="mean", range=(0, 100)) == (50.0, 1)


def test_a_0_below_the_range_is_no_state() -> None:
    assert reduced({"0": 0, "1": -1, "2": 50}, reduce="mean", range=(1, 100), states_low=-5) == (50.0, 1)


def test_a_sample_that_is_no_number_is_counted() -> None:
    samples = {"0": "50", "1": 52.0, "3": True, "4": "x", "5": [50], "6": {}}
    assert reduced(samples, reduce="mean", **STRESS) == (51.0, 4)


def test_a_null_among_samples_says_nothing_and_is_not_counted() -> None:
    assert reduced([50, None, 52.0], reduce="mean", **STRESS) == (51.0, 0)
    assert reduced({"0": 50, "180": None}, reduce="last", kind="integer", **STRESS) == (50, 0)
    assert reduced([None, None], reduce="count", kind="integer") == (None, 0)


@pytest.mark.parametrize("samples", [{}, [], None])
def test_no_samples_are_no_value_and_no_issue(samples: object) -> None:
    assert reduced(samples, reduce="mean") == (None, 0)


@pytest.mark.parametrize("samples", [70, "70", True])
def test_what_is_no_map_or_list_is_one_invalid_sample(samples: object) -> None:
    assert reduced(samples, reduce="mean") == (None, 1)


def test_last_is_the_sample_of_the_largest_number_not_of_the_largest_text() -> None:
    assert reduced({"900": 58, "1080": 34, "180": 60}, reduce="last", kind="integer") == (34, 0)
    assert reduced({"1080": -1, "900": 58, "180": 60}, reduce="last", kind="integer", **STRESS) == (58, 0)
    assert reduced([1, 3, 2], reduce="last", kind="integer") == (2, 0)


@pytest.mark.parametrize(
    ("samples", "order"),
    [
        ({"10": "b", "9": "a"}, "ab"),
        ({"5": "b", "05": "a"}, "ab"),
        ({"05": "a", "5": "b"}, "ab"),
        ({"x": "a", "0": "b"}, "ab"),
        ({"": "a", "7": "b"}, "ab"),
        ({"1.5": "b", "2": "c", "-3": "a"}, "abc"),
        ({"9" * 5000: "a", "7": "b"}, "ab"),
        ({"1e3": "b", "999": "a"}, "ab"),
        ({}, ""),
    ],
)
def test_samples_are_ordered_by_the_number_of_their_key(samples: dict[str, str], order: str) -> None:
    assert "".join(map(str, by_offset(samples))) == order


@pytest.mark.parametrize(("reduce", "value"), [("count", 3), ("min", 2), ("max", 7), ("sum", 13), ("last", 4)])
def test_samples_are_reduced(reduce: str, value: int) -> None:
    assert reduced({"0": 7, "15": 2, "30": 4}, kind="integer", reduce=reduce) == (value, 0)


def test_minutes_count_samples_within_the_band_both_ends_included() -> None:
    samples = {str(n): value for n, value in enumerate([25, 26, 50, 51, -1])}
    assert reduced(samples, reduce="minutes", within=(26, 50), seconds_each=180, **STRESS) == (6.0, 0)
    assert reduced(samples, reduce="minutes", within=(76, 100), seconds_each=180, **STRESS) == (0.0, 0)


@pytest.mark.parametrize(
    ("values", "decimals", "value"),
    [
        ([1, 2], 0, 2.0),
        ([1, 2], 1, 1.5),
        ([1, 1, 1, 1, 1, 1, 1, 2], 2, 1.13),
        ([-1, -2], 0, -2.0),
        ([0.5, 1.0], 1, 0.8),
        ([0.25], 1, 0.3),
        ([-0.25], 1, -0.3),
        ([1, 1, 2], 2, 1.33),
        ([0.005], 2, 0.01),
        ([1.005], 2, 1.0),
        ([0.1] * 10, 10, 0.1),
        ([1e16, 1.0, -1e16], 2, 0.33),
        ([-0.004], 2, 0.0),
        ([1, 2], None, 1.5),
    ],
)
def test_a_mean_is_exact_and_its_half_is_rounded_up(values: list[float], decimals: int | None, value: float) -> None:
    assert mean(values, decimals) == value
    assert mean(values[::-1], decimals) == value


def test_whole_and_decimal_spellings_of_samples_have_the_same_mean() -> None:
    spellings: list[list[Any]] = [[60, 61, 62, 62], [60.0, 61.0, 62.0, 62.0], ["60", "61.0", 62, "62"]]
    assert {reduced(samples, reduce="mean") for samples in spellings} == {(61.25, 0)}


def test_a_sum_of_fractions_does_not_depend_on_their_order() -> None:
    values = [0.1, 0.2, 0.3, 1e9, -1e9]
    sums = {reduced(order, reduce="sum", decimals=None) for order in (values, values[::-1], sorted(values))}
    assert sums == {(0.6, 0)}


LEVELS = {
    "deep": [{"end": 10, "start": 1}, {"end": 30}],
    "light": [{"end": 20}, {"start": 5}, 7, None],
    "naps": [{"end": 99}],
    "broken": {"end": 98},
}


def test_samples_in_structs_are_found_in_every_list_below() -> None:
    assert reduced(LEVELS, kind="integer", reduce="max", of="end") == (99, 0)
    assert reduced(LEVELS, kind="integer", reduce="count", of="end") == (4, 0)


def test_only_the_named_keys_of_a_map_of_lists_are_read() -> None:
    assert reduced(LEVELS, kind="integer", reduce="max", of="end", keys=("deep", "light")) == (30, 0)
    assert reduced(LEVELS, kind="integer", reduce="max", of="end", keys=("rem",)) == (None, 0)


def test_a_list_has_no_keys_to_choose_by() -> None:
    assert reduced(LEVELS["deep"], kind="integer", reduce="max", of="end", keys=("deep",)) == (None, 1)
    assert reduced([], kind="integer", reduce="max", of="end", keys=("deep",)) == (None, 0)
    assert reduced({"end": 5}, kind="integer", reduce="max", of="end", keys=("deep",)) == (None, 0)


def test_a_list_of_structs_is_read_without_a_map() -> None:
    naps = [{"seconds": 1_200}, {"seconds": "1800.0"}, {"seconds": -5}, {"seconds": "long"}, {}]
    assert reduced(naps, kind="integer", reduce="sum", of="seconds", range=(0, 43_200)) == (3_000, 2)


def test_a_sample_that_no_device_could_mean_is_counted_and_left_out_whatever_the_range() -> None:
    assert reduced({"0": 2**41, "1": 2**41 + 1}, reduce="max", range=(-1e18, 1e18)) == (2.0**41, 1)
    assert reduced([2**41, 2**41 + 1, -(2**41) - 1], reduce="max", kind="integer", decimals=None) == (2**41, 2)
    assert reduced([2.0**41, 2.5**41], reduce="max", range=(0, 2**60)) == (2.0**41, 1)


def test_what_rounds_to_0_is_never_a_negative_0() -> None:
    assert [str(mean([value], 2)) for value in (-0.004, 0.004)] == ["0.0", "0.0"]


@pytest.mark.parametrize(
    ("samples", "expected"),
    [([79203294, 98933270, 74456988], 84197850.66666667), ([62, 64, 67], 64.3333333333), ([-1, -2], -1.5)],
)
def test_means_of_many_maps_together_have_every_digit(samples: list[int], expected: float) -> None:
    rule = SampleRule(reduce="mean")
    spec = Field(name="f", paths=(("f",),), type="number", description="d", decimals=10, samples=rule)
    values, clean = MapReducer([spec]).reduce([dict(zip("abc", samples, strict=False))])
    assert (values["f"].to_list(), clean.to_list()) == ([expected], [True])
    assert mean(samples, 10) == expected


@pytest.mark.parametrize("reduce", ["min", "max", "last", "sum"])
def test_a_value_that_the_field_cannot_have_is_left_to_the_record_reader(reduce: Any) -> None:
    given: dict[str, Any] = {"name": "f", "paths": (("f",),), "type": "number", "description": "d", "range": (10, 50)}
    reducer = MapReducer([Field(**given, sentinels=(20,), samples=SampleRule(reduce=reduce))])
    texts = [b'{"0":5}', b'{"0":20}', b'{"0":30}', b'{"0":60}', b'{"0":5.5}', b'{"0": 60}', b'{"0":30.5}']
    for maps in (list(map(msgspec.Raw, texts)), list(map(msgspec.json.decode, texts))):
        values, clean = reducer.reduce(maps)
        assert clean.to_list() == [False, False, True, False, False, False, True]
        assert values["f"].filter(clean).to_list() == [30.0, 30.5]


@given(
    st.lists(
        st.dictionaries(st.integers(0, 99), st.integers(-900, 9_999) | st.integers(-9, 99).map(lambda v: v * 100)),
        min_size=1,
    ),
    st.sampled_from(["count", "mean", "min", "max", "sum", "last"]),
    st.sampled_from(["number", "integer"]),
    st.sampled_from([{}, *({"decimals": decimals} for decimals in (0, 1, 2, 10))]),
)
def test_maps_with_decimals_together_have_the_values_of_each_alone(
    maps: list[dict[int, int]], reduce: Any, kind: Any, rounded: dict[str, Any]
) -> None:
    kind = "number" if reduce == "mean" else kind
    spec = Field(name="f", paths=(("f",),), type=kind, description="d", samples=SampleRule(reduce=reduce), **rounded)
    texts = [
        "{" + ",".join(f'"{offset}":{samples[offset] / 100:g}' for offset in sorted(samples)) + "}" for samples in maps
    ]
    alone = [reduce_samples(spec, msgspec.json.decode(text))[0] for text in texts]
    for together in ([msgspec.Raw(text.encode()) for text in texts], list(map(msgspec.json.decode, texts))):
        values, clean = MapReducer([spec]).reduce(together)
        assert (values["f"].to_list(), clean.all()) == (alone, True)


def test_a_mean_that_is_a_half_but_for_how_floats_are_stored_is_that_of_the_floats() -> None:
    spec = Field(
        name="f", paths=(("f",),), type="number", description="d", decimals=1, samples=SampleRule(reduce="mean")
    )
    values, _ = MapReducer([spec]).reduce([{"0": 1.15}, {"0": 1.1, "1": 1.3}, {"0": 2.35}])
    assert values["f"].to_list() == [1.1, 1.2, 2.4]  # 1.15 is stored as 1.1499..., 2.35 as 2.3500...


@pytest.mark.parametrize("read", [msgspec.Raw, msgspec.json.decode], ids=["as JSON", "decoded"])
def test_samples_with_three_decimals_keep_the_third(read: Any) -> None:
    spec = Field(
        name="f", paths=(("f",),), type="number", description="d", decimals=3, samples=SampleRule(reduce="mean")
    )
    values, clean = MapReducer([spec]).reduce([read(b'{"0":1.234,"15":1.238}'), read(b'{"0":1.25}')])
    assert (values["f"].to_list(), clean.all()) == ([1.236, 1.25], True)
