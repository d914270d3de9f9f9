"""Records drawn for any contract: clean ones, wild ones, and clean ones with one odd value."""

import json
import math
from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from qol.contracts.fields import MOMENTS, Field, SampleRule
from qol.contracts.raw_path import is_selector, selected_by
from qol.contracts.source import SourceContract

#: A JSON text, or the members of an object.
Node = str | dict[str, "Node"]

NUMBERS = [
    "0", "-0", "-0.0", "1", "-1", "-5", "7", "99", "100", "101", "0.5", "-0.5", "9.5", "9.50", "10", "72.0", "72.5",
    "1e3", "1E+2", "1.5e1", "1e-9", "5e-324", "1e17", "1e22", "1e299", "1e300", "0.005", "1.005", "2.675", "-1e-3",
    "2147483648", "2199023255552", "9007199254740993", "9007199254740993.0", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551616",
    "1794150000", "1794150000.5", "1794150000000", "1794150000000000", "-522802", "-99999999999", "99999999999",
    "123456789012345678901234567890",
]  # fmt: skip
TEXTS = [
    "", " ", "u1", " u1 ", "GOOD", "good", "not a code", "x" * 64, "x" * 65, "日本", "\u0000", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "2026-11-09", " 2026-11-09 ", "2026-02-30", "20261109", "2026-11-09T00:00:00", "1969-12-31", "9999-12-31",
    "2026-11-10T01:00:00Z", "2026-11-10T10:00:00.5+09:00", "2026-11-10T01:00:60Z", "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00.000Z", "2009-12-31T23:59:59Z", "9999-12-31T23:59:59Z", "2026-11-10T24:00:00Z", "2026-11-10", "20261110T010000Z",
    "2026-11-09T23:10:00+09:00", "2026-11-09 23:10:00 +0900", "2026-11-09T23:10:00 -10:00", "2026-11-09T23:10:00.123456-0330",
    "2026-11-09T23:10:00.1234567Z", "2026-11-09T23:10Z", "2026-11-09T24:00:00+09:00", "2026-02-30T00:00:00Z", "2026-11-09T23:10:00",
    "2026-11-09T23:10:00+14:00", "2026-11-09T23:10:00+14:30", "2026-11-09T23:10:00-13:00", "2026-11-09T23:10:00+09:60", "1999-12-31T23:59:59.9Z",
    "2026-11-09T23:10:60Z", "2026-11-09T25:10:00Z", "2026-13-09T23:10:00Z", " 2026-11-09T23:10:00Z ", "2026-11-09t23:10:00z", "2026-W46-1T10:00:00Z",
    "2026-11-09 3:10:00\u202fpm +0900", "2026-11-09 12:05:00 AM +0000", "2026-11-09 \u5348\u5f8c3:00:00 +0900", "2026-11-09 3:10:00 PM", "2026-11-09 13:10:00 pm +0900",
    "2026-11-09T23:10:00+00:00", "2026-11-09 23:10:00 -0000", "+00:00",
    "+09:00", "-0330", "Z", "+15:00", "Asia/Tokyo", " Europe/Berlin ", "Asia/Nowhere", "asia/tokyo", "UTC", "My Watch", "x-phone",
    "NaN", "Infinity", "true", " False ", "0x1", "1_0", "-1e-999", "1e999", "\uff11\uff12",
]  # fmt: skip
wild_numbers = (
    st.sampled_from([*NUMBERS])
    | st.integers(-(2**70), 2**70).map(str)
    | st.floats(allow_nan=False, allow_infinity=False).map(repr)
)
wild_texts = (st.sampled_from([*TEXTS, *NUMBERS]) | st.text(st.characters(codec="utf-8"), max_size=6)).map(json.dumps)
scalars = wild_numbers | wild_texts | st.sampled_from(["null", "true", "false"])
offsets = st.sampled_from(["0", "5", "05", "15", "30", "180", " 7", "-1", "x", "", "9" * 30, "1.5", "1_0", "٣"])


def object_text(members: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in members.items()) + "}"


def list_text(elements: Sequence[str]) -> str:
    return "[" + ",".join(elements) + "]"


values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(list_text)
        | st.dictionaries(offsets | st.sampled_from(["a", "b", "v", "n", "value", "kind", "5"]), inner, max_size=3).map(
            object_text
        )
    ),
    max_leaves=6,
) | st.dictionaries(offsets, wild_numbers, max_size=4).map(object_text)


