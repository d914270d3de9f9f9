"""Lives: who the users are, what they own, and what they lived on each local day before any device reports it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
import yaml

from qol.contracts.model import Contracts
from qol_dev.sample.sample_options import DAY_S, Bools, Floats, Ints, SampleOptions

_FIRST_ZONE_SHARE = 0.9
_JOURNEY_SHARE, _ILLNESS_SHARE = 0.04, 0.015
DAY_MINUTES = 1_440

Columns = dict[str, Any]


@cache
def data_of(file: str) -> Mapping[str, Any]:
    """What a YAML file of this package says."""
    found: dict[str, Any] = yaml.safe_load((files("qol_dev.sample") / file).read_text(encoding="utf-8"))
    return found


_LIVES = data_of("lives.yaml")
#: Zone names by offset, seconds east of UTC.
ZONE_AT: Mapping[int, str] = {offset_s: name for name, offset_s in _LIVES["zones"].items()}
_OFFSETS: Ints = np.array(list(ZONE_AT), dtype=np.int64)
#: Facts that a record may report as they are.
FACT_NAMES = (*_LIVES["traits"], *_LIVES["days"], "offset_s", "nap_minutes", "utc_midnight_s")
#: Of twenty users, in an order that chance decides, so many wear these; another source reaches one user in three.
_WORN = 11 * ["garmin"] + 2 * ["garmin oura"] + ["garmin healthkit"] + 2 * ["oura"] + 4 * ["healthkit"]
#: One room sensor per so many users.
_ROOM_EVERY = 10
#: Every fifth user with nothing but a watch has an id of the study's own; the others of them stay pseudonyms.
_MAPPED_EVERY = 5


class Tenancy(NamedTuple):
    """A room sensor and the days, by index and both included, on which a user lived with it."""

    device_id: str
    first_day: int
    last_day: int


@dataclass(frozen=True, eq=False)
class World:
    """What happened to all users; by source, who has it and under which id; by user, the room of `sensor`."""

    options: SampleOptions
    contracts: Contracts
    facts: Columns
    has: dict[str, Bools]
    ids: dict[str, list[str]]
    rooms: dict[int, Tenancy]

    @classmethod
    def of(cls, options: SampleOptions, contracts: Contracts, sources: list[str]) -> World:
        """The world that these options always give."""
        facts = _make_facts(options)
        rooms = _make_rooms(facts, options) if "sensor" in sources else {}
        return cls(options, contracts, facts, _make_owners(options, sources), _make_ids(options, sources, rooms), rooms)


def _make_facts(options: SampleOptions) -> Columns:
    """A column of users x days per fact.

    Minutes count from the day's local midnight; a bedtime may be negative. The watch is off the wrist from
    `off_from_minute` to `off_to_minute`; `night` says whether the night that ends on this day was recorded;
    `last_duration_s` is how much of the day is ever reported. Of the steps `walked`, a watch on the wrist counts `steps`.
    """
    user, day = np.arange(options.users)[:, None], np.arange(options.days)
    facts: Columns = {}
    for name, rule in _LIVES["traits"].items():
        facts[name] = _sum(rule, facts, options.normal(name, user))
    rng = options.stream("days")
    facts |= _calendar(rng, options, user, day)
    facts |= _wear(rng, facts["recovery"].shape, facts["adherence"])
    for name, rule in _LIVES["days"].items():
        facts[name] = _sum(rule, facts, options.normal(name, user, day))
    facts["evening_minute"] = DAY_MINUTES + np.roll(facts["bed_minute"], -1, axis=1)
    facts |= _activity(rng, facts)
    return {name: np.broadcast_to(column, facts["recovery"].shape) for name, column in facts.items()}


def _sum(rule: Mapping[str, Any], facts: Columns, noise: Floats) -> Any:
    """What lives.yaml says of a fact: its usual value, noise, and other facts times a factor, within a range."""
    others = [factor * facts[name] for name, factor in rule.items() if name in facts]
    total = sum(others, rule.get("usual", 0.0) + rule.get("noise", 0.0) * noise)
    total = np.clip(total, *rule.get("range", (-np.inf, np.inf)))
    return _whole(total) if rule.get("whole") else total


def _whole(values: Floats) -> Ints:
    return np.rint(values).astype(np.int64)


def _calendar(rng: np.random.Generator, options: SampleOptions, user: Ints, day: Ints) -> Columns:
    """Where and when the days are, and which are free, ill, or better than others, which come in runs."""
    anywhere = _OFFSETS[rng.integers(0, len(_OFFSETS), (2, *user.shape))]
    home = np.where(rng.random(user.shape) < _FIRST_ZONE_SHARE, _OFFSETS[0], anywhere[0])
    # Journeys and illnesses are of four days.
    offset = np.where(options.chance("journey", user, day // 4) < _JOURNEY_SHARE, anywhere[1], home)
    ill = options.chance("illness", user, day // 4) < _ILLNESS_SHARE
    mood = rng.normal(0.0, 1.0, offset.shape)
    return {
        "home_offset_s": home,
        "offset_s": offset,
        "utc_midnight_s": options.first_s + day * DAY_S,
        "midnight_s": options.first_s + day * DAY_S - offset,
        "free": day % 7 >= 5,
        "ill": ill,
        "recovery": 0.8 * mood + 0.6 * np.roll(mood, 1, axis=1) - 2.6 * ill,
        "nap_minutes": np.where(rng.random(mood.shape) < 0.05, rng.integers(15, 95, mood.shape), 0),
    }


def _wear(rng: np.random.Generator, shape: tuple[int, ...], adherence: Floats) -> Columns:
    """Days without any data, minutes off the wrist, and the last duration of days on which the battery died."""
    lapse = rng.random(shape) / (1.0 - adherence)
    all_off, half_off = (lapse >= 0.35) & (lapse < 0.75), (lapse >= 0.75) & (lapse < 1.15)
    # A watch is charged for an hour now and then; on a half-worn day it is left at home in the morning.
    at = rng.integers(660, 1_320, shape)
    short = (all_off & (rng.random(shape) < 0.5)) | (rng.random(shape) < 0.004)
    return {
        "missing": lapse < 0.35,
        "night": (lapse >= 0.75) & (rng.random(shape) < 0.97),
        "off_from_minute": np.select([all_off, half_off], [0, at - 480], at),
        "off_to_minute": np.where(all_off | half_off, DAY_MINUTES, at + 60 * (rng.random(shape) < 0.4)),
        "last_duration_s": np.where(short, 60 * rng.integers(200, 1_200, shape), DAY_S),
    }


def _activity(rng: np.random.Generator, facts: Columns) -> Columns:
    """Steps walked, steps counted, moderate and vigorous seconds; workouts fall where the steps are many."""
    walked = np.exp(facts["log_walked"])
    steps = walked * (1.0 - (facts["off_to_minute"] - facts["off_from_minute"]) / DAY_MINUTES)
    brisk = np.clip((steps - 4_000.0) / 260.0, 0.0, 90.0) * rng.uniform(0.4, 1.2, steps.shape)
    keen = (facts["fitness"] + rng.normal(0.0, 1.0, steps.shape) > 1.1) & ~facts["ill"] & (steps > 3_000.0)
    seconds = {"moderate_s": 60 * _whole(brisk), "vigorous_s": 60 * _whole(keen * rng.uniform(10.0, 55.0, steps.shape))}
    return {"walked": _whole(walked), "steps": _whole(steps), **seconds}


def _make_owners(options: SampleOptions, sources: list[str]) -> dict[str, Bools]:
    """By source, which users have it: each at least one, the first user one of the first; rooms do not name theirs."""
    users = np.arange(options.users)
    hands = [_WORN[n % len(_WORN)].split() for n in options.stream("owners").permutation(len(users)).tolist()]
    worn = [source for source in sources if source != "sensor"]
    has = {source: (users + len(source)) % 3 == 0 for source in worn}
    has |= {source: np.array([source in hand for hand in hands]) for source in worn if source in " ".join(_WORN)}
    if worn:
        has[worn[0]] = has[worn[0]] | ~np.logical_or.reduce(list(has.values())) | (users == 0)
    return has


def _make_ids(options: SampleOptions, sources: list[str], rooms: dict[int, Tenancy]) -> dict[str, list[str]]:
    """By source, the id the vendor knows each user by; of `sensor` that of the user's room."""
    users = np.arange(options.users)
    ids = {source: [f"{source[0]}{n:016x}" for n in options.hashed(f"id {source}", users)] for source in sources}
    return ids | {"sensor": [rooms[user].device_id if user in rooms else "" for user in users.tolist()]}


