"""Erasure through the API: access ends and the state's rows go at once, the lake by `qol erase` under its lock."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from qol.errors import LockedError, QolError, UsageError, safe_place
from qol.identity.erasures import moment_text
from qol.people.erase import Erasure
from qol.people.erasure_requests import API, REQUESTS
from qol.serve.door import ERASED, USERS
from qol.serve.erased_rows import devices_of, purge_readings
from qol.serve.goal_events import DEAD, OUTBOX
from qol.serve.participants import SOURCE
from qol.serve.service import Service
from qol.state import Item, all_items

logger = logging.getLogger("qol.serve")
ERASURES, ALIASES, REQUESTED = "erasures", "aliases", "requested"


def begin_erasure(service: Service, user_id: str, vendor_id: str | None) -> str:
    """End a person's access, remove their rows of the state, and note what is to be erased; the erasure's id.

    `vendor_id` is that of the participants' source, where it is known: without an entry in the user map only it leads to
    what a batch holds.
    """
    state, participants = service.state, service.participants
    erasure_id = participants.erasure_id(user_id)
    vendor_id = vendor_id or participants.vendor_id_of(user_id)
    _put(service, USERS, erasure_id, {"status": ERASED})
    for one in {user_id, vendor_id or user_id}:  # as tokens may name the person
        _put(service, ALIASES, participants.alias(one), {"erasure_id": erasure_id})
    for event in all_items(state, "events", user_id):
        for owner in (OUTBOX, DEAD):
            state.delete("events", owner, event.name)
    removed = {kind: state.purge(kind, user_id) for kind in ("goals", "events")}
    removed["readings"] = _remove_readings(service, user_id)
    in_map = participants.has_entries(user_id)
    named = user_id if in_map or vendor_id is None else f"{SOURCE}:{vendor_id}"
    places = [{"place": f"state: {kind}", "removed": number, "remaining": 0} for kind, number in removed.items()]
    begun = {"status": "pending", "requested_at": _now(), "finished_at": None, "named": named, "places": places}
    _put(service, ERASURES, erasure_id, begun)
    return erasure_id


def _remove_readings(service: Service, user_id: str) -> int:
    """Remove the readings of a person's devices, but not those of whoever had a device before or has it now; how many."""
    identities = service.participants.identities
    return sum(
        purge_readings(service, identities, device, lambda user: user.user_id == user_id)
        for device in devices_of(identities, user_id)
    )


def erase_pending(service: Service) -> int:
    """Carry out the erasures that are pending; how many are done. They stay pending while a run holds the lock."""
    erasures = all_items(service.state, "users", ERASURES)
    return sum(_erase(service, item) for item in erasures if item.body["status"] == "pending")


def _erase(service: Service, item: Item) -> bool:
    try:
        places, is_clean = _erase_from_lake(service, item.body["named"])
    except LockedError:
        return False
    except QolError as err:
        logger.warning('{"event": "erasure not finished", "reason": "%s"}', type(err).__name__)
        return False
    except Exception as err:  # noqa: BLE001 (its text could hold a value; the next try is a minute away)
        logger.error('{"event": "erasure not finished", "reason": "%s"}', safe_place(err))  # noqa: TRY400 (as above)
        return False
    if is_clean:
        done = {"places": item.body["places"] + places, "status": "done", "finished_at": _now(), "named": None}
        service.state.replace("users", ERASURES, item.name, item.body | done, item.version)
    service.participants.forget_erasures()
    return is_clean


def _erase_from_lake(service: Service, named: str) -> tuple[list[dict[str, Any]], bool]:
    """What was removed by place, and whether a last search found nothing."""
    participants = service.participants
    if service.options.requests_erasures:
        return [], _is_erased_by_the_job(service, named)
    people = participants.people()
    options = service.options
    person, now, user_map = people.person(named), datetime.now(UTC), participants.user_map
    erasure = Erasure(service.lake, people, person, options.zone, now, user_map, API, tokens=options.tokens)
    try:
        certificate = erasure.run()
    except UsageError:  # the lake holds nothing on the person
        return [], True
    places = certificate.removed.keys() | certificate.remaining.keys()
    found = [
        {
            "place": f"lake: {name}",
            "removed": certificate.removed.get(name, 0),
            "remaining": certificate.remaining.get(name, 0),
        }
        for name in sorted(places)
    ]
    return found, certificate.is_clean


def _is_erased_by_the_job(service: Service, named: str) -> bool:
    """Whether the job of erasures has removed the request for a person. The first call stores the request."""
    name = service.participants.erasure_id(named)
    asked = service.state.get("users", REQUESTED, name)
    if asked is None:
        service.lake.put(f"{REQUESTS}{name}.json", json.dumps({"ids": [named], "asked_by": API}).encode())
        service.state.create("users", REQUESTED, name, {})
        return False
    return service.lake.stat(f"{REQUESTS}{name}.json") is None and service.state.delete("users", REQUESTED, name)


def _put(service: Service, owner: str, name: str, body: dict[str, Any]) -> None:
    """Store a document, whether or not there is one of that name."""
    state = service.state
    for _ in range(5):
        found = state.get("users", owner, name)
        if found is None:
            is_stored = state.create("users", owner, name, body)
        else:
            is_stored = state.replace("users", owner, name, body, found.version)
        if is_stored:
            return
    raise QolError("the state changed while it was written")


def _now() -> str:
    return moment_text(datetime.now(UTC))
