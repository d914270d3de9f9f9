"""The raw line behind a record, read again from the lake, with secrets and ids masked."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from qol.contracts.hidden_names import MASK, hidden_names, is_hidden
from qol.contracts.model import Contracts
from qol.contracts.raw_values import EPOCH
from qol.contracts.source import SourceContract
from qol.errors import LakeError
from qol.identity.pseudonyms import Identities, UserIndex
from qol.ingest.items import Exploder, Item
from qol.ingest.line_reader import LongLine, ObjectRange, read_lines
from qol.ingest.parse import RejectedError
from qol.ingest.record_reader import RecordReader
from qol.lake import Lake

#: Lists and maps with more entries than this are shown by their number of entries.
MAX_ENTRIES = 6
_CODE_OR_TIME = re.compile(r"[A-Za-z0-9_.:+-]{0,64}|[0-9+-][0-9T:+ .-]{0,40}")


def raw_records(
    lake: Lake, contracts: Contracts, contract: SourceContract, key: str | None, row: Mapping[str, Any]
) -> list[str]:
    """The raw items of the line `key:row["line_number"]` that read as the record `row`, as masked JSON.

    Empty when the object or the line is no longer there, or when no item reads as the record.
    """
    try:
        line = raw_line(lake, key, row["line_number"]) if key else None
    except LakeError:
        return []
    return [masked_json(contracts, contract, item) for item in items_of(contracts, contract, line, row)] if line else []


def raw_line(lake: Lake, key: str, number: int) -> bytes | None:
    """Line `number` (from 1) of a raw object; None when it has no such line or the line is too long to read.

    LakeError when the object is no longer in the lake.
    """
    stored = lake.stat(key)
    if stored is None:
        raise LakeError(f"{key}: no longer in the lake")
    lines_before = 0
    for chunk in read_lines(lake, ObjectRange(0, key, "", "1970-01-01", stored.bytes, 0, stored.bytes)):
        if lines_before + len(chunk.lines) >= number:
            line = chunk.lines[number - lines_before - 1]
            return None if isinstance(line, LongLine) else line
        lines_before += len(chunk.lines)
    return None


#: Hashes need the key, and minutes of the day the user's time zone.
_NOT_COMPARED = ("document_id", "intervals")


def items_of(
    contracts: Contracts, contract: SourceContract, line: bytes, row: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The items of a line that read as the record; a line may hold records of other users too."""
    try:
        items = Exploder(contracts, contract.source, contract).items(line)
    except RejectedError:
        return []
    # No key and no user map are needed: hashes of ids are not compared.
    identities = Identities(b"", {})
    reader = RecordReader(
        contract, UserIndex(identities, contract.source, ()), identities, "UTC", units=contracts.units
    )
    return [item.raw for item in items if item.contract == contract and item.raw and _reads_as(reader, item, row)]


def _reads_as(reader: RecordReader, item: Item, row: Mapping[str, Any]) -> bool:
    arrival = (row["arrival_date"] - EPOCH).days
    try:
        read = reader.read(item.raw or {}, item.received_at, arrival)
    except RejectedError:
        return False
    compared = [field.name for field in reader.contract.fields if field.type not in _NOT_COMPARED]
    return all(read[name] == _reader_value(row[name]) for name in (*compared, "received_at"))


def _reader_value(value: Any) -> Any:
    """A value of a record table as the reader gives it: days and microseconds since 1970."""
    if isinstance(value, datetime):
        return round(value.timestamp() * 1_000_000)
    return (value - EPOCH).days if isinstance(value, date) else value


def masked_json(contracts: Contracts, contract: SourceContract, raw: Mapping[str, Any]) -> str:
    """A raw record as JSON: secrets and ids masked, long lists and maps, and texts that are no codes or times, as their size.

    Masked is what any contract drops or takes for an id, in any spelling, unless this contract reads it as a value.
    """
    hidden = hidden_names(contracts.sources, contract)
    return msgspec.json.format(msgspec.json.encode(_shortened(raw, hidden)), indent=2).decode()


def _shortened(node: Any, hidden: frozenset[str]) -> Any:
    if isinstance(node, dict):
        if len(node) > MAX_ENTRIES and all(name.lstrip("-").isdigit() for name in node):  # samples by second
            return f"… {len(node)} entries"
        return {name: MASK if is_hidden(name, hidden) else _shortened(value, hidden) for name, value in node.items()}
    if isinstance(node, list):
        return f"… {len(node)} entries" if len(node) > MAX_ENTRIES else [_shortened(value, hidden) for value in node]
    return f"… {len(node)} characters" if isinstance(node, str) and not _CODE_OR_TIME.fullmatch(node) else node
