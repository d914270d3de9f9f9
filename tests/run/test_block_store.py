"""Blocks between map and reduce: each bucket gets what the tasks that ended well left for it, and nothing else."""

from pathlib import Path
from typing import Any

import pytest

from qol.lake.local import LocalLake
from qol.run.block_store import NO_BLOCKS, BlockStore


@pytest.fixture
def store(tmp_path: Path) -> BlockStore:
    return BlockStore(LocalLake(tmp_path), "_staging/run/blocks/")


def stored_files(store: BlockStore) -> list[str]:
    return [found.key for found in store.lake.walk("_staging/")]


def test_a_bucket_gets_its_block_of_every_task(store: BlockStore) -> None:
    files = [store.write({2: b"first"}, 3), store.write({1: b"b", 0: b"a", 2: b"second"}, 3)]
    assert [store.read(files, bucket) for bucket in range(3)] == [[b"a"], [b"b"], [b"first", b"second"]]


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
