"""Channels: the raw folders that lines go to, and what builds a line of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qol_dev.sample.payloads import Record
from qol_dev.sample.world import World

#: From world, person, day and version of a delivery to its record, without its stamp.
Body = Callable[[World, int, int, int], Record]


@dataclass(frozen=True)
class Channel:
    """One kind of delivery: the name of its objects, its folder below raw/, what builds a record, the size of objects."""

    name: str
    folder: str
    body: Body
    per_object: int = 200
    #: Whether some of its objects are packed.
    packs: bool = True

    @property
    def key(self) -> str:
        """Under which key a push lists such records: the name, without what tells two kinds of one type apart."""
        return self.name.partition("-")[0]
