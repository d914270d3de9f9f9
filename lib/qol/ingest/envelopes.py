"""Lines that are envelopes of one record type: their records are read in columns, like bare ones with the envelope's stamp.

An envelope of several types, with anything beside its records, or with a record that is not clean is read by the record
reader, which judges lines as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from operator import methodcaller
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from qol.contracts.model import Contracts
from qol.contracts.source import SourceContract
from qol.ingest.parse import PAGE_KEY, RECEIVED_AT, is_deep

if TYPE_CHECKING:
    from qol.ingest.line_reader import LongLine
    from qol.ingest.results import ResultBuilder

_HEAD = re.compile(rb'\{"(\w+)":\[')
#: The beginning of an object whose first value is no list, up to that value.
_BARE_HEAD = re.compile(rb'\{"\w+":[^\[]')
_STAMP = RECEIVED_AT.encode()
#: A longer envelope is read record by record, so that its records are never all in memory.
MAX_BYTES = 8 * 2**20
#: Each record gets the stamp: a longer one, which no receiver writes, would multiply.
MAX_STAMP_BYTES = 64


def contracts_of_envelopes(contracts: Contracts, source: str) -> dict[bytes, SourceContract]:
    """Contracts by the envelope keys whose records are read as bare records of the contract are, nothing around them."""
    rules = contracts.source_rules.get(source)
    if rules and (rules.inherit or rules.inherit_nested or rules.unwrap or rules.typed_values):
        return {}
    nested = rules.nested if rules else {}
    keys = {key for contract in contracts.sources if contract.source == source for key in contract.envelope_keys}
    found = {key: contracts.for_envelope(source, key) for key in keys - {PAGE_KEY, *nested}}
    return {
        key.encode(): contract
        for key, contract in found.items()
        if contract is not None and contract.spacing is None and not contracts.sharing(contract)
    }


def records_of(line: bytes, by_key: dict[bytes, SourceContract]) -> tuple[SourceContract, list[bytes]] | None:
    """The contract of an envelope's records, and each record as a line; None for any other line."""
    head = _HEAD.match(line)
    contract = by_key.get(head[1]) if head else None
    if head is None or contract is None or is_deep(line) or not _has_members(line):
        return None
    try:
        envelope = _decoder(head[1].decode()).decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    records = [bytes(raw) for raw in envelope.records]
    if not records or any(raw[:1] != b"{" or not raw[1:-1].strip() or _STAMP in raw for raw in records):
        return None
    stamp = bytes(envelope.stamp)
    if len(stamp) > MAX_STAMP_BYTES:
        return None
    if stamp:
        end = b',"%s":%s}' % (_STAMP, stamp)
        records = [raw[:-1] + end for raw in records]
    return contract, records


def _has_members(line: bytes) -> bool:
    """Whether most commas are between members of objects; a list of numbers or of empty objects would be many records."""
    return len(line) <= MAX_BYTES and line.count(b",") <= 2 * line.count(b":")


@cache
def _decoder(key: str) -> msgspec.json.Decoder[Any]:
    """Decodes an envelope of one type, its records as they stand there."""
    fields: list[str | tuple[str, Any] | tuple[str, Any, Any]] = [
        ("records", list[msgspec.Raw]),
        ("stamp", msgspec.Raw, msgspec.Raw(b"")),
    ]
    names = {"records": key, "stamp": RECEIVED_AT}
    return msgspec.json.Decoder(msgspec.defstruct("Envelope", fields, rename=names, forbid_unknown_fields=True))


class Envelopes:
    """Finds envelopes among the lines of ranges."""

    def __init__(self, results: ResultBuilder) -> None:
        self._results = results
        self._by_key: dict[str, dict[bytes, SourceContract]] = {}

    @staticmethod
    def candidates(lines: Sequence[bytes | LongLine]) -> Sequence[int]:
        """Places of lines that may be envelopes: not of those that begin as the first line does, where it is a bare record."""
        begun = lines[0] if lines else b""
        found = _BARE_HEAD.match(begun) if isinstance(begun, bytes) else None
        if found is None:
            return range(len(lines))
        alike = map(methodcaller("startswith", found[0]), lines)
        return [place for place, begins_so in enumerate(alike) if not begins_so]

    def records(self, source: str, line: bytes) -> tuple[SourceContract, list[bytes]] | None:
        """The contract of a source's envelope whose records may be clean, and its records; None for any other line."""
        return records_of(line, self._contracts(source))

    def _contracts(self, source: str) -> dict[bytes, SourceContract]:
        if source not in self._by_key:
            found = contracts_of_envelopes(self._results.context.contracts, source)
            usable = self._results.columnar_reader
            self._by_key[source] = {key: contract for key, contract in found.items() if usable(contract).usable}
        return self._by_key[source]


def only_whole_groups(frame: pl.DataFrame, other: Sequence[int], groups: Sequence[int]) -> pl.DataFrame:
    """The frame, in which no line of a group is `ok` that has one which is not."""
    unclean = [*other, *frame.filter(~pl.col("ok"))["line"].to_list()]
    broken = pl.Series([groups[place] for place in unclean], dtype=pl.Int64)
    of_lines = pl.Series(groups, dtype=pl.Int64).gather(frame["line"])
    return frame.with_columns(ok=pl.col("ok") & ~of_lines.is_in(broken.implode()))
