"""Checks of what records of a person do to each other: slots, deletions, overlapping devices, sleep stages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import polars as pl

from qol.contracts.expressions import helper_types
from qol.contracts.record_columns import RECORD_HEAD, RECORD_TAIL
from qol.contracts.source_model import SourceContract
from qol.contracts.wording import choices
from qol.errors import Problem

_MOMENTS = ("epoch_seconds", "instant")
_COLUMNS = [name for name, _, _ in (*RECORD_HEAD, *RECORD_TAIL)]


def device_problems(contract: SourceContract, sources: Sequence[SourceContract]) -> Iterator[Problem]:
    """What one contract says about other records, given all contracts."""
    for index, name in enumerate(contract.slot):
        if name not in contract.key:
            yield Problem(contract.file, f"slot.{index}", name, f"a key field: {choices(contract.key, name)}")
    yield from _parameters(contract)
    yield from _deletes(contract, [c for c in sources if c.source == contract.source])
    if contract.overlaps is not None:
        over = contract.overlaps
        yield from _spans(contract, "overlaps", {"start": over.start, "end": over.end})
        yield from _codes(contract, "overlaps", {"by": over.by, "kind": over.kind})
        yield from _fresh(contract, "overlaps.share", over.share)
    if contract.stages is not None:
        stages = contract.stages
        yield from _spans(contract, "stages", {"start": stages.start, "end": stages.end})
        yield from _codes(contract, "stages", {"stage": stages.stage, "by": stages.by})
        for name in stages.columns:
            yield from _fresh(contract, f"stages ({name})", name)
        yield from _twice(contract, stages.values)


def _parameters(contract: SourceContract) -> Iterator[Problem]:
    for parameter in contract.parameters:
        yield from _fresh(contract, f"parameters.{parameter.name}", parameter.name)


def _deletes(contract: SourceContract, others: Sequence[SourceContract]) -> Iterator[Problem]:
    """Both sides have to be document ids of one namespace, or no hash would ever be the same."""
    gone = contract.deletes
    if gone is None:
        return
    own = {f.name: f for f in contract.fields if f.type == "document_id"}
    if gone.by not in own:
        yield Problem(contract.file, "deletes.by", gone.by, f"a field of type document_id: {choices(own, gone.by)}")
    known = {c.record: c for c in others if c is not contract}
    for index, record in enumerate(gone.records):
        at = f"deletes.records.{index}"
        if record not in known:
            yield Problem(contract.file, at, record, f"another record type of the source: {choices(known, record)}")
            continue
        field = known[record].by_name.get(gone.field)
        if field is None or field.type != "document_id":
            allowed = f"a document_id field of {record}, which has none of that name"
            yield Problem(contract.file, "deletes.field", gone.field, allowed)
        elif gone.by in own and (field.namespace or record) != (own[gone.by].namespace or contract.record):
            allowed = f"one namespace for {gone.by} and for {gone.field} of {record}"
            yield Problem(contract.file, at, field.namespace or f"that of {record} alone", allowed)


def _spans(contract: SourceContract, at: str, places: Mapping[str, str]) -> Iterator[Problem]:
    """Times are seconds: whole numbers."""
    fitting = [f.name for f in contract.fields if f.type in _MOMENTS]
    fitting += _helpers(contract, lambda kind: kind.is_integer())
    yield from _refer(contract, at, places, fitting, "a time field or helper")


def _codes(contract: SourceContract, at: str, places: Mapping[str, str | None]) -> Iterator[Problem]:
    fitting = [f.name for f in contract.fields if f.type == "code"]
    fitting += _helpers(contract, lambda kind: kind == pl.String())
    named = {place: name for place, name in places.items() if name is not None}
    yield from _refer(contract, at, named, fitting, "a code field or helper")


def _helpers(contract: SourceContract, fits: Callable[[pl.DataType], bool]) -> list[str]:
    """Helpers of a fitting type; one that is no expression is told as such, and not again."""
    types = helper_types(contract)
    return [name for name in contract.derived if name not in types or fits(types[name])]


def _refer(
    contract: SourceContract, at: str, places: Mapping[str, str], fitting: Iterable[str], what: str
) -> Iterator[Problem]:
    known = list(fitting)
    for place, name in places.items():
        if name not in known:
            yield Problem(contract.file, f"{at}.{place}", name, f"{what}: {choices(known, name)}")


def _fresh(contract: SourceContract, at: str, name: str) -> Iterator[Problem]:
    """A column that a rule makes must not hide one that is there."""
    if name in _COLUMNS or name in contract.by_name or name in contract.derived:
        yield Problem(contract.file, at, name, "a name that no field, helper or record column has")


def _twice(contract: SourceContract, values: Mapping[str, tuple[str, ...]]) -> Iterator[Problem]:
    owner: dict[str, str] = {}
    for stage, codes in values.items():
        for code in codes:
            first = owner.setdefault(code, stage)
            if first != stage:
                yield Problem(contract.file, f"stages.values.{stage}", code, f"a code that {first} does not have")
