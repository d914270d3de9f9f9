"""Goals that are newly met: one event each, delivered as a Standard Webhook until it is taken or given up.

The event is stored under the person, by a write that only the first may do. Its place in the outbox is stored after it, and
again when the event is found still pending, so that a process that dies in between loses nothing.
"""

import hashlib
import hmac
import ipaddress
import json
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

import urllib3
from standardwebhooks import Webhook

from qol.errors import UsageError
from qol.identity.erasures import moment_text
from qol.serve.goals import MAX_GOALS, weekly_column
from qol.serve.participants import Participant
from qol.serve.service import Service
from qol.serve.so_far import so_far_rows
from qol.serve.summaries import Question, local_now
from qol.state import Item, State, all_items
from qol.tables.weeks import monday_of

logger = logging.getLogger("qol.serve")
FLAG = "goal_events"
#: Owners that are not users: a user_id has no colon.
OUTBOX, DEAD = ":outbox", ":dead"
#: Seconds to wait after each attempt; an event that is not taken after the last one goes to the dead letters.
BACKOFF = (5, 30, 120, 600, 3600, 21_600)
KEPT_SECONDS = 40 * 86_400
#: A receiver that wants no more events answers so.
GONE = 410


def note_met_goals(service: Service, person: Participant) -> int:
    """Put an event for each goal that the person's day or week so far meets and no event was about; how many are new."""
    state = service.state
    goals = state.items("goals", person.user_id, limit=MAX_GOALS)
    if not goals or not service.flags.is_on(FLAG, person.user_id):
        return 0
    now = local_now(service.now, person.zone)
    return sum(
        put_event(service, person.user_id, goal, start) for goal, start in _met(service, person, goals, now.date())
    )


def _met(service: Service, person: Participant, goals: Iterable[Item], today: date) -> Iterable[tuple[Item, date]]:
    by_period = {period: [goal for goal in goals if goal.body["period"] == period] for period in ("day", "week")}
    if by_period["day"]:
        names = tuple(dict.fromkeys(goal.body["metric"] for goal in by_period["day"]))
        rows = so_far_rows(service, person, Question("day", today, 1, names))
        yield from ((goal, today) for goal in by_period["day"] if _reaches(rows, goal.body["metric"], goal))
    if by_period["week"]:
        columns = {goal.name: weekly_column(service.contracts, goal.body["metric"]) for goal in by_period["week"]}
        rows = so_far_rows(service, person, Question("week", today, 1, tuple(dict.fromkeys(columns.values()))))
        start = monday_of(today)
        yield from ((goal, start) for goal in by_period["week"] if _reaches(rows, columns[goal.name], goal))


def _reaches(rows: Iterable[dict[str, Any]], column: str, goal: Item) -> bool:
    """Whether any source's value is at least the target."""
    return any(row[column] is not None and row[column] >= goal.body["target"] for row in rows)


def put_event(service: Service, user_id: str, goal: Item, start: date) -> bool:
    """Store the event of a goal and period unless it is stored, and see that it is delivered; whether it is new."""
    key = service.participants.identities.key
    named = json.dumps(["goal", user_id, goal.name, goal.body["period"], str(start)]).encode()
    event_id = f"evt_{hmac.digest(key, named, hashlib.sha256).hex()[:32]}"
    data = {"user_id": user_id, "goal_id": goal.name, **goal.body, "start": str(start)}
    event = {"type": "goal.achieved", "timestamp": moment_text(service.now), "data": data}
    expires = int(time.time()) + KEPT_SECONDS
    is_new = service.state.create("events", user_id, event_id, {"status": "pending", "event": event}, expires=expires)
    found = service.state.get("events", user_id, event_id)
    if found is not None and found.body["status"] == "pending":
        service.state.create("events", OUTBOX, event_id, {"user_id": user_id, "attempts": 0, "due": 0}, expires=expires)
    return is_new


def deliver_due(service: Service, clock: Callable[[], float] = time.time) -> int:
    """Deliver the events whose time has come; how many were taken. Does nothing without an address to deliver to."""
    if service.options.webhook_url is None:
        return 0
    places = all_items(service.state, "events", OUTBOX)
    return sum(_deliver(service, place, clock) for place in places if place.body["due"] <= clock())


def _deliver(service: Service, place: Item, clock: Callable[[], float]) -> bool:
    """Try one event once, by one process: the others find its time moved on."""
    state, attempts = service.state, place.body["attempts"]
    user_id, due = place.body["user_id"], clock() + BACKOFF[min(attempts, len(BACKOFF) - 1)]
    if not state.replace(
        "events", OUTBOX, place.name, {**place.body, "attempts": attempts + 1, "due": due}, place.version
    ):
        return False
    event = state.get("events", user_id, place.name)
    if event is None or event.body["status"] != "pending":
        return state.delete("events", OUTBOX, place.name) and False
    status = post_event(service, place.name, event.body["event"])
    if 200 <= status < 300:
        _finish(state, user_id, event, "delivered")
    elif status == GONE or attempts + 1 >= len(BACKOFF):
        state.create("events", DEAD, place.name, {"user_id": user_id, "status": status})
        _finish(state, user_id, event, "dead")
        service.count("goal_events_given_up")
        logger.error(json.dumps({"event": "given up", "id": place.name, "status": status}))
    return 200 <= status < 300


def _finish(state: State, user_id: str, event: Item, status: str) -> None:
    expires = int(time.time()) + KEPT_SECONDS
    state.replace("events", user_id, event.name, {**event.body, "status": status}, event.version, expires=expires)
    state.delete("events", OUTBOX, event.name)


def post_event(service: Service, event_id: str, event: dict[str, Any]) -> int:
    """Post an event, signed; the status of the answer, 0 without one."""
    body, now = json.dumps(event, separators=(",", ":")), datetime.now(UTC)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "qol-lake",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": webhook_of(service).sign(event_id, now, body),
    }
    with suppress(urllib3.exceptions.HTTPError):
        http = urllib3.PoolManager(timeout=urllib3.Timeout(connect=3.0, read=10.0), retries=False)
        answer = http.request("POST", str(service.options.webhook_url), body=body, headers=headers, redirect=False)
        return int(answer.status)
    return 0


def webhook_of(service: Service) -> Webhook:
    """What signs and verifies events; UsageError when no secret is set."""
    secret = service.options.webhook_secret
    if not secret:
        raise UsageError("QOL_GOAL_WEBHOOK_SECRET: not set; allowed: whsec_ and at least 24 bytes in base64")
    return Webhook(secret)


def require_usable_address(url: str) -> None:
    """UsageError for an address that is neither https nor on this machine."""
    parts = urlsplit(url)
    is_here = parts.hostname == "localhost"
    with suppress(ValueError):
        is_here |= ipaddress.ip_address(parts.hostname or "").is_loopback
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and is_here)):
        raise UsageError("QOL_GOAL_WEBHOOK_URL: not usable; allowed: an https:// address, or http:// of this machine")
