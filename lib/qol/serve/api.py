"""The application: routes, the layers around them, and the static page."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from fastapi_offline import FastAPIOffline
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Match, Mount
from starlette.types import Scope

from qol import __version__
from qol.serve import anomalies, devices, feeds, garmin, goals, health, measurements, users, webhooks
from qol.serve.http_edges import Edges
from qol.serve.openapi import described
from qol.serve.problem_details import add_handlers
from qol.serve.service import Service

PAGE = Path(__file__).resolve().parent / "page"
GZIP_FROM_BYTES = 500
ROUTES = (measurements, anomalies, goals, webhooks, users, devices, feeds, garmin, health)
_ABOUT = (
    "Values of the weekly job, for the person they are about, and data for it. Participants send `Authorization: Bearer`"
    " with a token, servers and sensors `X-API-Key` with a key. Errors are RFC 9457 problems."
)


class _Page(Mount):
    """The files of the page. It leaves paths of the API alone, whose other methods would be 404 of a file instead of 405."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a request is for a file."""
        return (Match.NONE, {}) if scope.get("path", "").startswith("/v1/") else super().matches(scope)


def bare_app() -> FastAPI:
    """Every route with its description, over no lake."""
    app = FastAPIOffline(title="QoL Lake API", version=__version__, description=_ABOUT, redoc_url=None)
    add_handlers(app, [route for one in ROUTES for route in one.router.routes if isinstance(route, APIRoute)])
    for one in ROUTES:
        app.include_router(one.router)
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = described([one.router for one in ROUTES], generate())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
    return app


def create_app(service: Service) -> FastAPI:
    """The API over an open service."""
    app = bare_app()
    app.state.service = service
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_FROM_BYTES)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(service.options.cors_origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "X-API-Key", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key"],
        expose_headers=["ETag", "Location", "Retry-After", "X-Request-Id"],
        max_age=3600,
    )
    app.add_middleware(Edges, service=service)
    app.router.routes.append(_Page("/", StaticFiles(directory=PAGE, html=True), name="page"))
    return app
