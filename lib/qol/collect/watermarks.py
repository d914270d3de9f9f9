"""How far each person's record types are collected, until when a person is not asked for, and when a type last had a page.

It names persons by the vendor's ids, so it lies in the quarantine, which only operators read.
"""

from datetime import date, datetime

import msgspec

from qol.errors import LakeError
from qol.lake.base import Lake

FOLDER = "quarantine/collect/"


class PersonState(msgspec.Struct, omit_defaults=True):
    """The last collected day of each record type, and until when the person is left alone, with the reason."""

    collected: dict[str, date] = {}
    rests_until: datetime | None = None
    reason: str = ""


class CollectState(msgspec.Struct, omit_defaults=True):
    """The state of a source: persons by the vendor's id, and by record type the last time the vendor gave a page."""

    persons: dict[str, PersonState] = {}
    fetched: dict[str, datetime] = {}

    def person(self, user_id: str) -> PersonState:
        """The state of a person, created at first."""
        return self.persons.setdefault(user_id, PersonState())


def state_key(source: str) -> str:
    """Key of a source's state."""
    return f"{FOLDER}{source}.json"


def read_state(lake: Lake, source: str) -> CollectState:
    """The state of a source, an empty one at first; LakeError when the file is damaged."""
    key = state_key(source)
    if lake.stat(key) is None:
        return CollectState()
    try:
        return msgspec.json.decode(lake.read(key), type=CollectState)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise LakeError(f"{key}: damaged; remove it, and the next run asks for the first days again") from None


def write_state(lake: Lake, source: str, state: CollectState) -> None:
    """Store the state by one atomic write."""
    lake.put(state_key(source), msgspec.json.encode(state) + b"\n")


def forget(lake: Lake, source: str, user_id: str) -> bool:
    """Remove a person from a source's state; whether they were in it."""
    state = read_state(lake, source)
    if state.persons.pop(user_id, None) is None:
        return False
    write_state(lake, source, state)
    return True
