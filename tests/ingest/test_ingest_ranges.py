"""How bytes are cut, packed or compressed changes nothing: the same rows, the same absolute lines, the same counts."""

import gzip
import random
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import MagicMock, patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qol.ingest import line_reader as lines_module
from qol.ingest.examples import InMemoryLake
from qol.ingest.line_reader import LineChunk, LongLine, ObjectRange, read_lines
from qol.ingest.listing import OPEN_BYTES, RawObject, ingest_tasks
from qol.lake.base import StoredObject
from tests.effort import examples

from .feed import Fed, daily, feed, lines, read_tasks

BOM = b"\xef\xbb\xbf"
SHORT = b'{"userId":"u1","calendarDate":"2026-11-09","startTimeInSeconds":1794150000,"steps":%d}'


@contextmanager
def small_blocks(chunk: int, step: int) -> Iterator[None]:
    """Read objects in blocks so small that every seam is met."""
    with patch.object(lines_module, "CHUNK_BYTES", chunk), patch.object(lines_module, "STEP_BYTES", step):
        yield


def assert_any_split_is_the_same(data: bytes, sizes: range | list[int]) -> Fed:
    whole = feed(data)
    for size in sizes:
        assert feed(data, size=size) == whole, size
    return whole


MIXED = BOM + b"\r\n".join([SHORT % 1, b"", b"nope", SHORT % 4, b"  ", b"[]", SHORT % 7])


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n\n"], ids=["nothing", "LF", "CRLF", "blank"])
@pytest.mark.parametrize(
    ("chunk", "step", "every"),
    [(2**23, 2**20, 23), (7, 5, 11), (1, 1, 29), pytest.param(7, 5, 1, marks=pytest.mark.acceptance)],
)
def test_ranges_of_any_size_give_the_same(end: bytes, chunk: int, step: int, every: int) -> None:
    data = MIXED + end
    with small_blocks(chunk, step):
        whole = assert_any_split_is_the_same(data, range(1, len(data) + 2, every))
    assert [(row["line"], row["steps"]) for row in whole.rows] == [(1, 1), (4, 4), (7, 7)]
    assert [(reject["line"], reject["reason"]) for reject in whole.rejects] == [(3, "not_json")]
    blank = 2 + (end == b"\n\n")
    assert (whole.tally["blank"], whole.tally["control"], whole.tally["physical_lines"]) == (blank, 1, 5 + blank)


def test_a_long_line_across_many_ranges_is_one_line() -> None:
    data = lines(daily(steps=1), daily(steps=2, x="a" * 1_000), daily(steps=3))
    whole = assert_any_split_is_the_same(data, [1, 100, 133, 134, 135, 999, 1_000, 1_200])
    assert [(row["line"], row["steps"]) for row in whole.rows] == [(1, 1), (2, 2), (3, 3)]


def test_a_line_over_the_limit_is_one_reject_however_it_is_split() -> None:
    data = lines(b"x" * 80_000, b"y" * 80_001, b"", b"z" * 300_000, b"{}")
    with patch.object(lines_module, "MAX_LINE_BYTES", 80_000), small_blocks(5_000, 3_000):
        whole = assert_any_split_is_the_same(data, [1_000, 79_999, 80_000, 80_001, 80_002, 160_003, 250_000])
    assert whole.verdicts == ["not_json", "line_too_long", "line_too_long", "missing_key"]
    assert [reject["line"] for reject in whole.rejects] == [1, 2, 4, 5]
    assert [reject["raw_bytes"] for reject in whole.rejects] == [80_000, 80_001, 300_000, 2]


pieces = st.sampled_from([SHORT % 1, SHORT % 2, b"", b" ", b"nope", b"[1,2]", b"\xff", b'{"dailies":[]}', b"\r", BOM])


@settings(max_examples=examples(25, 100))
@given(
    st.lists(st.tuples(pieces, st.sampled_from([b"\n", b"\r\n"])), max_size=8),
    st.booleans(),
    st.booleans(),
    st.lists(st.integers(1, 400), max_size=4),
)
def test_any_object_split_anywhere_gives_the_same(
    parts: list[tuple[bytes, bytes]], starts_with_bom: bool, ends_open: bool, sizes: list[int]
) -> None:
    data = (BOM if starts_with_bom else b"") + b"".join(text + end for text, end in parts)
    data = data.removesuffix(b"\n") if ends_open else data
    with small_blocks(11, 6):
        whole = assert_any_split_is_the_same(data, sizes)
    text = data.removeprefix(BOM)
    assert whole.tally["physical_lines"] == text.count(b"\n") + (text != b"" and not text.endswith(b"\n"))


def objects(count: int) -> dict[str, bytes]:
    return {f"raw/{n}.jsonl": lines(*[SHORT % (10 * n + line) for line in range(1, n + 2)]) for n in range(count)}


def tasks_of(contents: dict[str, bytes], target: int) -> list[list[ObjectRange]]:
    raws = [RawObject(StoredObject(k, len(v), "t"), "garmin_dailies", "2026-11-10") for k, v in contents.items()]
    return list(ingest_tasks(raws, target))


@pytest.mark.parametrize("seed", range(5))
def test_the_order_in_which_ranges_are_packed_and_run_is_irrelevant(seed: int) -> None:
    contents = objects(6)
    straight = read_tasks(contents, tasks_of(contents, 2**20))
    ranges = [part for parts in tasks_of(contents, 97) for part in parts]
    random.Random(seed).shuffle(ranges)
    mixed = [ranges[start : start + 1 + seed] for start in range(0, len(ranges), 1 + seed)]
    assert read_tasks(contents, mixed) == straight
    assert len(straight.rows) == 21


