"""Bodies of requests: JSON of an allowed media type, checked by a model; ETags and merge patches of stored documents."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeVar, cast

import msgspec
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from qol.serve.problem_details import ProblemError, invalid
from qol.serve.service import Service
from qol.state import Item

M = TypeVar("M", bound=BaseModel)
JSON, MERGE_PATCH = "application/json", "application/merge-patch+json"
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Body(BaseModel):
    """A body with no members but those of its model."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def service_of(request: Request) -> Service:
    """What the routes share."""
    return cast("Service", request.app.state.service)


def json_body(media_type: str = JSON) -> Callable[[Request], Coroutine[Any, Any, Any]]:
    """A dependency of a route: the body's JSON; 415 for another media type or an encoding, 400 for a body that is not JSON."""

    async def read(request: Request) -> Any:
        require_media_type(request, media_type)
        if request.headers.get("content-encoding", "identity") != "identity":
            raise _wrong_type(media_type)
        return decoded(await request.body())

    return read


def require_media_type(request: Request, media_type: str) -> None:
    """415 when the body has another media type."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != media_type:
        raise _wrong_type(media_type)


def decoded(body: bytes) -> Any:
    """The JSON of a body; 400 when it is not JSON."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        raise ProblemError(400, "The body is not JSON.") from None


def _wrong_type(media_type: str) -> ProblemError:
    return ProblemError(415, f"The body's type is not allowed; allowed: {media_type}.")


def checked(model: type[M], given: Any) -> M:
    """A body as its model has it; 422 with every place that is wrong."""
    try:
        return model.model_validate(given)
    except ValidationError as err:
        errors = [{**one, "loc": ("body", *one["loc"])} for one in err.errors(include_url=False, include_input=False)]
        raise RequestValidationError(errors) from None


def documented(model: type[BaseModel], media_type: str = JSON) -> dict[str, Any]:
    """What OpenAPI says of a route's body."""
    return {"requestBody": {"required": True, "content": {media_type: {"schema": model.model_json_schema()}}}}


def merged(document: dict[str, Any], patch: Any) -> dict[str, Any]:
    """A document after a merge patch (RFC 7396); 422 for a patch that is no object."""
    if not isinstance(patch, dict):
        raise invalid("", "must be an object")
    result = dict(document)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return result


def etag(item: Item) -> str:
    """The tag of a stored document's version."""
    return f'"{item.version}"'


def require_match(if_match: str | None, found: Item | None, if_none_match: str | None = None) -> None:
    """412 when a condition of the caller does not hold: that the stored version is one of these, or none of those."""
    if if_match is not None and not _is_one_of(if_match, found):
        raise changed_since()
    if if_none_match is not None and _is_one_of(if_none_match, found):
        raise changed_since()


def _is_one_of(tags: str, found: Item | None) -> bool:
    """Whether a document is there and a list of tags has its version, or is `*`."""
    return found is not None and not {"*", etag(found)}.isdisjoint(one.strip() for one in tags.split(","))


def changed_since() -> ProblemError:
    """The problem of a condition that does not hold."""
    return ProblemError(412, "It is there already, or was changed since; read it again.")
