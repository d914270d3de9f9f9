"""The vendor as an ASGI application: its documents in pages, its tokens, its refusals, its announcements."""

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from qol_dev.fake_oura import price_feed
from qol_dev.fake_oura.ring_documents import BY_INSTANT, RingDocuments
from qol_dev.fake_oura.scenarios import FAULTS, Limit, Scenario
from qol_dev.fake_oura.vendor_tokens import LIFETIME, VendorTokens

PAGE = 1_000
CLIENT_ID, CLIENT_SECRET = "qol-demo", "a-secret-that-is-none"
#: The scope a record type needs; every other one needs `daily`.
_SCOPES = {
    "daily_cardiovascular_age": "heart_health", "vO2_max": "heart_health", "daily_spo2": "spo2", "daily_stress": "stress",
    "daily_resilience": "stress", "enhanced_tag": "tag", "heartrate": "heartrate", "ring_battery_level": "ring_configuration",
    "ring_configuration": "ring_configuration", "session": "session", "tag": "tag", "workout": "workout",
}  # fmt: skip
_WINDOW = ("start_date", "end_date", "start_datetime", "end_datetime")
_UNAUTHORIZED = {"status": 401, "title": "Unauthorized", "detail": "The access token is expired, malformed or revoked."}
_LAPSED = {"status": 403, "title": "Forbidden", "detail": "The user's subscription to Oura has expired."}


def utc_now() -> dt.datetime:
    """The real clock."""
    return dt.datetime.now(dt.UTC)


