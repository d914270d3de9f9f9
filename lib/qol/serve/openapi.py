"""What OpenAPI says beside what FastAPI knows: who may call a route, and what an error looks like."""

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute

from qol.serve.problem_details import MEDIA_TYPE

TOKEN, KEY = "participant", "key"
SCHEMES = {
    TOKEN: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    KEY: {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
#: Errors of every route but /health; others stand at the route.
ERRORS = {
    "400": "The body is not JSON, or a header is missing.",
    "401": "No valid token or key was given.",
    "403": "This caller may not do that.",
    "404": "There is no such thing.",
    "408": "The body did not come.",
    "409": "It is there already, or the same request is under way.",
    "412": "It is there already, or was changed since it was read.",
    "413": "The body is too large.",
    "415": "The body's type is not allowed.",
    "422": "A value of the request is not allowed; `errors` says which.",
    "429": "Too many requests within a minute; `Retry-After` says when to try again.",
    "503": "The data cannot be reached now; `Retry-After` says when to try again.",
}
_GOOD = {"200": "The answer.", "201": "It is stored.", "202": "It is taken on.", "204": "It is removed."}
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, without any value of the request."},
        "instance": {"type": "string", "description": "The request, as X-Request-Id names it."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def described(routers: Iterable[APIRouter], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with security, scopes and errors of every route."""
    components = schema.setdefault("components", {})
    components["securitySchemes"] = SCHEMES
    components["schemas"] = {"Problem": PROBLEM}
    for route in (route for router in routers for route in router.routes):
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                _describe(schema["paths"][route.path][method.lower()], sorted(set(_scopes(route))))
    return schema


def _describe(operation: dict[str, Any], scopes: list[str]) -> None:
    wanted = ERRORS if scopes else {"503": ERRORS["503"]}
    operation["responses"].pop("422", None)
    for status, answer in operation["responses"].items():
        if answer["description"] == "Successful Response":
            answer["description"] = _GOOD[status]
    for status, text in wanted.items():
        problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        operation["responses"][status] = {"description": text, "content": problem}
    if scopes:
        schemes = {TOKEN if scope.startswith("me:") else KEY for scope in scopes}
        operation["security"] = [{scheme: []} for scheme in sorted(schemes)]
        operation["x-scopes"] = scopes


def _scopes(route: APIRoute) -> Iterator[str]:
    """The scopes of which a caller needs one, as the route's dependencies say."""
    for dependency in route.dependant.dependencies:
        yield from getattr(dependency.call, "scopes", ())
