"""Users of the API and their erasure; ids and a status, no values."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, BackgroundTasks, Depends, Header, Path, Query, Request, Response
from pydantic import Field

from qol.serve.door import ERASED, USERS, Caller, admit, allowing, needs
from qol.serve.erasing import ALIASES, ERASURES, begin_erasure, erase_pending
from qol.serve.json_bodies import (
    MERGE_PATCH,
    Body,
    changed_since,
    checked,
    documented,
    etag,
    json_body,
    merged,
    require_match,
    service_of,
)
from qol.serve.list_pages import after, page
from qol.serve.problem_details import ProblemError
from qol.serve.service import Service
from qol.state import Item

router = APIRouter(prefix="/v1", tags=["users"])
ME = "me"
ADMIN = [Depends(needs("users:admin"))]
UserId = Annotated[str, Path(min_length=1, max_length=255, description="The user_id; `me` for the caller.")]
_ERASURE_SCOPES = ("me:read", "me:write", "users:admin")


class NewUser(Body):
    """A person who may use the API: the subject that tokens of theirs name."""

    subject: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]


class UserChange(Body):
    """What of a user can change."""

    status: Literal["active", "suspended"]


@allowing("me:write", "users:admin")
def deleter(request: Request) -> Caller:
    """A caller who may erase: an admin, or the person."""
    return admit(request, ("me:write", "users:admin"))


@allowing(*_ERASURE_SCOPES)
def asker(request: Request) -> Caller:
    """A caller who may ask how an erasure goes: an admin, or the person, who has no other access any more."""
    return admit(request, _ERASURE_SCOPES, erased=True)


@router.post("/users", dependencies=ADMIN, status_code=201, summary="Add a user", openapi_extra=documented(NewUser))
def add_user(request: Request, response: Response, given: Annotated[Any, Depends(json_body())]) -> dict[str, Any]:
    """Add a person; 409 for one who is there, or was erased."""
    service, asked = service_of(request), checked(NewUser, given)
    person = service.participants.of(asked.subject)
    body = {"user_id": person.user_id, "vendor_id": person.vendor_id, "status": "active"}
    name = service.participants.erasure_id(person.user_id)
    if person.has_left or not (service.state.create("users", USERS, name, body) or _comes_back(service, name, body)):
        raise ProblemError(409, "This person is there already, or was erased.")
    response.headers["Location"] = f"/v1/users/{person.user_id}"
    response.headers["ETag"] = '"1"'
    return _shown(body)


@router.get("/users", dependencies=ADMIN, summary="Users and their status")
def list_users(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> dict[str, Any]:
    """A page of users, without those who were erased."""
    found = service_of(request).state.items("users", USERS, after(cursor), limit)
    return page([_shown(item.body) for item in found if item.body["status"] != ERASED], found, limit)


@router.get("/users/{user_id}", dependencies=ADMIN, summary="One user")
def read_user(request: Request, response: Response, user_id: UserId) -> dict[str, Any]:
    """The user's id and status."""
    found = _existing(service_of(request), user_id)
    response.headers["ETag"] = etag(found)
    return _shown(found.body)


@router.patch(
    "/users/{user_id}",
    dependencies=ADMIN,
    summary="Suspend a user, or let one in again",
    openapi_extra=documented(UserChange, MERGE_PATCH),
)
def patch_user(
    request: Request,
    response: Response,
    user_id: UserId,
    given: Annotated[Any, Depends(json_body(MERGE_PATCH))],
    if_match: Annotated[str | None, Header()] = None,
) -> dict[str, Any]:
    """Change the status by a merge patch; a suspended user's tokens get 403 from then on."""
    service = service_of(request)
    found = _existing(service, user_id)
    require_match(if_match, found)
    change = checked(UserChange, merged({"status": found.body["status"]}, given))
    body = found.body | change.model_dump()
    if not service.state.replace("users", USERS, found.name, body, found.version):
        raise changed_since()
    response.headers["ETag"] = f'"{found.version + 1}"'
    return _shown(body)


@router.delete("/users/{user_id}", status_code=202, summary="Erase a person")
def delete_user(
    request: Request,
    response: Response,
    tasks: BackgroundTasks,
    caller: Annotated[Caller, Depends(deleter)],
    user_id: UserId,
) -> dict[str, Any]:
    """End the person's access at once, and erase what the state and the lake hold; the answer says where to ask how it goes."""
    service, person = service_of(request), caller.participant
    vendor_id: str | None
    if person is not None:
        if user_id not in (ME, person.user_id):
            raise ProblemError(403, "This caller may not do that.")
        user_id, vendor_id = person.user_id, person.vendor_id
    else:
        found = service.state.get("users", USERS, service.participants.erasure_id(user_id))
        if (found is None or found.body["status"] == ERASED) and not service.participants.has_entries(user_id):
            raise ProblemError(404, "There is no such user.")
        vendor_id = found.body.get("vendor_id") if found else None
    erasure_id = begin_erasure(service, user_id, vendor_id)
    tasks.add_task(erase_pending, service)
    response.headers["Location"] = f"/v1/erasures/{erasure_id}"
    return {"erasure_id": erasure_id, "status": "pending"}


@router.get("/erasures/{erasure_id}", summary="How an erasure goes", tags=["erasures"])
def read_erasure(
    request: Request,
    caller: Annotated[Caller, Depends(asker)],
    erasure_id: Annotated[str, Path(pattern="^[0-9a-f]{32}$")],
) -> dict[str, Any]:
    """Every place with how much was removed and how much a last search found."""
    service, person = service_of(request), caller.participant
    if person is not None:
        alias = service.state.get("users", ALIASES, service.participants.alias(person.vendor_id))
        if alias is None or alias.body["erasure_id"] != erasure_id:
            raise ProblemError(403, "This caller may not do that.")
    found = service.state.get("users", ERASURES, erasure_id)
    if found is None:
        raise ProblemError(404, "There is no such erasure.")
    return {"erasure_id": erasure_id, **{name: value for name, value in found.body.items() if name != "named"}}


def _comes_back(service: Service, name: str, body: dict[str, Any]) -> bool:
    """Let in a person whose erasure is done and was lifted since; whether this is such a person."""
    found, erasure = (service.state.get("users", owner, name) for owner in (USERS, ERASURES))
    is_done = found is not None and found.body["status"] == ERASED and erasure and erasure.body["status"] == "done"
    return bool(found and is_done) and service.state.replace("users", USERS, name, body, found.version if found else 0)


def _existing(service: Service, user_id: str) -> Item:
    found = service.state.get("users", USERS, service.participants.erasure_id(user_id))
    if found is None or found.body["status"] == ERASED:
        raise ProblemError(404, "There is no such user.")
    return found


def _shown(body: dict[str, Any]) -> dict[str, Any]:
    return {"user_id": body["user_id"], "status": body["status"]}
