"""A task that says which modules it loaded; workers import it from here."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Watched:
    """A function that returns, besides, the modules that were loaded while it ran."""

    function: Callable[[Any], Any]

    def __call__(self, item: Any) -> tuple[Any, set[str]]:
        before = set(sys.modules)
        return self.function(item), set(sys.modules) - before
