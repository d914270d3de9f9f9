"""Erasures that were asked for: objects below `_erasures/requests/`, and users of the map's table who deregistered."""

from collections.abc import Iterator

import msgspec

from qol.errors import UsageError
from qol.identity.dynamodb_user_map import STATUSES, entry_of_item, scan_items
from qol.identity.erasures import ERASURES
from qol.identity.user_map import ERASED_ENTRY
from qol.lake.base import Lake, StoredObject

REQUESTS = f"{ERASURES}requests/"
#: `asked_by` of a request from the API: its users may have no data in the lake.
API = "api"


class ErasureRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Users by `user_id` or `<source>:<vendor id>`, and who asked, as a role."""

    ids: list[str]
    asked_by: str = ""


def pending_requests(lake: Lake) -> Iterator[tuple[StoredObject, ErasureRequest | None]]:
    """Requests in the order of their names, each with its object; None for what is no request. It may hold ids: never shown."""
    for stored in lake.children(REQUESTS).objects:
        try:
            yield stored, msgspec.json.decode(lake.read(stored.key), type=ErasureRequest)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            yield stored, None


def deregistered_users(table: str) -> list[str]:
    """Users of the map's table who deregistered and still have an entry, as `<source>:<vendor id>`."""
    entries = [entry_of_item(item) for item in scan_items(table) if item.get("status") == {"S": STATUSES[1]}]
    return [f"{source}:{vendor}" for source, vendor in entries if vendor and not vendor.startswith(ERASED_ENTRY)]


class UnknownUserError(UsageError):
    """When a lake holds nothing on an id, as of a misspelled one."""
