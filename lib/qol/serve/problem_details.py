"""Errors as RFC 9457 problem details; no value of a request is ever in one."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from qol.errors import LockedError, QolError

MEDIA_TYPE = "application/problem+json"
#: Seconds after which a request that found the lake busy or away may be repeated.
RETRY_SECONDS = 30
_NAMES_OF_REQUEST = ("extra_forbidden",)


class ProblemError(Exception):
    """When a request cannot be answered as asked: status, what is wrong, headers, and places with what is allowed there."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.headers = dict(headers or {})
        self.errors = errors


def invalid(pointer: str, detail: str) -> ProblemError:
    """The problem of one value of a request: where it stands, and what is allowed there."""
    return ProblemError(422, "A value of the request is not allowed.", errors=[(pointer, detail)])


def problem_body(status: int, detail: str, request_id: str, errors: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """The document of a problem."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": f"urn:uuid:{request_id}",
    }
    if errors:
        body["errors"] = [{"pointer": pointer, "detail": text} for pointer, text in errors]
    return body


def add_handlers(app: FastAPI, routes: Sequence[APIRoute]) -> None:
    """Let every error of one of the routes become a problem."""

    @app.exception_handler(ProblemError)
    def of_problem(request: Request, err: ProblemError) -> JSONResponse:
        return _answer(request, err.status, err.detail, err.errors, err.headers)

    @app.exception_handler(HTTPException)
    def of_http(request: Request, err: HTTPException) -> JSONResponse:
        detail = {404: "There is nothing at this path.", 405: "This path has no such method."}
        text = detail.get(err.status_code, "The request cannot be answered.")
        headers = dict(err.headers or {})
        if err.status_code == 405:
            here = [route.methods or set() for route in routes if route.path_regex.fullmatch(request.url.path)]
            headers["Allow"] = ", ".join(sorted(set().union(*here)))
        return _answer(request, err.status_code, text, (), headers)

    @app.exception_handler(RequestValidationError)
    def of_validation(request: Request, err: RequestValidationError) -> JSONResponse:
        found = err.errors()
        if any(one["type"] == "json_invalid" for one in found):
            return _answer(request, 400, "The body is not JSON.", (), {})
        errors = [(_pointer(one), _allowed(one)) for one in found]
        return _answer(request, 422, "A value of the request is not allowed.", errors, {})

    @app.exception_handler(QolError)
    def of_lake(request: Request, err: QolError) -> JSONResponse:
        request.state.reason = type(err).__name__
        is_busy = isinstance(err, LockedError)
        detail = "A run is under way; try again." if is_busy else "The data cannot be reached now; try again."
        return _answer(request, 503, detail, (), {"Retry-After": str(RETRY_SECONDS)})


def _answer(
    request: Request, status: int, detail: str, errors: Sequence[tuple[str, str]], headers: Mapping[str, str]
) -> JSONResponse:
    body = problem_body(status, detail, request.state.request_id, errors)
    return JSONResponse(body, status, dict(headers), media_type=MEDIA_TYPE)


def _pointer(error: Mapping[str, Any]) -> str:
    """Where an error is, as a JSON pointer into the body, or `query/NAME`; a name that only the request knows is left out."""
    location = [str(part) for part in error["loc"]]
    if error["type"] in _NAMES_OF_REQUEST:
        location = location[:-1]
    if location[:1] == ["body"]:
        return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in location[1:])
    return "/".join(location)


def _allowed(error: Mapping[str, Any]) -> str:
    """What is allowed there: the message of the check, which names the rule and not what it was given."""
    if error["type"] in _NAMES_OF_REQUEST:
        return "has a member that is not allowed"
    if error["type"] == "value_error":  # of our own validators, whose texts hold no value
        return str(error["msg"]).removeprefix("Value error, ")
    texts = {
        "missing": "is required",
        "model_type": "must be an object",
        "string_pattern_mismatch": "has characters or a length that are not allowed",
    }
    return texts.get(error["type"], str(error["msg"]).partition(":")[0])
