"""Items of erased users in the user map's table, replaced by items without their ids."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from qol.aws.requests import aws_client
from qol.identity.dynamodb_user_map import RETRY_POLICY, entry_of_item, map_of_items, scan_items, table_errors
from qol.identity.lake_state import read_lake_state, write_lake_state
from qol.identity.pseudonyms import Identities
from qol.identity.user_map import ERASED_ENTRY
from qol.lake.base import Lake
from qol.people.erase_map import is_mine
from qol.people.person import Person

_Item = Mapping[str, Any]
#: Attributes that stay, as they give the entry its place; none says who it was.
_KEPT = ("registered_at", "assigned_at")


def erase_items(lake: Lake, table: str, identities: Identities, person: Person, *, acts: bool) -> int:
    """Replace the person's items by one transaction, and let the lake's digest follow; how many there are.

    The lake accepts both maps from before the table changes until after it has.
    """
    items = list(scan_items(table))
    mine = {_key(item): _nobody(identities, item) for item in items if _is_of(identities, person, item)}
    if mine and acts:
        state, after = read_lake_state(lake), [mine.get(_key(item), item) for item in items]
        digest = map_of_items(table, after, datetime.now(UTC)).digest(state.map_entries, identities.key)
        write_lake_state(lake, msgspec.structs.replace(state, next_map_digest=digest))
        changes = [{"Put": {"TableName": table, "Item": item}} for item in mine.values()]
        changes += [{"Delete": {"TableName": table, "Key": {"garmin_user_id": {"S": key}}}} for key in mine]
        with table_errors(table):
            aws_client("dynamodb", RETRY_POLICY).transact_write_items(TransactItems=changes)
    if acts and (state := read_lake_state(lake)).next_map_digest:
        digest = map_of_items(table, scan_items(table), datetime.now(UTC)).digest(state.map_entries, identities.key)
        write_lake_state(lake, msgspec.structs.replace(state, map_digest=digest, next_map_digest=""))
    return len(mine)


def _key(item: _Item) -> str:
    return str(item["garmin_user_id"]["S"])


def _entry(item: _Item) -> tuple[str, str]:
    source, vendor = entry_of_item(item)
    return source, str(vendor)


def _is_of(identities: Identities, person: Person, item: _Item) -> bool:
    return is_mine(identities, person, *_entry(item), item.get("user_id", {}).get("S", ""))


def _nobody(identities: Identities, item: _Item) -> _Item:
    """The item that takes the place of one: neither its id nor its user id says whose it was."""
    source, vendor = _entry(item)
    name = f"{ERASED_ENTRY}{identities.erasure_hash(source, vendor + item.get('from', {}).get('S', ''))}"
    kept = {attribute: item[attribute] for attribute in _KEPT if attribute in item}
    return {
        **kept,
        "garmin_user_id": {"S": f"{source}:{name}"},
        "user_id": {"S": name},
        "status": {"S": "deregistered"},
    }
