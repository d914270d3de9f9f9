"""Whether the API can answer: for load balancers, containers and people."""

from typing import Any

from fastapi import APIRouter, Request

from qol.serve.json_bodies import service_of
from qol.serve.kept_frames import require_reachable

router = APIRouter(tags=["health"])


@router.head("/health", include_in_schema=False)
@router.get("/health", summary="Whether the API can answer")
def health(request: Request) -> dict[str, Any]:
    """Whether the lake and the state answer, and the clock of the last run; 503 otherwise. Needs no token."""
    service = service_of(request)
    require_reachable(service.lake)
    service.state.get("latest", "health", "health")
    as_of, away = service.frames.last_run()
    return {"status": "ok", "as_of": as_of, "stale": away is not None, "contracts": service.contracts.fingerprint}
