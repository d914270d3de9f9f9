"""Scenarios: how the vendor treats one person's requests, and its limits for all of them."""

import datetime as dt
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.responses import JSONResponse, Response

_DAY_S = 86_400


@dataclass(frozen=True)
class Scenario:
    """What goes wrong for a person.

    `faults` are answers that come in turn before the right one; with `forever` the last of them never ends, and with
    `later_pages` only requests with a page token get them.
    """

    faults: tuple[str, ...] = ()
    forever: bool = False
    later_pages: bool = False
    lapsed: bool = False
    missing_scopes: frozenset[str] = frozenset()
    expired: bool = False
    revoked: bool = False
    empty_first_page: bool = False
    repeats_token: bool = False


def too_many(retry_after: int | None, tier: str = "access-token") -> Response:
    """The refusal of a limit: with seconds to wait, or without saying how long."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    headers |= {"X-RateLimit-Tier": tier}
    return JSONResponse({"status": 429, "title": "Too Many Requests"}, 429, headers)


def html() -> Response:
    """A page of a proxy that calls itself a success."""
    return Response("<html><body>We are upgrading</body></html>", media_type="text/html")


def cut_short() -> Response:
    """JSON that breaks off within a document."""
    return Response('{"data":[{"id":"8f9a5221-639e-4a85-81cb-4065ef23f979","day":"20', media_type="application/json")


#: Faults by name.
FAULTS: Mapping[str, Callable[[], Response]] = {
    "html": html,
    "cut": cut_short,
    "no_list": lambda: JSONResponse({"data": {"id": "one"}, "next_token": None}),
    "error": lambda: JSONResponse({"status": 503, "title": "Service Unavailable"}, 503),
    "limited": lambda: too_many(1),
    "limited_silently": lambda: too_many(None),
    "postponed": lambda: too_many(_DAY_S, "application"),
}

#: Scenarios by name: a fault once, one that stays, and what ends a person's collection.
SCENARIOS: Mapping[str, Scenario] = {
    **{name: Scenario(faults=(name,)) for name in FAULTS},
    "postponed": Scenario(faults=("postponed",), forever=True),
    "down": Scenario(faults=("error",), forever=True),
    "broken_second_page": Scenario(faults=("cut",), forever=True, later_pages=True),
    "lapsed": Scenario(lapsed=True),
    "no_spo2": Scenario(missing_scopes=frozenset({"spo2"})),
    "expired": Scenario(expired=True),
    "revoked": Scenario(expired=True, revoked=True),
    "empty_page": Scenario(empty_first_page=True),
    "repeating_token": Scenario(repeats_token=True),
}


@dataclass
class Limit:
    """At most `most` requests within `window` of one token or application; None for any number."""

    tier: str
    most: int | None
    window: dt.timedelta
    _times: deque[dt.datetime] = field(default_factory=deque)

    def refusal(self, now: dt.datetime) -> Response | None:
        """Count a request; the answer to one that is too many, with the vendor's headers."""
        while self._times and now - self._times[0] >= self.window:
            self._times.popleft()
        if self.most is None or len(self._times) < self.most:
            self._times.append(now)
            return None
        resets = self._times[0] + self.window
        answer = too_many(max(1, round((resets - now).total_seconds())), self.tier)
        answer.headers["X-RateLimit-Limit"] = str(self.most)
        answer.headers["X-RateLimit-Window"] = str(round(self.window.total_seconds()))
        answer.headers["X-RateLimit-Reset"] = str(round(resets.timestamp()))
        return answer
