"""The one thing a run asks of whatever executes it, and where blocks may lie meanwhile."""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from qol.lake.base import Lake

T = TypeVar("T")
R = TypeVar("R")


class Engine(Protocol):
    """Runs pure, picklable functions; the results do not depend on which engine it is."""

    name: str

    @property
    def scratch(self) -> Lake | None:
        """A folder that all its workers reach; None where they share nothing but the lake."""

    def map(self, items: Iterable[T], function: Callable[[T], R]) -> list[R]:
        """Call the function for every item, perhaps more than once; results in order."""

    def close(self) -> None:
        """Give back what the engine holds."""
