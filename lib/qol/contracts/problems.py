"""What pydantic finds in a contract file, and what the checks find, as problems with a place and what is allowed."""

import re
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from qol.contracts.language import UNION_TAGS, Mistake, Model, is_model
from qol.contracts.wording import choices, shown
from qol.errors import Problem

_Place = tuple[int | str, ...]
#: What is allowed, where pydantic names types of Python.
_SHAPES = dict.fromkeys(("model_type", "dataclass_type", "dict_type"), "a mapping") | dict.fromkeys(
    ("tuple_type", "list_type", "frozen_set_type", "set_type"), "a list, such as [a, b]"
)
#: How pydantic begins to say what is allowed.
_SHOULD = re.compile(r"\w+ should (be|have|match)( a valid)? ")


def problem(file: str, mistake: Mistake) -> Problem:
    """A mistake that a check found, with its file."""
    found = mistake.found if isinstance(mistake.found, str) else shown(mistake.found)
    return Problem(file, mistake.path, found, mistake.allowed)


def shape_problems(file: str, model: type[Model], errors: ValidationError) -> list[Problem]:
    """What pydantic found in a file that `model` reads."""
    return [_shape_problem(file, model, error) for error in errors.errors(include_url=False) if not _follows(error)]


def _follows(error: ErrorDetails) -> bool:
    """Whether an error only follows from others: too few entries are left where some are wrong."""
    return error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]


def _shape_problem(file: str, model: type[Model], error: ErrorDetails) -> Problem:
    place = tuple(step for step in error["loc"] if step not in UNION_TAGS)
    kind, value, above = error["type"], error["input"], ".".join(map(str, place[:-1]))
    allowed = _SHAPES.get(kind) or _SHOULD.sub("", error["msg"])
    if place[-1:] == ("[key]",):
        allowed = "lower snake case" if kind == "string_pattern_mismatch" else allowed
        return Problem(file, above, f"the name {shown(value)}", allowed)
    if kind == "missing" and isinstance(place[-1], int):
        return Problem(file, above, shown(value), "at least 2 entries")
    at = ".".join(map(str, place))
    if kind == "missing":
        return Problem(file, at, "nothing", f"required: {_words(model, place[:-1])[str(place[-1])]}")
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return Problem(file, at, "an unknown key", choices(_words(model, place[:-1]), str(place[-1])))
    return Problem(file, at, shown(value), allowed)


def _words(annotation: Any, place: _Place) -> Mapping[str, str]:
    """Words that the mapping at a place may have, with what they mean; a place of a file that an annotation describes."""
    parts = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return _words(parts[0], place)
    if get_origin(annotation) in (Union, UnionType):
        return next(filter(None, (_words(part, place) for part in parts)), {})
    if get_origin(annotation) in (dict, tuple):
        return _words(parts[1] if get_origin(annotation) is dict else parts[0], place[1:])
    if not is_model(annotation):
        return {}
    words = {str(info.validation_alias or name): info for name, info in annotation.__pydantic_fields__.items()}
    if place:
        return _words(words[str(place[0])].annotation, place[1:])
    return {word: info.description or _meaning(info.annotation) for word, info in words.items() if word[0] != "("}


def _meaning(annotation: Any) -> str:
    return next((str(part.__doc__) for part in (annotation, *get_args(annotation)) if part is not NoneType), "")
