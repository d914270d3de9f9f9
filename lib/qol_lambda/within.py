"""Calls to AWS that must all be over before the caller on the other side gives up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from qol.errors import QolError
from qol_lambda.clients import client

#: One call: at most two tries of one second to connect and three to hear something.
CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 1, 3, 2
#: No call begins later than this after the start; with the last one's tries it stays below the function's 28 s.
LAST_START_SECONDS = 18.0
THREADS = 16

Work = TypeVar("Work")


class TooLateError(QolError):
    """When the stores were so slow that the rest of the work was left for the next delivery."""


@dataclass(frozen=True)
class Deadline:
    """When a request's work must not begin another call."""

    started: float = field(default_factory=time.monotonic)

    def check(self) -> None:
        """TooLateError when it has passed."""
        if time.monotonic() - self.started > LAST_START_SECONDS:
            raise TooLateError(f"the stores took more than {LAST_START_SECONDS:.0f} s; allowed: an answer within 30 s")


def quick_client(service: str) -> Any:
    """The client of a service, with little patience."""
    return client(service, ATTEMPTS, CONNECT_SECONDS, READ_SECONDS, THREADS)


def all_of(step: Callable[[Work], object], work: Iterable[Work], deadline: Deadline) -> None:
    """Make a step for every piece of work, several at once; raises what the first failing one raised."""

    def checked(piece: Work) -> None:
        deadline.check()
        step(piece)

    pieces = list(work)
    if len(pieces) <= 1:
        for piece in pieces:
            checked(piece)
        return
    with ThreadPoolExecutor(min(THREADS, len(pieces))) as pool:
        futures = [pool.submit(checked, piece) for piece in pieces]
        try:
            for future in futures:
                future.result()
        finally:
            pool.shutdown(cancel_futures=True)
