"""Example times: where the times of a contract's example move to, and how moments are written in its manner."""

import datetime as dt
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from qol.contracts.example import Example
from qol.contracts.raw_values import safe_get
from qol.contracts.source import SourceContract
from qol.ingest.sample_reduction import reduce_samples
from qol_dev.sample.lived import Batch
from qol_dev.sample.sample_options import DAY_S, Ints

Record = dict[str, Any]
Moments = Callable[[Batch], Ints]

DATE = re.compile(r"\d{4}-\d\d-\d\d")
INSTANT = re.compile(r"\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d(\.\d+)?(Z| ?[+-]\d\d:?\d\d)")
_NEAR_S = 40 * DAY_S
_MILLISECONDS_FROM = 10**11


def at(root: object, text: str) -> Any:
    """What stands at a dotted path, or None."""
    for name in text.split("."):
        root = root.get(name) if isinstance(root, dict) else None
    return root


class Anchor:
    """When an example is: of days their local midnight, of everything else its start."""

    def __init__(self, contract: SourceContract, example: Example, root: Record, kind: str) -> None:
        def stated(name: str | None) -> Any:
            field = contract.by_name.get(name or "")
            if field is None:
                return None
            node = next((found for path in field.paths if (found := safe_get(root, path)) is not None), None)
            return reduce_samples(field, node)[0] if field.samples is not None else node

        expected, rule = example.expect or {}, contract.day
        self._day_s = seconds_of(str(stated(rule.date) or expected.get("day", example.arrival)))
        self._is_day = kind == "day" or rule.start is None
        start = stated(contract.episodes.start if contract.episodes else contract.source_timestamp)
        start = start or stated(rule.start)
        midnight = self._day_s - int(expected.get("utc_offset_seconds") or 32_400)
        self._start_s = midnight if self._is_day or start is None else seconds_of(start)

    def is_time(self, node: object) -> bool:
        """Whether a node can only be a time: a date, an instant, or a number about the example's start."""
        if isinstance(node, str) and not node.isdigit():
            return bool(DATE.fullmatch(node) or INSTANT.fullmatch(node))
        return isinstance(node, int | float | str) and abs(seconds_of(node) - self._start_s) < _NEAR_S

    def moments(self, node: object) -> Moments:
        """From a batch to where the example's time moves to: a date by whole days, a moment with the start."""
        if isinstance(node, str) and DATE.fullmatch(node):
            return lambda b: b.of("midnight_s") + (seconds_of(node) - self._day_s)
        after = seconds_of(node) - self._start_s
        return lambda b: (b.of("midnight_s") if self._is_day else b.start_s) + after


def moved(node: object, moments: Moments, b: Batch) -> list[Any]:
    """Those moments, written as the example writes its own: seconds, milliseconds, a date, or text with an offset."""
    seconds = moments(b)
    if not isinstance(node, str) or node.isdigit():
        factor = 1_000 if float(str(node)) > _MILLISECONDS_FROM else 1
        numbers = [factor * int(second) for second in seconds]
        return [str(number) for number in numbers] if isinstance(node, str) else numbers
    found = INSTANT.fullmatch(node)
    in_utc = found is not None and found[3] in ("Z", "+00:00")
    local = seconds if in_utc else seconds + b.of("offset_s")
    written = np.datetime_as_string(local.astype("datetime64[s]")).tolist()
    if found is None:
        return [text[:10] for text in written]
    if in_utc:
        return [text + found[3] for text in written]
    blank, colon = " " * found[3].startswith(" "), ":" in found[3]
    offsets = [blank + offset_text(offset_s, colon) for offset_s in b.of("offset_s").tolist()]
    return [text.replace("T", found[1]) + offset for text, offset in zip(written, offsets, strict=True)]


@lru_cache
def offset_text(offset_s: int, colon: bool) -> str:
    """The offset alone, such as +09:00."""
    hours, minutes = divmod(abs(offset_s) // 60, 60)
    return f"{'-' if offset_s < 0 else '+'}{hours:02d}{':' if colon else ''}{minutes:02d}"


def seconds_of(node: object) -> int:
    """Unix time of an example's time, whichever way it is written."""
    if isinstance(node, str) and not node.isdigit():
        parsed = dt.datetime.fromisoformat(node.replace(" +", "+").replace(" -", "-"))
        return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=dt.UTC)).timestamp())
    number = float(str(node))
    return int(number / 1_000 if number > _MILLISECONDS_FROM else number)