moments = st.builds(
    lambda second, fraction, offset: json.dumps(f"2026-11-{9 + second // 86_400:02d}{'T'}{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}{fraction}{offset}"),
    st.integers(0, 2 * 86_400),
    st.sampled_from(["", ".5", ".123456"]),
    st.sampled_from(["Z", "+09:00", "-03:30", " +0900", "+00:00"]),
)  # fmt: skip


def clean(field: Field) -> st.SearchStrategy[str]:
    """Texts a vendor in good health would send for a field."""
    if field.samples is not None:
        return clean_samples(field)
    low = -(2**63) if field.low is None else field.low
    high = 2**63 - 1 if field.high is None else field.high
    whole = st.integers(int(max(low, -(2**63))), int(min(high, 2**63 - 1))).map(str)
    real = st.floats(float(low), float(high)).map(repr)
    days = st.sampled_from(["2026-11-09", "2026-11-10", "2026-11-11", "2010-01-01", "2026-11-12", "2009-12-31"])
    return {
        "integer": whole,
        "epoch_seconds": st.integers(1_794_000_000, 1_794_320_000).map(str),
        "number": whole | real,
        "boolean": st.sampled_from(["true", "false"]),
        "code": st.sampled_from(
            sorted(map(json.dumps, {*field.known, *field.staged} or {"GOOD", "good", " a.b-c_1 "}))
        ),
        "date": days.map(json.dumps),
        "document_id": st.sampled_from(['"x-1"', '" x-1"', '"日本"']),
        "instant": moments,
        "utc_offset": moments | st.sampled_from(['"+09:00"', '"-0330"']),
        "time_zone": st.sampled_from(['"Asia/Tokyo"', '"UTC"']),
        "decimal": real,
    }[field.type]


def clean_samples(field: Field) -> st.SearchStrategy[str]:
    rule = field.samples
    assert rule is not None
    if rule.characters is not None:
        return st.lists(st.sampled_from(rule.characters + "0x"), max_size=8).map("".join).map(json.dumps)
    if rule.start is not None:
        return clean_stretches(rule)
    low = rule.low if rule.states_low is None else rule.states_low
    bounds = (-100.0 if low is None else low, 100.0 if rule.high is None else rule.high)
    whole = st.integers(int(bounds[0]), int(bounds[1]))
    number = whole.map(str) | whole.map(float).map(repr) | st.floats(*bounds).map(lambda v: repr(round(v, 3)))
    if rule.of is None:
        return st.dictionaries(st.sampled_from(["0", "15", "30", "5", "05", "180"]), number, max_size=5).map(
            object_text
        )
    struct = number.map(lambda text: object_text({str(rule.of): text, "name": '"n"'}))
    listed = st.lists(struct, max_size=3).map(list_text)
    names = st.sampled_from([*rule.keys, "other"])
    return listed | st.dictionaries(names, listed, max_size=3).map(object_text)


def clean_stretches(rule: SampleRule) -> st.SearchStrategy[str]:
    """Stretches around 2026-11-09 in Tokyo, some too far away and some that end before they begin."""
    ends = st.tuples(st.integers(1_794_000_000, 1_794_320_000), st.integers(-60, 9_000))
    kinds = st.sampled_from(['"a"', "7", '"other"'])
    struct = st.tuples(ends, kinds).map(
        lambda drawn: object_text(
            {str(rule.start): str(drawn[0][0]), str(rule.end): str(sum(drawn[0])), "kind": drawn[1]}
        )
    )
    listed = st.lists(struct, max_size=3).map(list_text)
    return listed | st.dictionaries(st.sampled_from([*rule.keys, "other"]), listed, max_size=3).map(object_text)


def set_at(tree: dict[str, Node], path: Sequence[str], node: Node) -> None:
    """Put a node at a path; what is in the way gives way."""
    for name in path[:-1]:
        below = tree.setdefault(name, {})
        if isinstance(below, str):
            below = tree[name] = {}
        tree = below
    tree[path[-1]] = node


def to_text(node: Node) -> str:
    """JSON of a tree; names that are selectors of a path become the elements of a list they select."""
    if isinstance(node, str):
        return node
    if node and all(map(is_selector, node)):
        return list_text([to_text(element(name, below)) for name, below in node.items()])
    return object_text({name: to_text(below) for name, below in node.items()})


def element(selector: str, below: Node) -> Node:
    """What a selector takes, with the key and value it takes it by."""
    name, value = selected_by(selector)
    return below if isinstance(below, str) else {name: json.dumps(value), **below}


