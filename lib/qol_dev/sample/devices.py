"""Devices: who has a watch, a ring, a phone, a room with a sensor, and the id each vendor knows them by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from qol_dev.sample.options import SOURCES, Bools, Ints, SampleOptions
from qol_dev.sample.people import People

STREAM = 9

#: Of twenty people, in an order that chance decides, so many have these. `export` sends Health Auto Export.
_DECK: tuple[tuple[int, frozenset[str]], ...] = (
    (11, frozenset({"garmin"})),
    (2, frozenset({"garmin", "oura"})),
    (1, frozenset({"garmin", "apple"})),
    (2, frozenset({"oura"})),
    (3, frozenset({"apple"})),
    (1, frozenset({"export"})),
)
#: The source through which each device's data comes.
_SOURCE_OF = {"garmin": "garmin", "oura": "oura", "apple": "healthkit", "export": "healthkit"}
#: Positions in the deck of twenty, besides the wearables: a sensor in the bedroom, questionnaires.
_ROOM_EVERY, _SURVEY_EVERY = 10, 2


@dataclass(frozen=True)
class Tenancy:
    """A room sensor and the days, by index and both included, on which that person lived with it."""

    device_id: str
    person: int
    first_day: int
    last_day: int


@dataclass(frozen=True)
class Devices:
    """One entry per person in every array; `ids` holds by source the vendor's id of each person."""

    garmin: Bools
    oura: Bools
    apple: Bools
    export: Bools
    survey: Bools
    epochs: Bools
    pulse_ox: Bools
    scale: Bools
    cuff: Bools
    second_watch: Bools
    rooms: list[Tenancy]
    ids: dict[str, list[str]]

    def sources_of(self, person: int) -> Iterator[str]:
        """The sources that know this person by an id of their own; a room knows nobody."""
        has = {
            "garmin": self.garmin[person],
            "oura": self.oura[person],
            "healthkit": self.apple[person] or self.export[person],
            "survey": self.survey[person],
        }
        return (name for name, there in has.items() if there)


def make_devices(people: People, options: SampleOptions) -> Devices:
    """Everybody has at least one device of the sources asked for; the same options give the same devices."""
    rng = options.stream(STREAM)
    n = len(people)
    wearables = list(_wearables(rng, options, n))
    place = rng.permutation(n)
    traits = rng.random((5, n))
    ids = {
        "garmin": people.vendor_ids,
        "oura": [rng.bytes(16).hex() for _ in range(n)],
        "healthkit": [f"apple-{rng.bytes(8).hex()}" for _ in range(n)],
        "survey": [f"S{rng.bytes(4).hex()}" for _ in range(n)],
    }
    asked = np.full(n, "survey" in options.sources)
    return Devices(
        **{name: np.array([name in has for has in wearables]) for name in _SOURCE_OF},
        survey=asked & ((place % _SURVEY_EVERY == 0) | np.array([not has for has in wearables])),
        epochs=traits[0] < 0.05,
        pulse_ox=traits[1] < 0.35,
        scale=traits[2] < 0.3,
        cuff=traits[3] < 0.15,
        second_watch=traits[4] < 0.5,
        rooms=_rooms(people, options, place) if "sensor" in options.sources else [],
        ids=ids,
    )


def _wearables(rng: np.random.Generator, options: SampleOptions, n: int) -> Iterator[frozenset[str]]:
    """What each person wears: decks one after the other, without what nobody asked for; the first has a watch."""
    asked = {"garmin"} if options.has_garmin else set()
    asked |= set(options.sources) & set(SOURCES)
    instead = frozenset(islice((device for device, source in _SOURCE_OF.items() if source in asked), 1))
    deck = [has for count, has in _DECK for _ in range(count)]
    for start in range(0, n, len(deck)):
        order = rng.permutation(len(deck)).tolist()
        if start == 0:
            order.remove(0)
            order.insert(0, 0)
        for at in order[: n - start]:
            yield frozenset(device for device in deck[at] if _SOURCE_OF[device] in asked) or instead


def _rooms(people: People, options: SampleOptions, place: Ints) -> list[Tenancy]:
    """One sensor per tenth person, at least one; one in three goes on, halfway, to somebody else in the same zone."""
    rng = options.stream(STREAM, 1)
    who = np.argsort(place).tolist()
    half, last = options.days // 2, options.days - 1
    rooms: list[Tenancy] = []
    may_go_on = 0
    for at in range(0, len(who), _ROOM_EVERY):
        device_id, tenant = f"room-{rng.bytes(3).hex()}", who[at]
        others = [p for p in who[at + 1 : at + _ROOM_EVERY] if people.zones[p] == people.zones[tenant]]
        goes_on = at >= may_go_on and bool(others)
        rooms.append(Tenancy(device_id, tenant, 0, half - 1 if goes_on else last))
        if goes_on:
            rooms.append(Tenancy(device_id, others[0], half, last))
            may_go_on = at + 3 * _ROOM_EVERY
    return rooms
