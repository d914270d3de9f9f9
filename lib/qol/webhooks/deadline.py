"""Calls to AWS that must all end before the webhook's sender gives up."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from qol.aws.requests import RetryPolicy
from qol.errors import QolError

QUICK = RetryPolicy(attempts=2, connect_seconds=1.0, read_seconds=3.0)
#: No call begins later than this after the start; with the last one's attempts it stays below the function's 28 s.
LAST_START_SECONDS = 18.0
THREADS = 16

Item = TypeVar("Item")


class TooLateError(QolError):
    """When the stores were so slow that the rest of the work is left for the next delivery."""


@dataclass(frozen=True)
class Deadline:
    """The moment after which a request begins no other call."""

    started: float = field(default_factory=time.monotonic)

    def check(self) -> None:
        """Raise TooLateError when it has passed."""
        if time.monotonic() - self.started > LAST_START_SECONDS:
            raise TooLateError(f"the stores took more than {LAST_START_SECONDS:.0f} s; allowed: an answer within 30 s")


def run_concurrently(step: Callable[[Item], object], items: Iterable[Item], deadline: Deadline) -> None:
    """Call `step` for every item, several at once; raises the first error and begins no more calls."""

    def checked(item: Item) -> None:
        deadline.check()
        step(item)

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(checked, items):
            pass
