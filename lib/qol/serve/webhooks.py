"""`POST /v1/webhooks/goal-achieved`: another system reports that a goal is met; repeated reports give one event."""

import hashlib
import re
import time
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import Field
from standardwebhooks import WebhookVerificationError
from starlette.concurrency import run_in_threadpool

from qol.serve.door import Caller, admit, allowing
from qol.serve.goal_events import put_event, webhook_of
from qol.serve.json_bodies import Body, Name, checked, documented, json_body, service_of
from qol.serve.problem_details import ProblemError
from qol.serve.service import Service
from qol.tables.weeks import monday_of

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
RECEIVED = ":received"
#: How long a request may be under way, and how long its answer is repeated.
UNDER_WAY_SECONDS, KEPT_SECONDS = 60, 86_400
_ID = re.compile(r"[\x21-\x7e]{1,255}")


class GoalAchieved(Body):
    """The person, the goal that was met, and the first day of the day or week in which it was."""

    user_id: Annotated[str, Field(min_length=1, max_length=255)]
    goal_id: Name
    start: date


@allowing("events:write")
async def sender(request: Request) -> Caller:
    """A caller with a key for events, or with a Standard Webhooks signature over the body."""
    service, headers = service_of(request), dict(request.headers)
    if "webhook-signature" not in headers:
        return await run_in_threadpool(admit, request, ("events:write",))
    body = await request.body()
    refused = ProblemError(401, "The signature is not valid.")
    if not service.options.webhook_secret:
        raise refused
    try:
        webhook_of(service).verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError):
        raise refused from None
    return Caller("signature", RECEIVED, frozenset({"events:write"}))


@router.post(
    "/goal-achieved",
    dependencies=[Depends(sender)],
    status_code=202,
    summary="Report that a goal was met",
    responses={200: {"description": "The same request was answered before."}},
    openapi_extra=documented(GoalAchieved),
)
def goal_achieved(
    request: Request,
    response: Response,
    given: Annotated[Any, Depends(json_body())],
    idempotency_key: Annotated[str | None, Header(description="Names the request, so that it can be repeated.")] = None,
    webhook_id: Annotated[str | None, Header(description="The same, of a signed request.")] = None,
) -> dict[str, Any]:
    """Take a report once: 202, and 200 with the same answer when it is repeated within a day."""
    name = (idempotency_key or webhook_id or "").strip('"')
    if not _ID.fullmatch(name):
        raise ProblemError(400, "Idempotency-Key is required: 1 to 255 visible characters.")
    service, told = service_of(request), checked(GoalAchieved, given)
    digest = hashlib.sha256(told.model_dump_json().encode()).hexdigest()
    now = int(time.time())
    begun = {"digest": digest, "answer": None}
    if service.state.create("events", RECEIVED, name, begun, expires=now + UNDER_WAY_SECONDS):
        try:
            answer = _take(service, told)
        except BaseException:
            service.state.delete("events", RECEIVED, name)
            raise
        service.state.replace("events", RECEIVED, name, begun | {"answer": answer}, 1, expires=now + KEPT_SECONDS)
        return answer
    found = service.state.get("events", RECEIVED, name)
    if found is not None and found.body["digest"] != digest:
        raise ProblemError(422, "This Idempotency-Key was used with another body.")
    if found is None or found.body["answer"] is None:
        raise ProblemError(409, "The same request is under way.", headers={"Retry-After": "1"})
    response.status_code = 200
    answer = found.body["answer"]
    return dict(answer)


def _take(service: Service, told: GoalAchieved) -> dict[str, Any]:
    goal = service.state.get("goals", told.user_id, told.goal_id)
    if goal is None:
        raise ProblemError(404, "There is no such goal.")
    start = monday_of(told.start) if goal.body["period"] == "week" else told.start
    return {"goal_id": goal.name, "start": str(start), "is_new": put_event(service, told.user_id, goal, start)}
