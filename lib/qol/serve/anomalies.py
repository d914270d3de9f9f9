"""Values of a person's last closed week that are far from the eight weeks before, by a robust z."""

from dataclasses import replace
from statistics import median
from typing import Annotated, Any, TypeGuard

from fastapi import APIRouter, Depends, Header, Request, Response

from qol.contracts.model import Contracts
from qol.serve.door import Caller, needs, participant_of
from qol.serve.json_bodies import service_of
from qol.serve.measurements import answer
from qol.serve.problem_details import ProblemError
from qol.serve.summaries import local_now

router = APIRouter(prefix="/v1/measurements", tags=["measurements"])
FLAG = "anomalies"
WEEKS_BEFORE, MIN_WEEKS = 8, 5
#: Of a normal distribution the median absolute deviation is this share of the standard deviation.
MAD_SHARE = 0.6745
#: How far a week must be, as Iglewicz and Hoaglin (1993) have it.
THRESHOLD = 3.5


@router.get("/anomalies", summary="Values of the last week that are far from the weeks before")
def anomalies(
    request: Request,
    caller: Annotated[Caller, Depends(needs("me:read"))],
    fields: str | None = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Weekly values that differ from the eight weeks before by a robust z of at least 3.5; a number, and no diagnosis.

    A value needs five weeks before that have it. `not_judged` are those with fewer, or with weeks that are all the same.
    """
    service, person = service_of(request), participant_of(caller)
    if not service.flags.is_on(FLAG, person.user_id):
        raise ProblemError(404, "There is nothing at this path.")
    now = local_now(service.now, person.zone)
    asked = service.summaries.question("week", None, WEEKS_BEFORE + 1, fields, now)
    published = service.summaries.published(asked, person.user_id)
    as_of, _ = service.frames.last_run()
    last = [row for row in published.rows if row["week_start"] == asked.starts[-1]]
    before = [row for row in published.rows if row["week_start"] != asked.starts[-1]]
    found, not_judged = [], []
    for name in asked.fields if last else ():
        judged = judge(name, last[0][name], [row[name] for row in before])
        if judged is None:
            not_judged.append(name)
        elif abs(judged["z"]) >= THRESHOLD:
            found.append(judged | {"says": _sentence(service.contracts, name, judged)})
    week = replace(asked, last=1)
    body = {
        "from": week.starts[0], "to": week.end, "as_of": as_of, "stale": published.away is not None,
        "anomalies": found, "not_judged": not_judged,
    }  # fmt: skip
    return answer(body, if_none_match, published.away)


def judge(name: str, value: object, before: list[Any]) -> dict[str, Any] | None:
    """A value against those before: median, how many they are, and the robust z; None with too few or equal values."""
    known = [float(one) for one in before if _is_number(one)]
    if not _is_number(value) or len(known) < MIN_WEEKS:
        return None
    middle = median(known)
    spread = median(abs(one - middle) for one in known)
    if spread == 0:
        return None
    z = MAD_SHARE * (value - middle) / spread
    return {"metric": name, "value": value, "median": middle, "weeks": len(known), "z": round(z, 2)}


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _sentence(contracts: Contracts, name: str, judged: dict[str, Any]) -> str:
    metric = next((one for one in contracts.metrics if name.startswith(f"{one.name}_")), None)
    unit = f" {metric.unit}" if metric else ""
    side = "above" if judged["z"] > 0 else "below"
    return (
        f"{name} of the last week, {judged['value']:g}{unit}, is far {side} the median of the {judged['weeks']} weeks before,"
        f" {judged['median']:g}{unit}."
    )
