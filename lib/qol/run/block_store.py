"""Blocks: what map tasks leave for the reduce of each bucket of users, and which buckets are reduced together."""

from __future__ import annotations

import uuid
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from qol.lake.base import Lake, read_many

#: Text that one bucket is made of.
BUCKET_BYTES = 224 * 2**20


class BlockFile(NamedTuple):
    """The object of one task: the block of bucket `b` is its bytes from `offsets[b]` to `offsets[b + 1]`."""

    key: str
    offsets: array[int]

    def place(self, bucket: int) -> tuple[int, int]:
        """Where a bucket's block begins, and its length."""
        if not self.key:
            return 0, 0
        start, end = self.offsets[bucket : bucket + 2]
        return start, end - start


#: Of a task without rows.
NO_BLOCKS = BlockFile("", array("q"))


@dataclass(frozen=True)
class BlockStore:
    """Where the blocks of a run lie until it ends: below a prefix that every worker reaches."""

    lake: Lake
    prefix: str

    def write(self, blocks: Mapping[int, bytes], buckets: int) -> BlockFile:
        """Write the blocks of a task by bucket as one object; its key is unique to this attempt, because tasks are retried."""
        if not blocks:
            return NO_BLOCKS
        key = f"{self.prefix}{uuid.uuid4().hex}"
        members = [blocks.get(bucket, b"") for bucket in range(buckets)]
        with self.lake.create(key) as file:
            file.writelines(members)
        return BlockFile(key, array("q", accumulate(map(len, members), initial=0)))

    def read(self, files: Sequence[BlockFile], bucket: int) -> list[bytes]:
        """The blocks of a bucket, of those tasks that left it one; no other object is read."""
        places = [(file.key, *file.place(bucket)) for file in files]
        return read_many(self.lake, lambda place: self.lake.read(*place), [place for place in places if place[-1]])


def block_bytes(files: Sequence[BlockFile], buckets: int) -> list[int]:
    """Bytes of the blocks of each bucket."""
    return [sum(file.place(bucket)[1] for file in files) for bucket in range(buckets)]


def bucket_count(size: int) -> int:
    """How many buckets of users: as few as fit a worker each, for every bucket has a cost of its own."""
    return max(1, round(size / BUCKET_BYTES))


def reduce_tasks(blocks: Sequence[int], count: int, *, mostly_new: bool) -> list[range]:
    """Neighbouring buckets to reduce together, two at most, given the bytes of each one's blocks: about `count` tasks.

    Each kind of user id has limits of its own, so there are up to twice as many buckets. Of a run whose rows are mostly
    published ones, of which blocks say nothing, each is a task.
    """
    ends = list(accumulate(blocks))
    if not mostly_new or not ends[-1]:
        return [range(bucket, bucket + 1) for bucket in range(len(ends))]
    wanted = [ends[-1] * task / count for task in range(1, count)]
    borders = {1 + min(range(len(ends)), key=lambda bucket: abs(ends[bucket] - end)) for end in wanted}
    joined = [range(*pair) for pair in pairwise(sorted({0, *borders, len(ends)}))]
    return [buckets[first : first + 2] for buckets in joined for first in range(0, len(buckets), 2)]
