"""How hard property tests try, and how long hostile input may take."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager


def examples(few: int, many: int) -> int:
    """How many examples a property is tried on; `make acceptance` asks for many."""
    return many if os.environ.get("QOL_MANY_EXAMPLES") else few


@contextmanager
def no_minutes() -> Iterator[None]:
    """Work of one or two seconds, which also a busy machine ends in 30; where it grows too fast it takes minutes."""
    started = time.process_time()
    yield
    assert time.process_time() - started < 30
