"""The application: routes, the layers around them, and the static page."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.staticfiles import StaticFiles
from starlette.middleware.gzip import GZipMiddleware

from qol import __version__
from qol.serve import anomalies, devices, feeds, garmin, goals, measurements, users, webhooks
from qol.serve.http_edges import Edges
from qol.serve.kept_frames import require_reachable
from qol.serve.problem_details import add_handlers
from qol.serve.service import Service

PAGE = Path(__file__).resolve().parent / "page"
GZIP_FROM_BYTES = 500
_ABOUT = (
    "Values of the weekly job, for the person they are about, and data for it. Participants send `Authorization: Bearer`"
    " with a token, servers and sensors `X-API-Key` with a key. Errors are RFC 9457 problems."
)


def create_app(service: Service) -> FastAPI:
    """The API over an open service."""
    app = FastAPI(title="QoL Lake API", version=__version__, description=_ABOUT, redoc_url=None)
    app.state.service = service
    add_handlers(app)
    for one in (measurements, anomalies, goals, webhooks, users, devices, feeds, garmin):
        app.include_router(one.router)
    app.add_api_route("/health", health, methods=["GET"], tags=["health"], summary="Whether the API can answer")
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
    if PAGE.joinpath("index.html").is_file():
        app.mount("/", StaticFiles(directory=PAGE, html=True), name="page")
    return app


def health(request: Request) -> dict[str, Any]:
    """Whether the lake and the state answer; 503 otherwise. Needs no token."""
    service: Service = request.app.state.service
    require_reachable(service.lake)
    service.state.get("latest", "health", "health")
    as_of, away = service.frames.last_run()
    return {"status": "ok", "as_of": as_of, "stale": away is not None, "contracts": service.contracts.fingerprint}
