"""Counters of requests in this process; those of `limits` walk over every caller a hundred times a second."""

import math
import threading
import time
from collections import Counter


class LocalCounters:
    """What a sliding window of `limits` needs of a storage: a count per caller of this window and of the one before."""

    def __init__(self) -> None:
        self._windows: dict[tuple[int, int], Counter[str]] = {}
        self._lock = threading.RLock()

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count a request unless it is one too many; whether it was counted."""
        with self._lock:
            previous, weight, current, _ = self.get_sliding_window(key, expiry)
            if math.floor(previous * weight / expiry + current) + amount > limit:
                return False
            self._window(expiry, 0)[key] += amount
            return True

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Requests of the window before and for how long they count on, those of this window and for how long they do."""
        left = expiry - time.time() % expiry
        with self._lock:
            return self._window(expiry, -1)[key], left, self._window(expiry, 0)[key], left + expiry

    def _window(self, expiry: int, back: int) -> Counter[str]:
        """The counts of this window or of the one before; those of earlier ones are dropped."""
        number = int(time.time() // expiry) + back
        if (expiry, number) not in self._windows:
            for old in [(of, one) for of, one in self._windows if of == expiry and one < number - 1]:
                del self._windows[old]
            self._windows[expiry, number] = Counter()
        return self._windows[expiry, number]
