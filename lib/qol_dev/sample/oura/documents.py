"""Documents: what every Oura document has, the versions it comes in, and pages of several."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from qol_dev.sample.channels import Body
from qol_dev.sample.clock import document_id, utc_text
from qol_dev.sample.days import FULL_DAY_S
from qol_dev.sample.payloads import Record
from qol_dev.sample.world import World

#: How many days a page goes back: the fetcher asks again for what may have changed.
PAGE_DAYS = 3


class Version(IntEnum):
    """Versions of a document (`Deliveries.version`); a page holds the newest of several days."""

    TENTATIVE = 0
    FINAL = 1
    REVISED = 2
    PAGE = 3


#: From world, person, day and version to a document without its owner; None where there is nothing to tell.
Document = Callable[[World, int, int, int], Record | None]


def has_night(person: int, day: int) -> bool:
    """Whether the ring was worn that night; it is forgotten about once a month."""
    return (31 * person + 17 * day) % 29 != 3


def is_revised(person: int, day: int) -> bool:
    """Whether that day's documents change days later, after an edit."""
    return (13 * person + 7 * day) % 41 == 5


def is_deleted(person: int, day: int) -> bool:
    """Whether the person deletes that day's short period, if there is one."""
    return (5 * person + 3 * day) % 4 == 1


def deleted_s(world: World, person: int, day: int) -> int:
    """When a person deletes that day's short period: two evenings later."""
    return int(world.days.midnight_s[person, day]) + 67 * 3_600


def knows_updates(person: int) -> bool:
    """Whether this person's documents carry `meta`; older recordings do not."""
    return person % 3 != 0


def known_s(world: World, person: int, day: int, version: int, *, night: bool) -> int:
    """The moment from which Oura knows that version: nights after waking, days after 04:00 of the next one."""
    midnight = int(world.days.midnight_s[person, day])
    if version == Version.REVISED:
        return midnight + 52 * 3_600
    if night:
        return (
            midnight
            + 60 * int(world.days.wake_minute[person, day])
            + (1_200 if version == Version.TENTATIVE else 14_400)
        )
    return midnight + (13 * 3_600 if version == Version.TENTATIVE else FULL_DAY_S + 5 * 3_600)


def frame(world: World, person: int, day: int, version: int, kind: str, *, night: bool) -> Record:
    """Id, day and, of newer documents, when it was updated; a revision of a day's summary has an id of its own."""
    new = version == Version.REVISED and kind.startswith("daily_")
    record: Record = {
        "id": document_id(world, "oura", kind, person, day, *(["again"] if new else [])),
        "day": world.dates[day],
    }
    if knows_updates(person):
        updated = utc_text(known_s(world, person, day, version, night=night))
        record["meta"] = {"updated_at": updated, "version": version + 1}
    return record


def owned(world: World, person: int, record: Record) -> Record:
    """With the user id that the fetcher injects; Oura's documents name nobody."""
    return {**record, "user_id": world.devices.ids["oura"][person]}


def fetched(document: Document) -> Body:
    """The body of a line: the document of that version, or a page with the newest of the last days."""

    def body(world: World, person: int, day: int, version: int) -> Record:
        if version != Version.PAGE:
            return owned(world, person, document(world, person, day, version) or {})
        days = range(max(0, day - PAGE_DAYS + 1), day + 1)
        newest = (Version.REVISED if is_revised(person, d) else Version.FINAL for d in days)
        found = [document(world, person, d, v) for d, v in zip(days, newest, strict=True)]
        return page(world, person, [record for record in found if record is not None])

    return body


def page(world: World, person: int, found: list[Record]) -> Record:
    """A page as the API answers it, with its owner beside the data."""
    return owned(world, person, {"data": found, "next_token": None})
