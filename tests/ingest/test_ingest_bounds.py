"""Few bytes are little work: rejects, unpacked bytes and the items of a line are bounded, and every item is still counted."""

import gzip
import tracemalloc
from unittest.mock import patch

import pytest

from qol.ingest import line_reader

from .feed import daily, feed, lines, read_tasks
from .test_ingest_ranges import tasks_of


def test_of_many_rejects_of_one_reason_the_thousandth_counts_those_after_it() -> None:
    fed = feed(lines(*[b"1"] * 1_005, b"nope", daily()))
    assert [(r["line"], r["reason"], r["items"]) for r in fed.rejects[-3:]] == [
        (999, "not_an_object", 1),
        (1_000, "not_an_object", 6),
        (1_006, "not_json", 1),
    ]
    assert (len(fed.rejects), fed.tally["rejected"], len(fed.rows)) == (1_001, 1_006, 1)


def test_every_object_has_its_own_thousand() -> None:
    objects = {f"raw/{name}.jsonl": lines(*[b"1"] * 1_001) for name in "ab"}
    fed = read_tasks(objects, tasks_of(objects, 2**20))
    assert [(r["object_index"], r["items"]) for r in fed.rejects if r["items"] > 1] == [(0, 2), (1, 2)]


def test_a_gzip_object_is_read_up_to_two_hundred_times_its_size() -> None:
    packed = gzip.compress(b"1\n" * 400_000, 9)
    fed = feed(packed, gzip=True)
    assert (fed.tally["physical_lines"], len(fed.rejects)) == (len(packed) * 100, 1_001)
    assert fed.tally["lines"] == fed.tally["rejected"] == sum(reject["items"] for reject in fed.rejects)
    last = fed.rejects[-1]
    assert (last["line"], last["reason"]) == (len(packed) * 100 + 1, "truncated_object")
    assert last["message"].endswith("it expands too much: to more than 200 times its size, or 4 GiB")


@pytest.mark.parametrize(("limit", "read", "verdicts"), [(-1, 2, ["truncated_object"]), (0, 3, [])])
def test_no_gzip_object_is_read_beyond_what_any_may_unpack_to(limit: int, read: int, verdicts: list[str]) -> None:
    text = lines(*[daily()] * 3)
    with patch.object(line_reader, "MAX_UNPACKED_BYTES", len(text) + limit):
        fed = feed(gzip.compress(text), gzip=True)
    assert (fed.tally["records"], fed.verdicts) == (read, verdicts)


def test_the_items_of_a_long_line_are_never_all_in_memory() -> None:
    line = b'{"dailies":[' + b"1," * 75_000 + b"1]}"
    tracemalloc.start()
    fed = feed(line)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (fed.tally["rejected"], [r["items"] for r in fed.rejects]) == (75_001, [1] * 999 + [74_002])
    assert peak < 5 * 2**20
