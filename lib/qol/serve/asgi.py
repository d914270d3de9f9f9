"""The API where a platform starts it, set up by environment variables: an ASGI application, and a handler for Lambda.

`uvicorn --factory qol.serve.asgi:app`, or `qol.serve.asgi.handler` for API Gateway (payload 2.0). QOL_LAKE, QOL_STATE,
QOL_USER_MAP, QOL_KEY_SECRET and QOL_ZONE name what `qol serve` takes as options; `serve_options` has the others.
"""

import os
from typing import Any

from fastapi import FastAPI
from mangum import Mangum

from qol.serve.api import create_app
from qol.serve.serve_options import ServeOptions, from_environment
from qol.serve.service import open_service

_handlers: list[Mangum] = []


def app() -> FastAPI:
    """The application; other machines reach it, so that tokens come from an OpenID Connect issuer alone."""
    given: dict[str, Any] = {
        "lake": os.environ.get("QOL_LAKE", ""),
        "state": os.environ.get("QOL_STATE"),
        "user_map": os.environ.get("QOL_USER_MAP"),
        "key_secret": os.environ.get("QOL_KEY_SECRET"),
        "zone": os.environ.get("QOL_ZONE", "Asia/Tokyo"),
    }
    return create_app(open_service(ServeOptions(**given, **from_environment(), host="0.0.0.0")))  # noqa: S104 (as said)


def handler(event: Any, context: Any) -> Any:
    """Answer one request of API Gateway; the application is made once, with the function's first request."""
    if not _handlers:
        _handlers.append(Mangum(app(), lifespan="off"))
    return _handlers[0](event, context)
