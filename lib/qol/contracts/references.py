"""Names that have to be columns of their contract: where they stand, and which columns fit."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, get_args

from qol.contracts.expressions import ColumnTypes
from qol.contracts.fields import MOMENTS
from qol.contracts.language import Mistake, Refers, is_model
from qol.contracts.source import SourceContract
from qol.contracts.wording import choices

_Fitting = Callable[[SourceContract, ColumnTypes], Sequence[str]]


def reference_mistakes(contract: SourceContract, types: ColumnTypes) -> Iterator[Mistake]:
    """Names in the contract that are no column of the kind that belongs there, given all columns and helpers."""
    for path, name, kind in references(contract):
        known = _FITTING[kind](contract, types)
        if name not in known:
            yield Mistake(path, name, f"{kind}: {choices(known, name)}")


def references(model: object, at: str = "") -> Iterator[tuple[str, str, str]]:
    """Place, name and kind of every word that is marked with `Refers`."""
    of: Any = type(model)
    for attribute, word, kind in _marked(of):
        value = getattr(model, attribute)
        if isinstance(value, str) and kind:
            yield at + word, value, kind
        elif is_model(type(value)):
            yield from references(value, f"{at}{word}.")
        elif isinstance(value, tuple):
            for index, entry in enumerate(value):
                if is_model(type(entry)):
                    yield from references(entry, f"{at}{word}.{getattr(entry, 'name', index)}.")
                elif kind:
                    yield f"{at}{word}.{index}", entry, kind


@cache
def _marked(model: Any) -> Sequence[tuple[str, str, str | None]]:
    """Words of a model that refer to columns or hold models: attribute, word, kind of column."""
    found = []
    for name, info in model.__pydantic_fields__.items():
        parts = list(_parts((info.annotation, *info.metadata)))
        kind = next((part.kind for part in parts if isinstance(part, Refers)), None)
        if kind or any(map(is_model, parts)):
            found.append((name, str(info.validation_alias or name), kind))
    return found


def _parts(annotations: tuple[Any, ...]) -> Iterator[Any]:
    """The annotations and all they are made of."""
    for annotation in annotations:
        yield annotation
        yield from _parts(get_args(annotation))


def _fields(*types: str) -> _Fitting:
    return lambda contract, _: [f.name for f in contract.fields if f.type in types]


def _or_helpers(helper: str, *types: str) -> _Fitting:
    """Fields of these types, and helpers of a kind."""
    return lambda contract, columns: [
        *_fields(*types)(contract, columns),
        *(name for name in contract.derived if columns.has(name, helper)),
    ]


def _codes_or_sessions(contract: SourceContract, columns: ColumnTypes) -> list[str]:
    """Code fields, helpers that are texts, and columns of sessions."""
    return [*_or_helpers("a text", "code")(contract, columns), *_sessions(contract)]


def _sessions(contract: SourceContract) -> Iterable[str]:
    return contract.stages.columns if contract.stages else ()


def _own_numbers(contract: SourceContract, columns: ColumnTypes) -> list[str]:
    """Numbers that tell records of one day apart: of sessions where stages become such, else of fields and helpers."""
    own = _sessions(contract) or [*contract.by_name, *contract.derived]
    return [name for name in own if name in columns.numbers]


_FITTING: Mapping[str, _Fitting] = {
    "a declared field of one value": lambda contract, _: [f.name for f in contract.fields if f.type != "intervals"],
    "a field of type date": _fields("date"),
    "a code field with known": lambda contract, _: [f.name for f in contract.fields if f.known],
    "a field of type epoch_seconds or instant": _fields(*MOMENTS),
    "a field of type integer or utc_offset": _fields("integer", "utc_offset"),
    "a field of type time_zone": _fields("time_zone"),
    "a field of type document_id": _fields("document_id"),
    "a field of type number": _fields("number"),
    "a key field": lambda contract, _: contract.key,
    "a number of the record": _own_numbers,
    "a time field or helper": _or_helpers("a whole number", *MOMENTS),
    "a code field or helper": _or_helpers("a text", "code"),
    "a code field or helper, or that of a session": _codes_or_sessions,
    "a numeric field or helper": lambda _, columns: columns.numbers,
    "a daily metric of this contract": lambda contract, _: [name for name in contract.daily if name != "where"],
}
