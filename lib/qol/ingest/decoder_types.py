"""msgspec types of clean lines: what a contract's decoder accepts; all other lines go to the record reader."""

import math
from collections.abc import Collection, Iterable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from qol.contracts.fields import MOMENTS, Field, SampleRule
from qol.contracts.raw_path import is_selector
from qol.contracts.source import SourceContract
from qol.ingest.convert import EARLIEST, INT64, MILLISECONDS_FROM
from qol.ingest.parse import RECEIVED_AT

#: What a decoder raises for a line it refuses; TypeError for a LongLine.
DECODE_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, TypeError)
#: Whole numbers up to here, and sums of a line's samples up to there, are equal as int and as float.
MAX_CLEAN_NUMBER = 2**53 - 1
MAX_CLEAN_SAMPLE = 2**31
SCALAR = str | int | float | bool | None
#: Values of fields that are never stored: no deeper than a series of samples.
DROPPED = SCALAR | list[SCALAR] | dict[str, SCALAR | list[SCALAR]]
#: Field types that a struct can validate; a contract with any other is not usable.
_VALUES = ("integer", "epoch_seconds", "number", "boolean", "intervals")
#: Field types of texts; several fields may read one.
_TEXTS = ("date", "instant", "utc_offset", "time_zone", "code", "document_id")


def is_usable(contract: SourceContract, discriminator_fields: Collection[str] = ()) -> bool:
    """Whether a struct can accept clean lines only: one meaning per path, a top-level user id, ranges without exceptions.

    No field may have a discriminator's path.
    """
    meanings: dict[tuple[str, ...], Any] = dict.fromkeys([contract.person, (RECEIVED_AT,)], "")
    for spec in contract.fields:
        for path in spec.paths:
            if meanings.setdefault(path, _meaning(spec)) != _meaning(spec):
                return False
    inner = {path[:depth] for path in meanings for depth in range(1, len(path))}
    is_plain = len(contract.person) == 1 and all(path[0] not in discriminator_fields for path in meanings)
    return is_plain and inner.isdisjoint(meanings) and all(map(_is_simple, contract.fields))


def _meaning(spec: Field) -> Any:
    """What makes a value clean; fields of one meaning may read one path."""
    rule = spec.samples
    if rule is None:
        return "text" if spec.type in _TEXTS else spec.name
    if rule.characters is not None:
        return "text"
    if _reads_structs(rule):
        return "structs"
    return "moments" if reads_raw(spec) else (rule.low, rule.high, rule.states_low)


def reads_raw(spec: Field) -> bool:
    """Whether samples are objects or moments; the record reader's functions reduce these."""
    return spec.samples is not None and (_reads_structs(spec.samples) or spec.type in MOMENTS)


def _reads_structs(rule: SampleRule) -> bool:
    return rule.of is not None or rule.start is not None


def _is_simple(spec: Field) -> bool:
    """Whether the range alone decides what is clean: no sentinel inside it, no gap between states and range."""
    if spec.type not in (*_VALUES, *_TEXTS) or spec.units or spec.ranges_by or spec.of_other or spec.joined_with:
        return False
    if any(is_selector(step) for path in spec.paths for step in path):
        return False
    if spec.samples is not None and spec.samples.states_low is not None:
        return (spec.samples.low or 0) <= 0
    low = spec.low if spec.low is not None else float("-inf")
    high = spec.high if spec.high is not None else float("inf")
    return all(not low <= sentinel <= high for sentinel in spec.sentinels)


def attribute_name(name: str) -> str:
    """The struct attribute of a nested name, which need not be an identifier."""
    return f"n_{name.encode().hex()}"


def head_types(
    contract: SourceContract, learned: Sequence[str], inherited: Iterable[str], *, raw_maps: bool = False
) -> dict[str, tuple[Any, Any]]:
    """Type and default of every top-level name a clean line may hold; with `raw_maps` sample maps stay JSON."""
    heads: dict[str, tuple[Any, Any]] = {contract.person[0]: (Annotated[str, Meta(min_length=1)], msgspec.NODEFAULT)}
    tree: dict[str, Any] = {}
    for spec in contract.fields:
        for path in spec.paths:
            node = tree
            for name in path[:-1]:
                node = node.setdefault(name, {})
            node.setdefault(path[-1], spec)
    heads.update(
        (name, (_node_type(node, raw_maps=raw_maps), None)) for name, node in tree.items() if name not in heads
    )
    heads.setdefault(RECEIVED_AT, (str | None, None))
    for name in contract.drop:
        heads.setdefault(name, (DROPPED, None))
    heads.update((name, (SCALAR | UnsetType, UNSET)) for name in (*learned, *inherited) if name not in heads)
    return heads


def map_paths(contract: SourceContract) -> dict[tuple[str, ...], list[Field]]:
    """Paths of sample maps, each with the fields that read it."""
    found: dict[tuple[str, ...], list[Field]] = {}
    for spec in contract.fields:
        if _is_map(spec):
            for path in spec.paths:
                found.setdefault(path, []).append(spec)
    return found


def _is_map(spec: Field) -> bool:
    return spec.samples is not None and spec.samples.characters is None and not reads_raw(spec)


def _node_type(node: Field | dict[str, Any], *, raw_maps: bool) -> Any:
    """A field's clean type, or a struct of the names below a path."""
    if isinstance(node, Field):
        return msgspec.Raw if raw_maps and _is_map(node) else _clean_type(node) | None
    fields = [(attribute_name(name), _node_type(below, raw_maps=raw_maps), None) for name, below in node.items()]
    rename = {attribute_name(name): name for name in node}
    return msgspec.defstruct("Nested", fields, rename=rename, forbid_unknown_fields=True, gc=False) | None


def _clean_type(spec: Field) -> Any:
    if spec.samples is not None:
        return _clean_samples(spec, spec.samples)
    if spec.type == "integer":
        return _whole(spec.low, spec.high, -INT64, INT64 - 1)
    if spec.type == "epoch_seconds":
        return _whole(spec.low, spec.high, EARLIEST, MILLISECONDS_FROM - 1)
    if spec.type == "number":
        return _real(spec.low, spec.high, MAX_CLEAN_NUMBER)
    return bool if spec.type == "boolean" else str


def _clean_samples(spec: Field, rule: SampleRule) -> Any:
    if rule.characters is not None:
        return str
    # Scalars only: the nesting of a value that no field reads is not checked elsewhere.
    if _reads_structs(rule):
        return dict[str, list[dict[str, SCALAR]]] | list[dict[str, SCALAR]]
    if reads_raw(spec):
        return dict[str, SCALAR] | list[SCALAR]
    return map_type(rule)


def map_type(rule: SampleRule) -> Any:
    """A map of clean samples or state codes."""
    low = rule.low if rule.states_low is None else rule.states_low
    whole = _whole(low, rule.high, -MAX_CLEAN_SAMPLE, MAX_CLEAN_SAMPLE)
    number = whole | _real(low, rule.high, MAX_CLEAN_SAMPLE)
    return dict[str, number] | None  # type: ignore[valid-type]


def _whole(low: float | None, high: float | None, minimum: int, maximum: int) -> Any:
    low = minimum if low is None else max(minimum, math.ceil(low))
    return Annotated[int, Meta(ge=low, le=maximum if high is None else min(maximum, math.floor(high)))]


def _real(low: float | None, high: float | None, limit: int) -> Any:
    low = -limit if low is None else max(-limit, low)
    return Annotated[float, Meta(ge=low, le=limit if high is None else min(limit, high))]