def test_small_objects_share_a_task_and_big_ones_are_split() -> None:
    contents = {"raw/a.jsonl": b"x" * 10, "raw/b.jsonl": b"x" * 10, "raw/c.jsonl": b"x" * 90_000}
    tasks = tasks_of(contents, 2 * OPEN_BYTES + 20)
    spans = [[(part.key[4:5], part.start, part.end) for part in parts] for parts in tasks]
    assert spans == [
        [("a", 0, 10), ("b", 0, 10)],
        [("c", 0, 32_788)],
        [("c", 32_788, 65_576)],
        [("c", 65_576, 90_000)],
    ]


def test_an_object_without_a_byte_is_read_and_holds_no_line() -> None:
    [[part]] = tasks_of({"raw/a.jsonl": b""}, 100)
    assert (part.start, part.end) == (0, 0)
    assert set(feed(b"").tally.values()) == {0}


def test_a_compressed_object_is_never_split() -> None:
    [[part]] = tasks_of({"raw/a.jsonl.gz": b"x" * 1_000}, 100)
    assert (part.start, part.end) == (0, 1_000)


def test_nothing_but_zeros_is_no_compressed_object() -> None:
    assert feed(b"\0" * 100, gzip=True).verdicts == ["truncated_object"]


COMPRESSED = {
    "one member": gzip.compress(MIXED),
    "two members, cut inside a line": gzip.compress(MIXED[:150]) + gzip.compress(MIXED[150:]),
    "a member per byte": b"".join(gzip.compress(bytes([byte])) for byte in MIXED),
    "padded with zeros": gzip.compress(MIXED) + b"\0" * 512,
    "an empty member first": gzip.compress(b"") + gzip.compress(MIXED),
}


@pytest.mark.parametrize("packed", COMPRESSED.values(), ids=COMPRESSED)
@pytest.mark.parametrize(("chunk", "step"), [(2**23, 2**20), (7, 5), (1, 1)])
def test_a_compressed_object_is_read_like_a_plain_one(packed: bytes, chunk: int, step: int) -> None:
    plain = feed(MIXED)
    with small_blocks(chunk, step):
        read = feed(packed, gzip=True)
    assert (read.rows, read.tally) == (plain.rows, plain.tally)
    assert [r["line"] for r in read.rejects] == [3]


@pytest.mark.parametrize("step", [1, 5, 2**20])
def test_a_compressed_object_cut_anywhere_gives_whole_lines_and_one_reject(step: int) -> None:
    text = lines(*[SHORT % n for n in range(1, 4)])
    packed = gzip.compress(text, 0)
    for end in range(0, len(packed), examples(5, 1)):
        with small_blocks(2**23, step):
            fed = feed(packed[:end], gzip=True)
        read = fed.tally["records"]
        assert [row["steps"] for row in fed.rows] == list(range(1, read + 1))
        assert (fed.verdicts, fed.rejects[0]["line"]) == (["truncated_object"], read + 1)
        assert read == text[: max(0, end - 15)].count(b"\n")


def test_garbage_after_a_compressed_object_is_one_reject_after_its_lines() -> None:
    fed = feed(gzip.compress(lines(daily())) + b"garbage", gzip=True)
    assert (fed.tally["records"], fed.verdicts) == (1, ["truncated_object"])


def chunks(data: bytes, start: int, end: int) -> list[LineChunk]:
    part = ObjectRange(0, "k", "garmin_dailies", "2026-11-10", len(data), start, end)
    return list(read_lines(InMemoryLake({"k": data}), part))


def test_a_range_holds_the_lines_that_start_in_it() -> None:
    data = b"ab\ncd\nef"
    spans = [(0, 3), (3, 4), (4, 6), (6, 8), (1, 3)]
    found = [[line for chunk in chunks(data, *span) for line in chunk.lines] for span in spans]
    assert found == [[b"ab"], [b"cd"], [], [b"ef"], []]


@pytest.mark.parametrize("data", [b"ab\ncd", b"ab\n", b"\n\n", BOM, BOM + b"a\n", b"\r\n"])
def test_a_small_object_has_the_same_lines_in_one_piece_and_in_steps(data: bytes) -> None:
    def found() -> list[bytes | LongLine]:
        return [line for chunk in chunks(data, 0, len(data)) for line in chunk.lines]

    whole = found()
    with small_blocks(1, 1):
        assert found() == whole


def test_a_small_object_of_which_a_read_gives_a_part_is_read_to_its_end() -> None:
    lake = MagicMock()
    lake.read.side_effect = lambda _, start, length: b"ab\ncd"[start : start + min(2, length)]
    found = read_lines(lake, ObjectRange(0, "k", "garmin_dailies", "2026-11-10", 5, 0, 5))
    assert [line for chunk in found for line in chunk.lines] == [b"ab", b"cd"]


def test_of_a_line_over_the_limit_only_its_head_and_length_are_kept() -> None:
    with patch.object(lines_module, "MAX_LINE_BYTES", 3), small_blocks(2, 2):
        [chunk] = chunks(b"abcdef", 0, 6)
    assert chunk.lines == [LongLine(b"abcd", 6)]


def test_a_line_over_the_limit_is_never_held_whole() -> None:
    tail = lines_module.LineTail()
    with patch.object(lines_module, "MAX_LINE_BYTES", 10):
        for _ in range(1_000):
            tail.feed(b"abcdef")
        assert len(tail._kept) < 20
        assert tail.rest() == LongLine(b"abcdefabcdef", 6_000)
