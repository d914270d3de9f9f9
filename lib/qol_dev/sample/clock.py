"""Clock: moments as the vendors write them, and ids that are the same whenever a document is told."""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import lru_cache

from qol_dev.sample.world import World


@lru_cache
def _zone(offset_s: int) -> dt.timezone:
    return dt.timezone(dt.timedelta(seconds=offset_s))


def local_text(second: int, offset_s: int) -> str:
    """ISO 8601 with the offset, such as 2026-11-09T23:10:00+09:00."""
    return dt.datetime.fromtimestamp(second, _zone(offset_s)).isoformat()


def spaced_text(second: int, offset_s: int) -> str:
    """As Apple exports it, such as 2026-11-09 23:10:00 +0900."""
    return dt.datetime.fromtimestamp(second, _zone(offset_s)).strftime("%Y-%m-%d %H:%M:%S %z")


def utc_text(second: int) -> str:
    """ISO 8601 in UTC, such as 2026-11-09T14:10:00Z."""
    return dt.datetime.fromtimestamp(second, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache
def offset_text(offset_s: int) -> str:
    """The offset alone, such as +09:00."""
    return local_text(0, offset_s)[-6:]


def document_id(world: World, *place: object) -> str:
    """A uuid of that place in this world."""
    text = "/".join(map(str, (world.options.seed, *place)))
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:]}"
