"""The two things a run asks of whatever executes it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

#: Of dailies, zstd makes half as many bytes as lz4, in twice the time.
Compression = Literal["lz4", "zstd"]
T = TypeVar("T")
R = TypeVar("R")


class Mapped(NamedTuple):
    """What a map task gives: a summary for the driver, and blocks of bytes for buckets."""

    summary: Any
    blocks: list[tuple[int, bytes]]


class Shuffled(Protocol):
    """Blocks that lie ready by bucket."""

    summaries: list[Any]

    def reduce(self, function: Callable[[int, Iterator[bytes]], R]) -> list[R]:
        """Call the function for every bucket with its blocks in no particular order; results in bucket order."""


class Engine(Protocol):
    """Runs pure, picklable functions; the results do not depend on which engine it is."""

    name: str
    #: What suits how blocks travel.
    compression: Compression

    def shuffle(self, tasks: list[T], function: Callable[[T], Mapped], buckets: int) -> Shuffled:
        """Map every task and bring blocks to their buckets; summaries in task order."""

    def map(self, items: Iterable[T], function: Callable[[T], R]) -> list[R]:
        """Call the function for every item; results in order."""

    def close(self) -> None:
        """Give back what the engine holds."""
