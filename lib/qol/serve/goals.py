"""A participant's goals: a daily metric of the contracts, a day or a week, and what to reach."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from pydantic import Field

from qol.contracts.model import Contracts
from qol.serve.door import Caller, needs, participant_of
from qol.serve.json_bodies import (
    MERGE_PATCH,
    Body,
    Name,
    changed_since,
    checked,
    documented,
    etag,
    json_body,
    merged,
    require_match,
    service_of,
)
from qol.serve.problem_details import ProblemError, invalid
from qol.state import Item

router = APIRouter(prefix="/v1/goals", tags=["goals"])
MAX_GOALS = 50
Reader = Annotated[Caller, Depends(needs("me:read"))]
Writer = Annotated[Caller, Depends(needs("me:write"))]
GoalId = Annotated[Name, Path(description="The app's own name of the goal.")]
IfMatch = Annotated[str | None, Header(description="The ETag of the goal that was read.")]


@dataclass(frozen=True)
class Conditions:
    """Headers that say of which version the stored goal must be, or not be."""

    if_match: IfMatch = None
    if_none_match: Annotated[str | None, Header(description="`*` where the goal must be new.")] = None


class Goal(Body):
    """What a person wants to reach: at least `target` of a metric within each day or week."""

    metric: Annotated[str, Field(description="A daily metric, such as steps.", max_length=64)]
    period: Literal["day", "week"]
    target: Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False, strict=True)]


@router.get("", summary="The person's goals")
def list_goals(request: Request, caller: Reader) -> dict[str, Any]:
    """Every goal, by name."""
    found = service_of(request).state.items("goals", participant_of(caller).user_id, limit=MAX_GOALS)
    return {"goals": [_shown(item) for item in found]}


@router.get("/{goal_id}", summary="One goal")
def read_goal(request: Request, response: Response, caller: Reader, goal_id: GoalId) -> dict[str, Any]:
    """The goal, with its ETag."""
    found = _existing(request, caller, goal_id)
    response.headers["ETag"] = etag(found)
    return _shown(found)


@router.put(
    "/{goal_id}", summary="Set a goal", responses={201: {"description": "It is new."}}, openapi_extra=documented(Goal)
)
def put_goal(
    request: Request,
    response: Response,
    caller: Writer,
    goal_id: GoalId,
    given: Annotated[Any, Depends(json_body())],
    conditions: Annotated[Conditions, Depends()],
) -> dict[str, Any]:
    """Set the whole goal: 201 where it is new, 200 where it replaces one; 412 where a condition does not hold."""
    goal, person, state = _goal(request, given), participant_of(caller), service_of(request).state
    found = state.get("goals", person.user_id, goal_id)
    require_match(conditions.if_match, found, conditions.if_none_match)
    if found is None:
        if len(state.items("goals", person.user_id, limit=MAX_GOALS)) >= MAX_GOALS:
            raise invalid("", f"a person has at most {MAX_GOALS} goals")
        is_done = state.create("goals", person.user_id, goal_id, goal)
        response.status_code = 201
    else:
        is_done = state.replace("goals", person.user_id, goal_id, goal, found.version)
    return _stored(response, goal_id, goal, 1 if found is None else found.version + 1, is_done=is_done)


@router.patch("/{goal_id}", summary="Change a goal", openapi_extra=documented(Goal, MERGE_PATCH))
def patch_goal(
    request: Request,
    response: Response,
    caller: Writer,
    goal_id: GoalId,
    given: Annotated[Any, Depends(json_body(MERGE_PATCH))],
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Change members of the goal by a merge patch (RFC 7396)."""
    found = _existing(request, caller, goal_id)
    require_match(if_match, found)
    goal = _goal(request, merged(found.body, given))
    state, person = service_of(request).state, participant_of(caller)
    is_done = state.replace("goals", person.user_id, goal_id, goal, found.version)
    return _stored(response, goal_id, goal, found.version + 1, is_done=is_done)


@router.delete("/{goal_id}", status_code=204, summary="Remove a goal")
def delete_goal(request: Request, caller: Writer, goal_id: GoalId, if_match: IfMatch = None) -> None:
    """Remove the goal."""
    found = _existing(request, caller, goal_id)
    require_match(if_match, found)
    if not service_of(request).state.delete("goals", participant_of(caller).user_id, goal_id, found.version):
        raise changed_since()


def goal_metrics(contracts: Contracts) -> list[str]:
    """Daily metrics that a goal may have: numbers of which more is reached, no times of day."""
    names = [name for group in contracts.groups for name in group.metrics]
    return [name for name in names if contracts.metric[name].type != "intervals" and not contracts.metric[name].clock]


def weekly_column(contracts: Contracts, metric: str) -> str:
    """The weekly column that a goal for a week is about: the sum where the contracts have it, else the mean or the last."""
    aggregates = next(group.metrics[metric] for group in contracts.groups if metric in group.metrics)
    return f"{metric}_{next((one for one in ('sum', 'mean', 'last') if one in aggregates), aggregates[0])}"


def _goal(request: Request, given: Any) -> dict[str, Any]:
    goal = checked(Goal, given)
    if goal.metric not in goal_metrics(service_of(request).contracts):
        raise invalid("/metric", "must be a daily metric with numbers, such as steps; docs/catalog.md lists them")
    document = goal.model_dump()
    return document | ({"target": int(goal.target)} if goal.target.is_integer() else {})


def _existing(request: Request, caller: Caller, goal_id: str) -> Item:
    found = service_of(request).state.get("goals", participant_of(caller).user_id, goal_id)
    if found is None:
        raise ProblemError(404, "There is no such goal.")
    return found


def _stored(response: Response, goal_id: str, goal: dict[str, Any], version: int, *, is_done: bool) -> dict[str, Any]:
    if not is_done:
        raise changed_since()
    response.headers["ETag"] = etag(Item(goal_id, goal, version))
    return {"goal_id": goal_id, **goal}


def _shown(item: Item) -> dict[str, Any]:
    return {"goal_id": item.name, **item.body}
