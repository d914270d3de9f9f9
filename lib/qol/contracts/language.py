"""What the words of all contract files share: closed, frozen models and the types of their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, NamedTuple, Self, TypeVar, get_args

from annotated_types import Len
from pydantic import (
    AfterValidator,
    AllowInfNan,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    PlainValidator,
    StrictBool,
    StrictInt,
    StringConstraints,
    WrapValidator,
)
from pydantic.json_schema import SkipJsonSchema
from pydantic.types import Strict
from pydantic_core import PydanticCustomError, core_schema

from qol.contracts.raw_path import split_path

K = TypeVar("K")
T = TypeVar("T")

#: Stands for the key of an entry while the entry is read; no word is spelled like this.
KEY = "(key)"
#: Steps that pydantic puts in the place of an error inside a union; no steps of the file.
UNION_TAGS = ("(sql)", "(part)")
_NAME = "^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
_PATH = r"^[^.\s]+(\.[^.\s]+)*$"
#: A word that is not declared is refused, and a word's docstring is its description.
CLOSED = ConfigDict(extra="forbid", validate_by_name=True, use_attribute_docstrings=True)


class Model(BaseModel):
    """A mapping of a contract file."""

    model_config = ConfigDict(frozen=True, **CLOSED)

    def model_copy(self, *, update: Any = None, deep: bool = False) -> Self:
        """A copy with other values, without what was computed of the old ones."""
        copied = super().model_copy(update=update, deep=deep)
        for name in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[name]
        return copied


def is_model(annotation: Any) -> bool:
    """Whether a type is a mapping of words: a model, or one of the dataclasses of `fields.py`."""
    return isinstance(annotation, type) and hasattr(annotation, "__pydantic_fields__")


class Mistake(NamedTuple):
    """What is wrong in a file: the dotted place, what stands there, what may stand there."""

    path: str
    found: object
    allowed: str

    def below(self, place: str) -> Mistake:
        """The same mistake, of an entry at a place."""
        return self._replace(path=f"{place}.{self.path}".removesuffix("."))


class Refers(NamedTuple):
    """Marks a name that has to be a column of its contract, and of which kind; `references.py` knows the kinds."""

    kind: str


def refusal(allowed: str) -> PydanticCustomError:
    """The error of a validator, by what may stand in the place."""
    return PydanticCustomError("allowed", "{allowed}", {"allowed": allowed})


@dataclass(frozen=True)
class _Entries:
    """A mapping of names to models becomes the models in the order of the file, each with its key as `name`."""

    at_least: int = 0

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        (entry, _) = get_args(source)
        mapping = handler.generate_schema(Annotated[dict[Name, entry], Len(self.at_least)])  # type: ignore[valid-type]
        keyed = core_schema.no_info_before_validator_function(self._with_keys, mapping)
        return core_schema.no_info_after_validator_function(lambda entries: tuple(entries.values()), keyed)

    @staticmethod
    def _with_keys(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: {**entry, KEY: key} if isinstance(entry, dict) else entry for key, entry in value.items()}


class _Absent:
    """A word may be left out, which gives None; null itself is no value of it."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        (kind,) = (part for part in get_args(source) if part is not NoneType)
        return handler.generate_schema(kind)


def _each_once(value: Any, handler: Callable[[Any], Collection[object]]) -> Collection[object]:
    found = handler(value)
    if len(set(found)) < len(value):
        raise refusal("each entry once")
    return found


def _as_written(value: Any, handler: Callable[[Any], float]) -> Any:
    handler(value)
    return value  # 5 stays 5 and does not become 5.0


def _steps(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(_PATH, value):
        try:
            return split_path(value)
        except ValueError:
            raise refusal("after a key, [0] or [-1] for a place in a list, or [key=value]") from None
    if isinstance(value, tuple):
        return value
    raise refusal("dotted keys such as a.b")


def _low_first(limits: tuple[float, float]) -> tuple[float, float]:
    if limits[0] >= limits[1]:
        raise refusal("[low, high] with low < high")
    return limits


Flag = StrictBool
Whole = StrictInt
Number = Annotated[float, Strict(), AllowInfNan(allow_inf_nan=False), WrapValidator(_as_written)]
Decimals = Annotated[Whole, Field(ge=0, le=10)]
Text = Annotated[str, StringConstraints(min_length=1)]
Name = Annotated[str, StringConstraints(pattern=_NAME)]
Token = Annotated[str, StringConstraints(pattern="^[a-z][A-Za-z0-9_]*$")]
#: The key of the entry that the model stands under.
Key = Annotated[str, SkipJsonSchema(), Field(validation_alias=KEY)]
#: SQL over the columns of a row; a number may stand for itself.
Sql = Annotated[
    Text,
    BeforeValidator(
        lambda value: str(value) if type(value) in (int, float) else value, json_schema_input_type=Text | float
    ),
]
Range = Annotated[tuple[Number, Number], AfterValidator(_low_first)]
_PathText = Annotated[str, StringConstraints(pattern=_PATH)]
#: A dotted place in a raw record, as its steps.
RawPath = Annotated[tuple[str, ...], PlainValidator(_steps, json_schema_input_type=_PathText)]
_UNIQUE = Field(json_schema_extra={"uniqueItems": True})
Each = Annotated[tuple[T, ...], WrapValidator(_each_once), _UNIQUE]
Some = Annotated[tuple[T, ...], Len(1), WrapValidator(_each_once), _UNIQUE]
#: A mapping that is not empty.
Filled = Annotated[dict[K, T], Len(1)]
Texts = Annotated[frozenset[Text], WrapValidator(_each_once)]


def _listed(written: Any) -> BeforeValidator:
    """Lets one path stand for a list of it; `written` is what a JSON Schema allows."""
    return BeforeValidator(
        lambda value: [value] if isinstance(value, str) else value, json_schema_input_type=_PathText | written
    )


#: One path or a list of them.
RawPaths = Annotated[Some[RawPath], _listed(Some[_PathText])]
#: The same where several values may have one place in common.
RepeatedPaths = Annotated[tuple[RawPath, ...], _listed(tuple[_PathText, ...])]
Maybe = Annotated[T | None, _Absent()]
Entries = Annotated[tuple[T, ...], _Entries()]
SomeEntries = Annotated[tuple[T, ...], _Entries(1)]
