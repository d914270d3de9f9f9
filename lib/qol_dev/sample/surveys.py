"""Surveys: the 26 items of WHOQOL-BREF every two weeks, answered as well as people answer. No wording, only numbers."""

from __future__ import annotations

import numpy as np

from qol_dev.sample.channels import Channel
from qol_dev.sample.clock import local_text
from qol_dev.sample.options import Ints
from qol_dev.sample.payloads import Record
from qol_dev.sample.syncs import Deliveries, arranged, retries
from qol_dev.sample.world import World

STREAM, ANSWER_STREAM = 19, 20
ITEMS = range(1, 27)
#: A high answer to these says that life is worse.
_NEGATIVE = (3, 4, 26)
_EVERY_DAYS, _FIRST_DAYS = 14, (6, 13)
_EVENING_S = 20 * 3_600 + 1_800
_NO_ANSWER: tuple[object, ...] = (None, "", 0, 9, 99)
_GIVEN, _CORRECTED = 0, 1


def _answers(world: World, person: int, day: int) -> list[int]:
    """1 to 5 per item, better after good weeks."""
    lately = float(world.days.recovery[person, max(0, day - 13) : day + 1].mean())
    level = 3.3 + 0.3 * float(world.people.fitness[person]) + 0.6 * lately
    noise = world.options.stream(ANSWER_STREAM, person, day).normal(0.0, 0.6, len(ITEMS))
    bias = np.array([(7 * item + person) % 5 - 2 for item in ITEMS]) * 0.2
    given: list[int] = np.clip(np.rint(level + bias + noise), 1, 5).astype(int).tolist()
    return given


def questionnaire(world: World, person: int, day: int, version: int) -> Record:
    """One filled-in form: columns or a list, numbers or texts, some items left out, one language already reversed."""
    reversed_already = person % 11 == 7
    given: list[object] = [
        6 - answer if item in _NEGATIVE and not reversed_already else answer
        for item, answer in zip(ITEMS, _answers(world, person, day), strict=True)
    ]
    if version == _CORRECTED:
        given[0] = 4
    given = [_NO_ANSWER[(person + day + n) % 5] if _skips(person, day, n) else a for n, a in enumerate(given)]
    if person % 4 == 1:
        given = [str(answer) if isinstance(answer, int) else answer for answer in given]
    moment = int(world.days.midnight_s[person, day]) + _EVENING_S
    offset = int(world.days.offset_s[person, day])
    return {
        "user_id": world.devices.ids["survey"][person],
        "administered_at": local_text(moment, offset),
        "submitted_at": local_text(moment + (36_000 if version == _CORRECTED else 420 + person), offset),
        "instrument": "WHOQOL-BREF",
        "language": "pl" if reversed_already else "en" if person % 5 == 3 else "ja",
        "pre_reversed": reversed_already,
        **_form(person, given),
    }


def _skips(person: int, day: int, place: int) -> bool:
    """Whether the item at this place has no answer: about one in forty; some people stop after item 18."""
    gives_up = (person + day) % 23 == 9 and place >= 18
    return gives_up or (5 * person + 3 * day + 11 * place) % 41 == 0


def _form(person: int, given: list[object]) -> Record:
    if person % 3 == 2:
        return {"answers": [{"item": item, "value": answer} for item, answer in zip(ITEMS, given, strict=True)]}
    return {f"q{item}": answer for item, answer in zip(ITEMS, given, strict=True)}


CHANNELS = {0: Channel("whoqol26", "survey/whoqol26", questionnaire)}


def make_deliveries(world: World) -> Deliveries:
    """Every second Sunday evening, half of the people each; a few forms come late, a few are corrected the next day."""
    rng = world.options.stream(STREAM)
    person, day = _asked(world)
    answers = rng.random(len(person)) < 0.93
    # So that no lake of surveys is empty.
    answers[:1] = True
    person, day = person[answers], day[answers]
    late = np.where(rng.random(len(person)) < 0.1, rng.integers(3_600, 200_000, len(person)), 480 + person)
    corrects = rng.random(len(person)) < 0.1
    sent = [_sent(world, person, day, late, _GIVEN)]
    sent.append(_sent(world, person[corrects], day[corrects], late[corrects] + 36_000, _CORRECTED))
    everything = Deliveries.of(sent)
    return arranged(Deliveries.of([everything, retries(rng, everything)]), world.options)


def _asked(world: World) -> tuple[Ints, Ints]:
    """Person and day of each questionnaire handed out."""
    asked = np.flatnonzero(world.devices.survey).tolist()
    places = [
        (person, day)
        for number, person in enumerate(asked)
        for day in range(_FIRST_DAYS[number % 2], world.options.days, _EVERY_DAYS)
    ]
    person, day = np.array(places, dtype=np.int64).reshape(-1, 2).T
    return person, day


def _sent(world: World, person: Ints, day: Ints, after_s: Ints, version: int) -> Deliveries:
    arrival = 1_000 * (world.days.midnight_s[person, day] + _EVENING_S + after_s)
    return Deliveries(arrival, np.zeros_like(day), person, day, np.full_like(day, version))
