"""Who may call what: tokens of participants, keys of servers and sensors, and how often."""

import hashlib
import secrets
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from fastapi import Request
from limits import RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import SlidingWindowCounterRateLimiter

from qol.errors import QolError
from qol.serve.participants import Participant
from qol.serve.problem_details import ProblemError
from qol.serve.service import Service
from qol.state import Item, State, all_items

F = TypeVar("F", bound=Callable[..., Any])
KEY_SCOPES = ("devices:write", "devices:read", "feeds:read", "events:write", "users:admin")
KEY_OWNER = "keys"
KEY_PREFIX = "qol_"
KEY_BYTES = 32
#: Of a key only this much is ever shown again.
SHOWN_CHARACTERS = 8
USERS, ERASED = "users", "erased"
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="qol"'}


class Caller(NamedTuple):
    """Who calls: its kind for the log, its name for the limit, and what it is allowed."""

    kind: str
    name: str
    scopes: frozenset[str]
    participant: Participant | None = None


def new_key(state: State, scopes: tuple[str, ...], label: str) -> str:
    """A new API key, which is shown this once; its hash is stored."""
    key = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
    body = {
        "shown": key[: len(KEY_PREFIX) + SHOWN_CHARACTERS],
        "scopes": list(scopes),
        "label": label,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    state.create("keys", KEY_OWNER, _hashed(key), body)
    return key


def listed_keys(state: State) -> list[Item]:
    """Every API key, without what it is."""
    return list(all_items(state, "keys", KEY_OWNER))


def revoke_key(state: State, shown: str) -> int:
    """Revoke the keys that begin so; how many there are."""
    mine = [item for item in listed_keys(state) if item.body["shown"] == shown]
    return sum(state.delete("keys", KEY_OWNER, item.name) for item in mine)


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def needs(*scopes: str) -> Callable[..., Caller]:
    """A dependency of a route: the caller, who has one of the scopes; 401, 403 or 429 otherwise."""

    def admitted(request: Request) -> Caller:
        return admit(request, scopes)

    return allowing(*scopes)(admitted)


def allowing(*scopes: str) -> Callable[[F], F]:
    """Notes on a dependency of a route which scopes it takes, for OpenAPI."""

    def noted(dependency: F) -> F:
        dependency.scopes = scopes  # type: ignore[attr-defined]
        return dependency

    return noted


def admit(request: Request, scopes: Collection[str], *, erased: bool = False) -> Caller:
    """The caller of a request; `erased` says whether a person who was erased may still ask."""
    service: Service = request.app.state.service
    try:
        caller = _caller(service, request.headers.get("authorization"), request.headers.get("x-api-key"), erased=erased)
    except ProblemError:
        address = request.client.host if request.client else ""
        require_rate(service, f"anonymous:{address}")
        raise
    request.state.caller = caller.kind
    require_rate(service, f"{caller.kind}:{caller.name}")
    if caller.scopes.isdisjoint(scopes):
        raise ProblemError(403, "This caller may not do that.")
    return caller


def participant_of(caller: Caller) -> Participant:
    """The participant who calls; 403 for a caller with a key."""
    if caller.participant is None:
        raise ProblemError(403, "This caller may not do that.")
    return caller.participant


def _caller(service: Service, authorization: str | None, key: str | None, *, erased: bool) -> Caller:
    if key is not None and authorization is None:
        found = service.state.get("keys", KEY_OWNER, _hashed(key)) if key.startswith(KEY_PREFIX) else None
        if found is None:
            raise _unauthorized()
        return Caller("key", found.name, frozenset(found.body["scopes"]))
    scheme, _, token = (authorization or "").partition(" ")
    claims = None
    if scheme.lower() == "bearer" and key is None and service.verifier is not None:
        claims = service.verifier.verify(token.strip())
    if claims is None:
        raise _unauthorized()
    person = service.participants.of(claims.subject)
    user = service.state.get("users", USERS, service.participants.erasure_id(person.user_id))
    status = user.body["status"] if user else None
    # The local key may name any person; an issuer may have people who are not in the study.
    is_stranger = status is None and not person.is_known and service.options.oidc is not None
    has_left = person.has_left or status == ERASED
    if is_stranger or status == "suspended" or (has_left and not erased):
        raise ProblemError(403, "This person has no access.")
    return Caller("participant", person.user_id, claims.scopes, person)


def _unauthorized() -> ProblemError:
    """One reason for all, which does not say which part of a token was right."""
    return ProblemError(401, "No valid token or key was given.", headers=_CHALLENGE)


class SlidingWindow(SlidingWindowCounterRateLimiter):
    """The strategy of `limits` over our counters, which are no storages for its other strategies."""

    def __init__(self, counters: Storage) -> None:
        self.storage = counters


def require_rate(service: Service, name: str) -> None:
    """429 when a caller asked too often within a minute; when the counters cannot be reached, the request passes."""
    limit = RateLimitItemPerMinute(service.requests_per_minute)
    strategy = SlidingWindow(service.counters)
    name = hashlib.sha256(name.encode()).hexdigest()[:32]
    try:
        if strategy.hit(limit, name):
            return
        reset = strategy.get_window_stats(limit, name).reset_time - time.time()
    except QolError:
        service.count("limits_not_checked")
        return
    raise ProblemError(
        429, "Too many requests within a minute.", headers={"Retry-After": str(max(1, min(60, round(reset) or 1)))}
    )