class FakeOura:
    """A vendor with these documents; `scenarios` says for whom what goes wrong.

    `token_limit` and `application_limit` are requests within `window` of one access token, and of all. `requests` has
    every request for data: person, path, parameters. `prices_down` turns the price feed off.
    """

    def __init__(
        self,
        documents: RingDocuments,
        scenarios: Mapping[str, Scenario] | None = None,
        *,
        clock: Callable[[], dt.datetime] = utc_now,
        page: int = PAGE,
        token_limit: int | None = None,
        application_limit: int | None = None,
        window: dt.timedelta = dt.timedelta(minutes=5),
    ) -> None:
        self.documents, self.scenarios, self.clock, self.page = documents, dict(scenarios or {}), clock, page
        self.tokens = VendorTokens()
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.prices_down = False
        self._faults_given: dict[str, int] = {}
        self._token_limit, self._window = token_limit, window
        self._application = Limit("application", application_limit, window)
        self._of_token: dict[str, Limit] = {}
        self.app = Starlette(
            routes=[
                Route("/v2/usercollection/personal_info", self._personal_info),
                Route("/v2/usercollection/{record}", self._documents),
                Route("/v2/usercollection/{record}/{document_id}", self._document),
                Route("/v2/sandbox/usercollection/{record}", self._sandbox),
                Route("/oauth/authorize", self._authorize),
                Route("/oauth/token", self._token, methods=["POST"]),
                Route("/coins/markets", self._prices),
            ]
        )

    def scenario(self, person: str) -> Scenario:
        """How requests for a person's data are treated."""
        return self.scenarios.get(person, Scenario())

    def write_tokens(self, file: Path) -> None:
        """Write the file that `qol collect --tokens` reads: the tokens of all users, readable by its owner alone.

        An expired token has a future `expires_at`, so that only the vendor's answer shows that it has expired.
        """
        now, lines = self.clock(), []
        for person in self.documents.people:
            issued = self.tokens.issue(person, now - LIFETIME * self.scenario(person).expired)
            line = {"user_id": person, "expires_at": (now + LIFETIME).isoformat()}
            lines.append(json.dumps(line | {name: issued[name] for name in ("access_token", "refresh_token")}) + "\n")
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:  # noqa: PTH123
            out.writelines(lines)

    def announcement(
        self, person: str, record: str, document_id: str, event: str = "update"
    ) -> tuple[bytes, dict[str, str]]:
        """The body and headers of a webhook that tells about a document: created, updated or deleted."""
        now = self.clock()
        message = {"event_type": event, "data_type": record.lower(), "object_id": document_id}
        body = json.dumps(message | {"event_time": now.isoformat(), "user_id": person}).encode()
        stamp = str(round(now.timestamp()))
        signed = hmac.new(CLIENT_SECRET.encode(), stamp.encode() + body, hashlib.sha256).hexdigest().upper()
        return body, {"x-oura-signature": signed, "x-oura-timestamp": stamp}

    # --- data ---

    async def _documents(self, request: Request) -> Response:
        record = request.path_params["record"]
        person = self._admit(request, record)
        return person if isinstance(person, Response) else self._listed(person, record, dict(request.query_params))

    async def _document(self, request: Request) -> Response:
        record = request.path_params["record"]
        person = self._admit(request, record)
        if isinstance(person, Response):
            return person
        everything = [] if record in BY_INSTANT else self.documents.all_of(person, record, self.clock())
        found = [document for document in everything if document["id"] == request.path_params["document_id"]]
        return JSONResponse(found[0]) if found else _problem(404, "Not Found")

    async def _personal_info(self, request: Request) -> Response:
        person = self._admit(request, "personal_info")
        return person if isinstance(person, Response) else JSONResponse({"id": person, "age": None, "email": None})

    async def _sandbox(self, request: Request) -> Response:
        """The same documents for any token, never in pages."""
        if not request.headers.get("authorization"):
            return JSONResponse(_UNAUTHORIZED, 401)
        record = request.path_params["record"]
        found = self.documents.all_of(self.documents.people[0], record, self.clock())
        return JSONResponse({"data": found, "next_token": None})

    def _admit(self, request: Request, record: str) -> str | Response:
        """The person whose token it is, or the answer that ends the request."""
        now, token = self.clock(), request.headers.get("authorization", "").removeprefix("Bearer ")
        person = self.tokens.person(token, now)
        if person is None:
            return JSONResponse(_UNAUTHORIZED, 401)
        self.requests.append((person, request.url.path, dict(request.query_params)))
        limits = (
            self._of_token.setdefault(token, Limit("access-token", self._token_limit, self._window)),
            self._application,
        )
        for limit in limits:
            if refusal := limit.refusal(now):
                return refusal
        return self._refused(person, record, "next_token" in request.query_params) or person

    def _refused(self, person: str, record: str, is_later_page: bool) -> Response | None:
        scenario = self.scenario(person)
        if record not in (*self.documents.records, "personal_info"):
            return _problem(404, "Not Found")
        if scenario.lapsed:
            return JSONResponse(_LAPSED, 403)
        scope = _SCOPES.get(record, "daily")
        if scope in scenario.missing_scopes:
            return JSONResponse({"detail": f"Token is not authorized access {scope} scope."}, 401)
        given = self._faults_given.get(person, 0)
        if (scenario.later_pages and not is_later_page) or not scenario.faults:
            return None
        if given >= len(scenario.faults) and not scenario.forever:
            return None
        self._faults_given[person] = given + 1
        return FAULTS[scenario.faults[min(given, len(scenario.faults) - 1)]]()

    def _listed(self, person: str, record: str, query: dict[str, str]) -> Response:
        try:
            window, at = _read_token(query["next_token"]) if "next_token" in query else (_window(query), 0)
            found = self.documents.between(person, record, window, self.clock())
        except ValueError as err:
            return _problem(400, "Query Parameter Validation Error", str(err))
        scenario = self.scenario(person)
        if scenario.empty_first_page and "next_token" not in query:
            return JSONResponse({"data": [], "next_token": _make_token(window, 0)})
        following = at + self.page
        if scenario.repeats_token:
            return JSONResponse({"data": found[:1], "next_token": _make_token(window, 0)})
        more = _make_token(window, following) if following < len(found) else None
        return JSONResponse({"data": found[at:following], "next_token": more})

    # --- tokens ---

    async def _authorize(self, request: Request) -> Response:
        """What a person answers who agrees: back to the application with a code."""
        query = request.query_params
        if query.get("client_id") != CLIENT_ID or query.get("response_type") != "code":
            return _problem(400, "invalid_client")
        person = query.get("person", self.documents.people[0])
        answer = {"code": self.tokens.code(person), "state": query.get("state", ""), "scope": query.get("scope", "")}
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode(answer)}", 302)

    async def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return JSONResponse({"error": "invalid_client"}, 401)
        kind = form.get("grant_type", "")
        given = form.get("refresh_token" if kind == "refresh_token" else "code", "")
        owner = self.tokens.refresh.get(given, "")
        issued = None if self.scenario(owner).revoked else self.tokens.exchange(kind, given, self.clock())
        return JSONResponse(issued) if issued else JSONResponse({"error": "invalid_grant"}, 400)

    # --- prices ---

    async def _prices(self, request: Request) -> Response:  # noqa: ARG002 (a route's argument)
        if self.prices_down:
            return _problem(503, "Service Unavailable")
        return Response(price_feed.quotes(self.clock()), media_type="application/json")


def _problem(status: int, title: str, detail: str = "") -> Response:
    return JSONResponse({"status": status, "title": title, "detail": detail}, status)


def _window(query: Mapping[str, str]) -> dict[str, str]:
    return {name: query[name] for name in _WINDOW if name in query}


def _make_token(window: Mapping[str, str], at: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([dict(window), at]).encode()).decode()


def _read_token(token: str) -> tuple[dict[str, str], int]:
    """The window and place of a token; ValueError for one that was never given."""
    try:
        window, at = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError):
        raise ValueError("next_token is unknown") from None
    return window, at