def _make_rooms(facts: Columns, options: SampleOptions) -> dict[int, Tenancy]:
    """By user, the room they live with: one where most users live; halfway another user moves in."""
    rng = options.stream("rooms")
    home_s = facts["home_offset_s"][:, 0]
    who = rng.permutation(np.flatnonzero(home_s == np.median(home_s))).tolist() or [0]
    half, rooms = options.days // 2, {}
    for at in range(0, len(who), _ROOM_EVERY):
        device_id = f"room-{rng.bytes(3).hex()}"
        rooms[who[(at + 1) % len(who)]] = Tenancy(device_id, half, options.days - 1)
        rooms[who[at]] = Tenancy(device_id, 0, half - 1)
    return rooms


def user_map(world: World) -> Iterator[dict[str, str]]:
    """Lines of the user map; in it is every tenant of a room, and every user with more than a watch."""
    number = 0
    for user, offset_s in enumerate(world.facts["home_offset_s"][:, 0].tolist()):
        known = [source for source, has in world.has.items() if has[user]]
        if known == ["garmin"] and user % _MAPPED_EVERY and user not in world.rooms:
            continue
        number += 1
        same = {"user_id": f"P{number:04d}", "timezone": ZONE_AT[offset_s]}
        yield from ({"source": source, "vendor_user_id": world.ids[source][user], **same} for source in known)
        if user in world.rooms:
            first, last = (str(np.datetime64(world.options.first_day) + day) for day in world.rooms[user][1:])
            yield {"source": "sensor", "vendor_user_id": world.rooms[user].device_id, **same, "from": first, "to": last}
