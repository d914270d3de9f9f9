"""What is done for every request of every route: ids, bounds, security headers and the log."""

import asyncio
import json
import logging
import time
import uuid
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qol.errors import safe_place
from qol.serve.problem_details import MEDIA_TYPE, problem_body
from qol.serve.service import Service

logger = logging.getLogger("qol.serve")

#: Names under which a secret would stand in a query.
SECRET_NAMES = frozenset(
    {"token", "access_token", "id_token", "jwt", "key", "api_key", "apikey", "x-api-key", "authorization"}
)
GARMIN = "/v1/webhooks/garmin/"
#: The documentation has a script of its own in its page.
_PAGES = ("/docs", "/openapi.json")
_CSP = "default-src 'none'; frame-ancestors 'none'"
_PAGE_CSP = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
_DOCS_CSP = _PAGE_CSP + "; script-src 'self' 'unsafe-inline'"
_HEADERS = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
#: Seconds for which a sender may pause within a body.
PAUSE_SECONDS = 30.0
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class TooLargeError(Exception):
    """When a body is larger than its route takes."""


class Edges:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = str(uuid.uuid4())
        scope.setdefault("state", {}).update(request_id=request_id, caller="anonymous", reason="")
        status, is_begun, seconds = 500, False, None

        async def answering(message: Message) -> None:
            nonlocal status, is_begun, seconds
            if message["type"] == "http.response.start":
                status, is_begun = message["status"], True
                _add_headers(MutableHeaders(scope=message), status, scope["path"], request_id)
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                seconds = time.perf_counter() - started  # what a route does after its answer does not count

        try:
            if problem := self._refused(scope):
                await problem(scope, receive, answering)
            else:
                await self._app(scope, self._bounded(scope, receive), answering)
        except (TooLargeError, TimeoutError) as err:
            if is_begun:
                raise
            status, detail = (
                (413, "The body is too large.") if isinstance(err, TooLargeError) else (408, "The body did not come.")
            )
            await _problem(status, detail, request_id)(scope, receive, answering)
        except Exception as err:  # noqa: BLE001 (whatever it is, its text could hold a value)
            scope["state"]["reason"] = safe_place(err)
            if not is_begun:
                await _problem(500, "The request could not be answered.", request_id)(scope, receive, answering)
        finally:
            self._log(scope, status, (time.perf_counter() - started if seconds is None else seconds) * 1000)

    def _refused(self, scope: Scope) -> JSONResponse | None:
        """The answer to a request that has a secret in its query, or announces too large a body."""
        request_id = scope["state"]["request_id"]
        names = (name.lower() for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        if not SECRET_NAMES.isdisjoint(names):
            detail = "Tokens and keys belong into headers; this one may be known now: replace it."
            return _problem(401, detail, request_id, {"WWW-Authenticate": 'Bearer realm="qol"'})
        length = Headers(scope=scope).get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > self._limit(scope):
            return _problem(413, "The body is too large.", request_id)
        return None

    def _limit(self, scope: Scope) -> int:
        limits = self._service.file.limits
        return limits.garmin_body_bytes if scope["path"].startswith(GARMIN) else limits.body_bytes

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """What gives the body, up to the route's limit; TooLargeError beyond it, TimeoutError when the sender pauses."""
        left, is_coming = self._limit(scope), True

        async def bounded() -> Message:
            nonlocal left, is_coming
            # After the body only the end of the connection is received, which has no time limit.
            message = await asyncio.wait_for(receive(), PAUSE_SECONDS if is_coming else None)
            is_coming = message.get("more_body", False)
            left -= len(message.get("body", b""))
            if left < 0:
                raise TooLargeError
            return message

        return bounded

    def _log(self, scope: Scope, status: int, ms: float) -> None:
        """One line: the route's template, never its values; status, milliseconds and the kind of caller."""
        state, route = scope["state"], _template(scope)
        line = {
            "method": scope["method"] if scope["method"] in _METHODS else "OTHER",
            "route": route,
            "status": status,
            "ms": round(ms, 1),
            "caller": state["caller"],
            "request_id": state["request_id"],
        }
        if state["reason"]:
            line["reason"] = state["reason"]
        logger.log(logging.ERROR if status >= 500 else logging.INFO, json.dumps(line))
        self._service.count("milliseconds", round(ms, 1), "Milliseconds", route)
        self._service.count("server_errors", int(status >= 500), "Count", route)


def _template(scope: Scope) -> str:
    route = scope.get("route")
    return str(getattr(route, "path", "(none)"))


def _add_headers(headers: MutableHeaders, status: int, path: str, request_id: str) -> None:
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    headers["X-Request-Id"] = request_id
    is_page = not path.startswith("/v1/") and headers.get("content-type", "").startswith(("text/html", "text/css"))
    if status != 304:  # its headers replace those of the page that the browser has
        headers.setdefault("Content-Security-Policy", _DOCS_CSP if path in _PAGES else _PAGE_CSP if is_page else _CSP)
    headers.setdefault("Cache-Control", "no-store" if path.startswith("/v1/") else "no-cache")


def _problem(status: int, detail: str, request_id: str, headers: dict[str, str] | None = None) -> JSONResponse:
    body = problem_body(status, detail, request_id, ())
    return JSONResponse(body, status, headers, media_type=MEDIA_TYPE)
