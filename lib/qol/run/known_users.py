"""The user_id of each vendor id: checks the key and the user map against those of earlier runs."""

from dataclasses import dataclass
from datetime import date, timedelta

import msgspec
import polars as pl

from qol.contracts.raw_values import EPOCH
from qol.identity.erasures import read_erased
from qol.identity.lake_state import LakeState, read_lake_state, require_same_users
from qol.identity.pseudonyms import Identities
from qol.identity.user_map import UserMap, keep_hashes, require_known_sources, require_periods_usable
from qol.run.context import RunContext
from qol.tables.corruption import read_published
from qol.tables.layout import Published

DAY = 24 * 60 * 60 * 1_000_000


@dataclass(frozen=True)
class KnownUsers:
    """The key with the user map, and what the lake remembers of both once this run publishes."""

    identities: Identities
    user_map: UserMap
    state: LakeState
    #: The UTC day of the first withdrawal that no earlier run has used.
    withdrawn_from: date | None = None


def read_known_users(run: RunContext, published: Published) -> KnownUsers:
    """The users of this run; UsageError when the key or the user map would give known users other ids.

    A user with records under the keyed hash keeps it, whatever an entry says.
    """
    user_map = run.read_user_map()
    identities = Identities(run.key, {})
    require_periods_usable(user_map, run.contracts)
    before = read_lake_state(run.lake)
    state = require_same_users(before, identities, user_map)
    require_known_sources(user_map, run.contracts, before.map_entries)
    run.manifest.key_check = state.key_check
    if user_map.entries:
        files = [stored.key for (table, _), stored in published.files.items() if table.startswith("records_")]
        user_ids = (pl.Series(read_published(run.lake, key, columns=["user_id"])["user_id"]) for key in files)
        user_map, kept = keep_hashes(user_map, identities, before.kept_hashes, before.map_entries, user_ids)
        state = msgspec.structs.replace(state, kept_hashes=kept)
        run.manifest.user_map = {
            "entries": state.map_entries,
            "sha256": state.map_digest,
            "hashes_kept": len(kept),
            "new_hashes_kept": len(set(kept).difference(before.kept_hashes)),
        }
    erased, permitted = read_erased(run.lake), user_map.permitted(run.contracts)
    identities = Identities(run.key, user_map.known, user_map.owners, user_map.withdrawn, erased, permitted)
    withdrawals = {
        identities.erasure_hash("withdrawal", f"{source}:{vendor}:{since}"): since // DAY
        for (source, vendor), since in sorted(identities.since.items())
    }
    new = [day for name, day in withdrawals.items() if name not in before.withdrawals]
    state = msgspec.structs.replace(state, withdrawals=sorted(withdrawals))
    return KnownUsers(identities, user_map, state, EPOCH + timedelta(days=min(new)) if new else None)
