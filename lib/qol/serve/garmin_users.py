"""Users of Garmin's pushes in the user map: in a table as the receiver on AWS writes it, in a file as far as it has a place."""

import os
import shutil
from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from qol.contracts.raw_values import identifier
from qol.identity.dynamodb_user_map import GARMIN, table_errors
from qol.identity.user_map import moment
from qol.serve.service import Service
from qol.webhooks.bodies import DEREGISTRATIONS, Control, stamp
from qol.webhooks.deadline import Deadline
from qol.webhooks.user_map_table import UserMapTable, changed_at, permissions_of


def update_user_map(service: Service, users: Collection[str], controls: Collection[Control], now: datetime) -> None:
    """Bring the user map up to date before a delivery is stored; QolError when it cannot be, so that Garmin sends it again.

    A table gets new users, deregistrations and permissions. A file gets the last two, as withdrawals: without a line an
    account has a keyed hash. Erased accounts get neither.
    """
    participants = service.participants
    if participants.table is not None:
        with table_errors(participants.table):
            table = UserMapTable(participants.table, lambda ids: _erased(service, ids), service.registered)
            table.update(users, controls, now, Deadline())
    elif participants.user_map is not None and controls:
        with service.lake.lock("serve-user-map"):
            _update_file(service, Path(participants.user_map), controls, now)
    elif controls:
        service.count("controls_without_user_map", len(controls))


def _erased(service: Service, vendor_user_ids: Iterable[str]) -> set[str]:
    identities = service.participants.identities
    erased = identities.erased.ids
    return {one for one in vendor_user_ids if erased and identities.erasure_hash(GARMIN, one) in erased}


def _update_file(service: Service, path: Path, controls: Collection[Control], now: datetime) -> None:
    """Rewrite the lines of the accounts that the controls name; those of an account without a line get one at the end."""
    lines = path.read_bytes().splitlines()
    entries = {number: msgspec.json.decode(line) for number, line in enumerate(lines) if line.strip()}
    places = {identifier(one["vendor_user_id"]): at for at, one in entries.items() if one["source"] == GARMIN}
    erased = _erased(service, {control.vendor_user_id for control in controls})
    for control in controls:
        vendor = control.vendor_user_id
        if vendor in erased:
            continue
        if vendor not in places:
            places[vendor] = len(lines)
            user_id = service.participants.identities.user_hash(GARMIN, vendor)
            entries[len(lines)] = {"source": GARMIN, "vendor_user_id": vendor, "user_id": user_id}
            lines.append(b"")
        at = places[vendor]
        entries[at] = _withdrawn(entries[at], control, now)
        lines[at] = msgspec.json.encode(entries[at])
    _replace(path, b"".join(line + b"\n" for line in lines))


def _withdrawn(entry: dict[str, Any], control: Control, now: datetime) -> dict[str, Any]:
    """An entry after a control: a whole withdrawal, or one of all permissions but those that stay; the newest change counts."""
    since = moment(entry.get("withdrawn_at"))
    bare = {name: value for name, value in entry.items() if name not in ("withdrawn_at", "permissions")}
    if control.record_type == DEREGISTRATIONS:
        is_known = since is not None and not entry.get("permissions")
        return entry if is_known else {**bare, "withdrawn_at": stamp(now)}
    at = changed_at(control, now)
    if since is not None and since > at:
        return entry
    stay = permissions_of(control)
    return {**bare, "withdrawn_at": stamp(at), **({"permissions": stay} if stay else {})}


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.changing")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    shutil.copymode(path, temporary)
    os.replace(temporary, path)
