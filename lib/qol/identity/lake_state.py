"""What a lake remembers between runs, written before anything is published, so that a killed run is remembered too."""

import msgspec

from qol.errors import LakeError, UsageError
from qol.identity.pseudonyms import Identities
from qol.identity.user_map import UserMap
from qol.lake.base import Lake

STATE_KEY = "_locks/lake.json"


class LakeState(msgspec.Struct):
    """Which key and user map made the user ids, and the weeks that a run began to publish and did not confirm.

    `kept_hashes` are keyed hashes that users keep in spite of their entries, because records had them first.
    """

    key_check: str | None = None
    map_entries: int = 0
    map_digest: str = ""
    kept_hashes: list[str] = []
    unconfirmed_weeks: list[str] = msgspec.field(default_factory=list, name="weeks_in_doubt")
    #: Keyed hashes of the withdrawals that runs have used.
    withdrawals: list[str] = []
    #: The digest that the map has once an erasure that is under way has replaced its entries.
    next_map_digest: str = ""
    #: Digests of published files that a run found readable, with the columns of their table (`run/checked_files.py`).
    checked_files: list[str] = []


def read_lake_state(lake: Lake) -> LakeState:
    """The lake's state, an empty one for a new lake; LakeError when the file is corrupt."""
    if lake.stat(STATE_KEY) is None:
        return LakeState()
    try:
        return msgspec.json.decode(lake.read(STATE_KEY), type=LakeState)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise LakeError(
            f"{STATE_KEY}: damaged; restore it from a backup. Without it the next run cannot tell whether key and user map"
            " are still the same: be sure of both, then remove it"
        ) from None


def write_lake_state(lake: Lake, state: LakeState) -> None:
    """Store the state by one atomic write."""
    lake.put(STATE_KEY, msgspec.json.encode(state) + b"\n")


def require_same_users(state: LakeState, identities: Identities, user_map: UserMap) -> LakeState:
    """The state after this run; UsageError when its key or user map would give known users other ids."""
    if state.key_check not in (None, identities.key_check):
        raise UsageError("QOL_PSEUDONYM_KEY: not the key that earlier runs of this lake used; allowed: that key")
    known, count = state.map_entries, user_map.settled_entries
    if known and not user_map.entries:
        entries = "1 entry" if known == 1 else f"{known} entries"
        raise UsageError(
            f"--user-map: not given or empty, and earlier runs of this lake used one with {entries};"
            " give the same file, or the same table"
        )
    digests = (state.map_digest, state.next_map_digest)
    if count < known or (known and user_map.digest(known, identities.key) not in digests):
        raise UsageError(
            f"--user-map: its first {known} entries are not those that earlier runs of this lake used;"
            " allowed: that map, with new lines only at its end. Put the old lines back;"
            " docs/backfill-and-rebuild.md says how a user gets another id"
        )
    digest = user_map.digest(count, identities.key)
    return msgspec.structs.replace(state, key_check=identities.key_check, map_entries=count, map_digest=digest)
