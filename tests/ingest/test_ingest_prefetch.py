"""Small objects are asked for ahead, several at once; what is read is the same."""

import threading
import time
from typing import Any, cast

import pytest

from qol.errors import LakeError
from qol.identity.pseudonyms import Identities
from qol.ingest.examples import InMemoryLake
from qol.ingest.line_reader import ObjectRange
from qol.ingest.listing import RawObject, ingest_tasks
from qol.ingest.results import IngestContext
from qol.ingest.task import ingest
from qol.lake.base import Lake, StoredObject

from .feed import CONTRACTS, KEY, daily, lines


class SlowLake(InMemoryLake):
    """Every read takes a while; notes how many were on their way at once, and what was asked how often."""

    reads_at_once = 8

    def __init__(self, objects: dict[str, bytes]) -> None:
        super().__init__(objects)
        self.most = self._now = 0
        self.asked: list[str] = []
        self._lock = threading.Lock()

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            self.asked.append(key)
        time.sleep(0.01)
        with self._lock:
            self._now -= 1
        return super().read(key, start, length)


OBJECTS = {
    **{f"raw/{number:02d}.jsonl": lines(daily(steps=number), b"{") for number in range(30)},
    "raw/large.jsonl": lines(*[daily(steps=100 + number) for number in range(7_000)]),
}


def tasks() -> list[list[ObjectRange]]:
    raws = [RawObject(StoredObject(k, len(v), "t"), "garmin_dailies", "2026-11-10") for k, v in OBJECTS.items()]
    return list(ingest_tasks(raws, 2**30))


def read_from(lake: Any) -> Any:
    setting = IngestContext(CONTRACTS, Identities(KEY, {}), "Asia/Tokyo", ())
    [parts] = tasks()
    return ingest(cast("Lake", lake), setting, parts)


def test_small_objects_are_asked_for_several_at_once_and_each_once() -> None:
    lake = SlowLake(OBJECTS)
    assert len(OBJECTS["raw/large.jsonl"]) > 2**20 > len(OBJECTS["raw/00.jsonl"])
    given, plain = read_from(lake), read_from(InMemoryLake(OBJECTS))
    assert 4 <= lake.most <= 9
    assert sorted(lake.asked) == sorted(OBJECTS)
    assert given.tallies == plain.tallies
    assert given.rejects.equals(plain.rejects)
    assert given.rows["garmin_dailies"].equals(plain.rows["garmin_dailies"])


def test_an_object_that_is_gone_fails_the_task_as_without_reading_ahead() -> None:
    class Gone(SlowLake):
        def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
            if key == "raw/07.jsonl":
                raise LakeError(f"{key}: gone from the lake while it was needed")
            return super().read(key, start, length)

    with pytest.raises(LakeError, match="/2d897e867a7cbeaf3141b632b6843769: gone from the lake"):
        read_from(Gone(OBJECTS))
