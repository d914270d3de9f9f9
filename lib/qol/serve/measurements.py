"""Routes of a participant's own data: batches in, summaries out."""

import hashlib
import re
from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, BackgroundTasks, Depends, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from qol.serve import batches
from qol.serve.door import Caller, needs, participant_of
from qol.serve.goal_events import note_met_goals
from qol.serve.json_bodies import JSON, require_media_type, service_of
from qol.serve.problem_details import invalid
from qol.serve.so_far import so_far_rows
from qol.serve.summaries import Period, local_now

router = APIRouter(prefix="/v1/measurements", tags=["measurements"])

#: Days that no lake reaches, and of which others can still be counted.
_FIRST, _LAST = date(1900, 1, 1), date(9000, 1, 1)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BATCH = {
    "type": "object",
    "required": ["measurements"],
    "properties": {
        "measurements": {"type": "array", "items": {}, "description": "Samples as HealthKit has them."},
        "workouts": {"type": "array", "items": {}, "description": "Workouts as HealthKit has them."},
        "device_tz": {"type": "string", "description": "The phone's time zone."},
    },
}


@router.post(
    "/bulk",
    status_code=201,
    summary="Store a batch of samples",
    responses={200: {"description": "The same bytes were stored before."}},
    openapi_extra={"requestBody": {"required": True, "content": {JSON: {"schema": _BATCH}}}},
)
async def bulk(
    request: Request,
    response: Response,
    tasks: BackgroundTasks,
    caller: Annotated[Caller, Depends(needs("me:write"))],
) -> dict[str, Any]:
    """Store a batch as it came, once, and tell what of it the weekly job keeps and what it rejects, and why.

    `user_id` in the batch is ignored: the data is that of the token's person.
    """
    service = service_of(request)
    require_media_type(request, JSON)
    body = await request.body()
    limit, encoding = service.file.limits.unpacked_bytes, request.headers.get("content-encoding", "").lower()
    plain = await run_in_threadpool(batches.unpacked, body, encoding, limit)
    person = participant_of(caller)
    receipt = await run_in_threadpool(batches.receive, service, person, plain)
    response.status_code = 201 if receipt.is_new else 200
    tasks.add_task(note_met_goals, service, person)
    return receipt.body


@router.get("/summary", summary="A person's values of days, weeks or months")
def summary(  # noqa: PLR0913 (the parameters of the query)
    request: Request,
    caller: Annotated[Caller, Depends(needs("me:read"))],
    *,
    period: Annotated[Period, Query(description="What a row is about.")] = "week",
    on: Annotated[
        str | None,
        Query(alias="date", description="A day of the period, YYYY-MM-DD.", json_schema_extra={"format": "date"}),
    ] = None,
    last: Annotated[int, Query(description="How many periods, that of the day last.")] = 1,
    fields: Annotated[str | None, Query(description="Columns, with commas between them.")] = None,
    so_far: Annotated[
        bool, Query(description="Add the period of the day with what arrived since the last run.")
    ] = False,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Published values beside the day counts they stand on; null is not known, and never zero.

    `as_of` is the clock of the last run. `stale` says that the lake could not be reached, so that values may be older.
    """
    service = service_of(request)
    person = participant_of(caller)
    now = local_now(service.now, person.zone)
    asked = service.summaries.question(period, _day(on), last, fields, now)
    as_of, away = service.frames.last_run()
    published = service.summaries.published(asked, person.user_id)
    away = max((one for one in (away, published.away) if one is not None), default=None)
    body: dict[str, Any] = {
        "period": period, "from": asked.starts[0], "to": asked.end, "as_of": as_of, "stale": away is not None,
        "rows": published.rows,
    }  # fmt: skip
    if so_far:
        current = asked if on is not None else replace(asked, day=now.date())
        body["so_far"] = so_far_rows(service, person, current)
    return answer(body, if_none_match, away)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    with suppress(ValueError):
        if _DAY.fullmatch(text):
            return min(max(date.fromisoformat(text), _FIRST), _LAST)
    raise invalid("query/date", "must be a day, YYYY-MM-DD such as 2026-11-09")


def answer(body: dict[str, Any], if_none_match: str | None, away: float | None = None) -> Response:
    """JSON with an ETag of its bytes, 304 where the caller has it, and Age where the data could not be asked for again."""
    data = msgspec.json.encode(body)
    etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"} | ({} if away is None else {"Age": str(int(away))})
    known = [one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")]
    if etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(data, headers=headers, media_type=JSON)
