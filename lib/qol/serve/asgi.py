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
from qol.serve.service import Service, open_service
from qol.serve.work import work_once

_handlers: list[tuple[Service, Mangum]] = []


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
    """Answer one request of API Gateway, or do what is due for the schedule's `{"work": true}`; the application is made once."""
    if not _handlers:
        made = app()
        _handlers.append((made.state.service, Mangum(made, lifespan="off")))
    service, answer = _handlers[0]
    return work_once(service) if event == {"work": True} else answer(event, context)