@st.composite
def records(draw: st.DrawFn, source: SourceContract) -> str:
    """A raw record: most fields clean or absent, at most two places wild, sometimes fields nobody knows."""
    tree: dict[str, Node] = {}
    set_at(tree, source.person, draw(st.sampled_from(['"u1"', '"u2"', '" u3 "'])))
    needed = {*source.key, source.day.date, source.day.start}
    for field in source.fields:
        for number, path in enumerate(field.paths):
            if draw(st.integers(0, 9)) < (9 if field.name in needed and not number else 3):
                set_at(tree, path, draw(clean(field)))
    places = [path[:n] for field in source.fields for path in field.paths for n in range(1, len(path) + 1)]
    places += [
        source.person,
        ("_received_at",),
        ("novel",),
        ("callbackURL",),
        ("deep", "new"),
        *((name,) for name in source.drop),
    ]
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        set_at(tree, draw(st.sampled_from(places)), draw(values))
    if draw(st.booleans()):
        set_at(tree, ("_received_at",), '"2026-11-10T01:00:00.000Z"')
    if draw(st.integers(0, 3)) == 0:
        set_at(tree, ("novel",), draw(scalars))
    return to_text(tree)


def sound(source: SourceContract) -> dict[str, Node]:
    """A clean record with every field in its first spelling."""
    tree: dict[str, Node] = {}
    set_at(tree, source.person, '"u1"')
    seen: set[tuple[str, ...]] = set()
    for field in source.fields:
        rule = field.samples
        lowest = str(math.ceil((field.low if rule is None else rule.low) or 0))
        kinds = {"integer": lowest, "number": lowest, "epoch_seconds": "1794150000", "boolean": "true"}
        kinds |= {"date": '"2026-11-09"', "instant": '"2026-11-09T00:00:00+09:00"'}
        kinds |= {"utc_offset": kinds["instant"], "time_zone": '"Asia/Tokyo"', "decimal": lowest}
        text = kinds.get(field.type, json.dumps(min(field.staged or field.known or ["x-1"])))
        if rule is not None:
            text = sound_samples(rule, "1794150000" if field.type in MOMENTS else lowest)
        if field.paths[0] not in seen or (rule is not None and rule.keys):
            set_at(tree, field.paths[0], text)
        seen.add(field.paths[0])
    return tree


def sound_samples(rule: SampleRule, lowest: str) -> str:
    if rule.characters is not None:
        return '"11"'
    if rule.start is None and rule.of is None:
        return object_text({"0": lowest})
    stretch = {str(rule.start): "1794150000", str(rule.end): "1794153600", "kind": '"a"'}
    listed = list_text([object_text(stretch if rule.start else {str(rule.of): lowest})])
    return object_text({rule.keys[0]: listed}) if rule.keys else listed


def spoiled(source: SourceContract) -> list[str]:
    """The clean record with every odd value in every place, one place at a time."""
    odd = [*NUMBERS, *map(json.dumps, TEXTS), "null", "true", "[]", "{}", "[1]", '{"a":1}']
    places = [(field, path) for field in source.fields for path in field.paths]
    texts = [(path, text) for _, path in places for text in odd]
    texts += [(path, text) for field, path in places for text in in_samples(field, odd)]
    texts += [(path, text) for path in [source.person, ("_received_at",), *zip(source.drop)] for text in odd]
    return [spoil(source, path, text) for path, text in texts]


def in_samples(field: Field, odd: Sequence[str]) -> list[str]:
    """Maps and lists of samples of which one is odd, or has an odd key."""
    rule = field.samples
    if rule is None or rule.characters is not None:
        return []
    if rule.of is None and rule.start is None:
        keys = ["05", " 7", "-1", "x", "", "9" * 5000, "1_0", "\u0663", "015"]
        maps = [object_text({"0": text, "15": "9"}) for text in odd]
        return maps + [object_text({key: "5", "15": "9"}) for key in keys]
    if rule.of is not None:
        lists = [list_text([object_text({rule.of: text}), object_text({rule.of: "5"})]) for text in odd]
    else:
        spoilt = [(key, text) for text in odd for key in (str(rule.start), "other")]
        lists = [list_text([object_text({key: text, str(rule.end): "1794153600"})]) for key, text in spoilt]
    return lists + [object_text({name: text}) for name in (*rule.keys, "other") for text in lists]


def spoil(source: SourceContract, path: Sequence[str], text: str) -> str:
    tree = sound(source)
    set_at(tree, path, text)
    return to_text(tree)
