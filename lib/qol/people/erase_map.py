"""Entries of erased users in a user map's file, replaced by entries without their ids."""

import json
import os
import shutil
from pathlib import Path

import msgspec

from qol.identity.lake_state import LakeState, read_lake_state, write_lake_state
from qol.identity.pseudonyms import Identities
from qol.identity.user_map import ERASED_ENTRY, UserMap, read_user_map
from qol.lake.base import Lake
from qol.people.person import Person


def erase_entries(lake: Lake, path: Path, identities: Identities, person: Person, *, acts: bool) -> int:
    """Replace the person's lines, and let the lake's digest follow; how many there are.

    The lake accepts both maps from before the file changes until after it has, so that a run holds at any moment.
    """
    user_map = read_user_map(path)
    numbered = zip(user_map.lines, user_map.entries, strict=True)
    mine = [(number, *entry[:2]) for number, entry in numbered if is_mine(identities, person, *entry[:3])]
    if acts:
        state = read_lake_state(lake)
        if mine:
            temporary = path.with_name(f".{path.name}.erasing")
            temporary.write_bytes(_replaced(path.read_bytes(), identities, mine))
            shutil.copymode(path, temporary)
            digest = read_user_map(temporary).digest(state.map_entries, identities.key)
            write_lake_state(lake, msgspec.structs.replace(state, next_map_digest=digest))
            os.replace(temporary, path)
        _follow(lake, read_lake_state(lake), read_user_map(path), identities.key)
    return len(mine)


def _replaced(text: bytes, identities: Identities, mine: list[tuple[int, str, str]]) -> bytes:
    """The map's text with lines without ids in the place of these, by number, source and vendor id."""
    lines = text.splitlines(keepends=True)
    for number, source, vendor in mine:
        name = f"{ERASED_ENTRY}{identities.erasure_hash(source, vendor)}-{number}"
        lines[number - 1] = json.dumps({"source": source, "vendor_user_id": name, "user_id": name}).encode() + b"\n"
    return b"".join(lines)


def _follow(lake: Lake, state: LakeState, user_map: UserMap, key: bytes) -> None:
    """Store the digest of the map as it is now, where an erasure changed it."""
    if state.next_map_digest:
        digest = user_map.digest(state.map_entries, key)
        write_lake_state(lake, msgspec.structs.replace(state, map_digest=digest, next_map_digest=""))


def forget_hashes(lake: Lake, person: Person) -> None:
    """Take the keyed hashes that the person keeps out of the lake's state."""
    state = read_lake_state(lake)
    kept = [digest for digest in state.kept_hashes if digest not in person.user_ids]
    if kept != state.kept_hashes:
        write_lake_state(lake, msgspec.structs.replace(state, kept_hashes=kept))


def is_mine(identities: Identities, person: Person, source: str, vendor: str, user_id: str) -> bool:
    """Whether an entry is the person's: by its user id, as a device may be that of others on other days, or by its vendor id."""
    return (
        user_id in person.user_ids
        or identities.erasure_hash("user", user_id) in person.erased.users
        or identities.erasure_hash(source, vendor) in person.erased.ids
    )
