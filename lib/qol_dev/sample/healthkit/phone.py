"""Phone: how one person's phone writes samples: its clock, its units, and the devices it speaks for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from qol_dev.sample.clock import document_id, local_text, offset_text, spaced_text
from qol_dev.sample.payloads import Record
from qol_dev.sample.people import ZONES
from qol_dev.sample.world import World

PHONE, WATCH, SCALE = "iPhone", "Watch", "Scale"
_BUNDLES = {PHONE: "com.apple.health", WATCH: "com.apple.health", SCALE: "com.example.scale"}
_SOURCES = {device: {"bundle_id": bundle, "name": f"My {device}"} for device, bundle in _BUNDLES.items()}
_ZONE_AT = {offset: name for name, offset, _ in ZONES}


class Item(NamedTuple):
    """A sample, workout or deletion: from when the phone knows it, from when it is gone again, and in which list."""

    known_s: int
    gone_s: int | None
    listed: str
    record: Record


@dataclass(frozen=True)
class Phone:
    """One person's phone on one day."""

    world: World
    person: int
    day: int

    @cached_property
    def midnight_s(self) -> int:
        """Unix time of the local midnight."""
        return int(self.world.days.midnight_s[self.person, self.day])

    @cached_property
    def offset_s(self) -> int:
        """Seconds east of UTC."""
        return int(self.world.days.offset_s[self.person, self.day])

    @property
    def zone(self) -> str:
        """Name of the time zone somebody is in that day."""
        return _ZONE_AT[self.offset_s]

    @property
    def is_imperial(self) -> bool:
        """Whether its owner reads miles and pounds."""
        return self.person % 6 == 4 or self.world.people.zones[self.person] == "Pacific/Honolulu"

    def text(self, second: int) -> str:
        """A moment as this app writes it; some write as Apple's export does."""
        write = spaced_text if self.person % 4 == 3 else local_text
        return write(second, self.offset_s)

    def uuid(self, *place: object) -> str:
        """The id of that object of this day."""
        return document_id(self.world, "healthkit", self.person, self.day, *place)

    def sample(self, kind: str, start_s: int, end_s: int, device: str, **value: object) -> Item:
        """A sample, known when it ends; `kind` without Apple's long prefix."""
        record: Record = {
            "uuid": self.uuid(kind, device, start_s, end_s),
            "type": kind,
            "start": (start := self.text(start_s)),
            "end": start if end_s == start_s else self.text(end_s),
            "zone_offset": offset_text(self.offset_s),
            **value,
            "source": _SOURCES[device],
            "device": {"model": device},
            "metadata": {"HKTimeZone": self.zone},
        }
        return Item(end_s, None, "measurements", record)

    def quantity(self, kind: str, start_s: int, end_s: int, device: str, value: float, unit: str) -> Item:
        """A sample of a quantity in that unit."""
        return self.sample(f"HKQuantityTypeIdentifier{kind}", start_s, end_s, device, value=value, unit=unit)

    def instant(self, kind: str, minute: int, device: str, value: float, unit: str) -> Item:
        """A quantity measured in one moment, so many minutes after midnight."""
        at = self.midnight_s + 60 * minute + (7 * minute + self.person) % 60
        return self.quantity(kind, at, at, device, value, unit)

    def deletion(self, gone: Item, at_s: int) -> list[Item]:
        """That sample until it is deleted, and the message that says so."""
        said = Item(at_s, None, "deleted", {"uuid": gone.record["uuid"]})
        return [gone._replace(gone_s=at_s), said]
