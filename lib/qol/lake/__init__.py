"""Where lakes are stored."""

from __future__ import annotations

from qol.errors import UsageError
from qol.lake.base import Lake, Listing, StoredObject
from qol.lake.local import LocalLake

__all__ = ["Lake", "Listing", "LocalLake", "StoredObject", "open_lake"]


def open_lake(uri: str) -> Lake:
    """The lake at a folder; UsageError when the place is not one this version can open."""
    scheme = uri.split("://", 1)[0] if "://" in uri else "file"
    if scheme != "file":
        message = f"--lake {uri}: found scheme {scheme!r}; allowed: a folder"
        raise UsageError(message)
    return LocalLake(uri.removeprefix("file://"))
