"""The participants of a study: a file of user ids with days of enrolment, or the users of the user map."""

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from qol.contracts.raw_values import CODE
from qol.errors import UsageError
from qol.identity.lake_state import read_lake_state
from qol.identity.pseudonym_key import read_key
from qol.identity.pseudonyms import Identities
from qol.identity.user_map import ERASED_ENTRY, UserMap, keep_hashes
from qol.lake.base import Lake

_HEAD, _ENROLLED = "user_id", ("enrolled", "from")
_ALLOWED = "one user_id per line, or CSV with the columns user_id and enrolled (YYYY-MM-DD)"

#: Participants with their days of enrolment; None where it is unknown.
Roster = dict[str, date | None]


def read_roster(path: Path) -> Roster:
    """The participants of a file: a user_id per line, or CSV with `user_id` and maybe `enrolled` or `from`.

    UsageError names the line, never what it holds: it may be the id of a vendor.
    """
    try:
        lines = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"--roster {path}: cannot be read; allowed: {_ALLOWED}") from None
    roster: Roster = {}
    if any(len(line) > 1 for line in lines) and _HEAD not in map(str.strip, lines[0]):
        raise UsageError(f"--roster {path}: line 1 names no column user_id; allowed: {_ALLOWED}")
    for number, user_id, enrolled in _rows(lines):
        problem = _problem(user_id, enrolled)
        if user_id in roster:
            problem = "its user_id is in an earlier line"
        if problem:
            raise UsageError(f"--roster {path}: line {number}: {problem}; allowed: {_ALLOWED}")
        roster[user_id] = date.fromisoformat(enrolled) if enrolled else None
    if not roster:
        raise UsageError(f"--roster {path}: no participant; allowed: {_ALLOWED}")
    return roster


def _rows(lines: list[list[str]]) -> Iterator[tuple[int, str, str]]:
    """Number, user id and day of enrolment of each line that is not blank; a list has no head."""
    cells = [[cell.strip() for cell in line] for line in lines]
    head = cells[0] if cells and _HEAD in cells[0] else [_HEAD]
    day = next((head.index(name) for name in _ENROLLED if name in head), len(head))
    for number, line in enumerate(cells, 1):
        if any(line) and line is not head:
            padded = [*line, *[""] * (len(head) + 1 - len(line))]
            yield number, padded[head.index(_HEAD)], padded[day] if day < len(head) else ""


def _problem(user_id: str, enrolled: str) -> str | None:
    if not CODE.fullmatch(user_id):
        return f"its user_id does not match {CODE.pattern}"
    try:
        is_day = not enrolled or date.fromisoformat(enrolled).isoformat() == enrolled
    except ValueError:
        is_day = False
    return None if is_day else "its day of enrolment is not YYYY-MM-DD"


def roster_of_map(lake: Lake, user_map: UserMap, key: str | None) -> Roster:
    """The users of a user map under the ids that the lake has: those who had records before their entry keep their hash.

    Erased users are not among them.

    `key` is the text of the pseudonym key; UsageError when it is missing and the lake has such users.
    """
    if not user_map.entries:
        raise UsageError("--user-map: it has no entry; allowed: the map that the lake's runs use")
    kept = read_lake_state(lake).kept_hashes
    if kept:
        user_map, _ = keep_hashes(user_map, Identities(read_key(key), {}), kept, len(user_map.entries), ())
    user_ids = (user_id for _, _, user_id, _ in user_map.entries)
    return dict.fromkeys(user_id for user_id in user_ids if not user_id.startswith(ERASED_ENTRY))
