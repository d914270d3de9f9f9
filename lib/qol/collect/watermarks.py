"""How far each person's record types are collected, until when a person is not asked for, and when a type last had a page.

It names persons by the vendor's ids, so it lies in the quarantine, which only operators read.
"""

from collections.abc import Callable
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
    return _parsed(key, None if lake.stat(key) is None else lake.read(key))


def update_state(lake: Lake, source: str, change: Callable[[CollectState], object]) -> CollectState:
    """Store the state after `change`, and return it; runs at the same time lose nothing of each other's.

    `change` is called again, with the state of the other run, when that stored one meanwhile.
    """
    key, states = state_key(source), [CollectState()]

    def changed(data: bytes | None) -> bytes:
        states[0] = _parsed(key, data)
        change(states[0])
        return msgspec.json.encode(states[0]) + b"\n"

    lake.update(key, changed)
    return states[0]


def forget(lake: Lake, source: str, user_id: str) -> None:
    """Remove a person from a source's state."""
    update_state(lake, source, lambda state: state.persons.pop(user_id, None))


def _parsed(key: str, data: bytes | None) -> CollectState:
    if data is None:
        return CollectState()
    try:
        return msgspec.json.decode(data, type=CollectState)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise LakeError(f"{key}: damaged; remove it, and the next run asks for the first days again") from None
