"""Blocks between map and reduce: each bucket gets what the tasks that ended well left for it, and nothing else."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qol.lake.local import LocalLake
from qol.run.block_store import NO_BLOCKS, BlockStore, block_bytes, reduce_tasks


@pytest.fixture
def store(tmp_path: Path) -> BlockStore:
    return BlockStore(LocalLake(tmp_path), "_staging/run/blocks/")


def stored_files(store: BlockStore) -> list[str]:
    return [found.key for found in store.lake.walk("_staging/")]


def test_a_bucket_gets_its_block_of_every_task(store: BlockStore) -> None:
    files = [store.write({2: b"first"}, 3), store.write({1: b"b", 0: b"a", 2: b"second"}, 3)]
    assert [store.read(files, bucket) for bucket in range(3)] == [[b"a"], [b"b"], [b"first", b"second"]]


def test_the_bytes_of_a_bucket_are_those_of_all_its_blocks(store: BlockStore) -> None:
    files = [store.write({2: b"first"}, 3), NO_BLOCKS, store.write({0: b"a", 2: b"second"}, 3)]
    assert block_bytes(files, 3) == [1, 0, 11]


def test_a_task_without_rows_stores_nothing(store: BlockStore) -> None:
    assert (store.write({}, 3), store.read([NO_BLOCKS], 2), stored_files(store)) == (NO_BLOCKS, [], [])


def test_an_attempt_whose_task_was_done_again_is_not_read(store: BlockStore) -> None:
    store.write({0: b"of an attempt that failed later"}, 1)
    again = store.write({0: b"of the one that ended well"}, 1)
    assert (store.read([again], 0), len(stored_files(store))) == ([b"of the one that ended well"], 2)


def test_a_bucket_without_a_block_asks_for_no_object(store: BlockStore, monkeypatch: pytest.MonkeyPatch) -> None:
    file = store.write({0: b"a", 3: b"d"}, 4)
    asked: list[Any] = []
    monkeypatch.setattr(LocalLake, "read", lambda _, *place: asked.append(place))
    for bucket in range(4):
        store.read([file], bucket)
    assert asked == [(file.key, 0, 1), (file.key, 1, 1)]


def test_neighbouring_buckets_are_joined_to_tasks_of_about_the_same_size() -> None:
    assert reduce_tasks([388, 212, 400], 2, mostly_new=True) == [range(2), range(2, 3)]
    assert reduce_tasks([10, 10, 20], 2, mostly_new=True) == [range(2), range(2, 3)]
    assert reduce_tasks([5, 5, 5, 5], 4, mostly_new=True) == [range(n, n + 1) for n in range(4)]
    assert reduce_tasks([7, 7], 1, mostly_new=True) == [range(2)]


def test_two_at_most_are_joined_as_their_published_rows_may_be_many() -> None:
    assert reduce_tasks([0, 0, 0, 0, 9, 9], 2, mostly_new=True) == [range(2), range(2, 4), range(4, 5), range(5, 6)]


def test_a_large_bucket_is_a_task_of_its_own_and_none_is_left_out() -> None:
    assert reduce_tasks([0, 90, 5, 5], 3, mostly_new=True) == [range(1), range(1, 2), range(2, 4)]


def test_buckets_stay_alone_where_blocks_say_nothing_of_most_rows() -> None:
    assert reduce_tasks([388, 212, 400], 2, mostly_new=False) == [range(1), range(1, 2), range(2, 3)]
    assert reduce_tasks([0, 0], 1, mostly_new=True) == [range(1), range(1, 2)]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.integers(1, 12), st.booleans())
def test_every_bucket_is_in_one_task_in_order(blocks: list[int], count: int, mostly_new: bool) -> None:
    tasks = reduce_tasks(blocks, count, mostly_new=mostly_new)
    assert [bucket for task in tasks for bucket in task] == list(range(len(blocks)))
    assert all(1 <= len(task) <= 2 for task in tasks)
