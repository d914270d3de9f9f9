"""Lines of a sample file to records of a type that has no contract yet."""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from qol.contracts.language import KEY
from qol.contracts.model import Contracts
from qol.contracts.source import SourceContract
from qol.contracts.wording import choices
from qol.errors import UsageError
from qol.ingest.items import Exploder
from qol.ingest.parse import PAGE_KEY, RejectedError, parse_line

#: More records tell nothing new.
MAX_RECORDS = 1000
_GZIP = b"\x1f\x8b"


class SampleRecords(NamedTuple):
    """Records of a sample, the key of the envelope that held them, and names that stand beside them in it."""

    records: list[dict[str, Any]]
    envelope_key: str
    beside: list[str]


def sample_records(contracts: Contracts, source: str, record: str, data: bytes) -> SampleRecords:
    """Records in the bytes of a sample file: bare ones, pages, arrays or envelopes; UsageError without any."""
    lines = _lines(gzip.decompress(data) if data.startswith(_GZIP) else data)
    documents = [_parsed(number, line) for number, line in lines]
    key, beside = _envelope(documents, record)
    probe = _probe(source, record, key)
    if taken := contracts.for_envelope(source, key):
        raise UsageError(f"the lines are envelopes of {key}, which {taken.file} reads; allowed: lines of a new type")
    exploder = Exploder(replace(contracts, sources=(*contracts.sources, probe)), source, probe)
    items = (item for _, line in lines for item in exploder.items(line))
    records = [item.raw for item in items if item.contract is probe and isinstance(item.raw, dict) and item.raw]
    if not records:
        inner = lists_of([each for each in documents if isinstance(each, dict)], source)
        raise UsageError(
            f"no record in the lines; allowed: JSON objects, one a line, also in lists, pages or envelopes{inner}"
        )
    return SampleRecords(records[:MAX_RECORDS], key, beside)


def lists_of(objects: Sequence[Mapping[str, Any]], source: str) -> str:
    """A hint that the records may be in a list of these objects; empty without such a list."""
    found = dict.fromkeys(key for each in objects for key, value in each.items() if value and isinstance(value, list))
    names = " or ".join(f"{source}/{name}" for name in list(found)[:3])
    return f"; if the records are in a list of the lines: {names}" if names else ""


def _lines(data: bytes) -> list[tuple[int, bytes]]:
    """Lines with their numbers; a file that is one document, over several lines, is one line."""
    lines = [(number, line) for number, line in enumerate(data.splitlines(), 1) if line.strip()]
    if not lines:
        raise UsageError("the file of --from is empty; allowed: JSON objects, one a line")
    try:
        parse_line(lines[0][1])
    except RejectedError:
        try:
            parse_line(data)
        except RejectedError:
            return lines
        return [(1, data)]
    return lines[:MAX_RECORDS]


def _parsed(number: int, line: bytes) -> Any:
    try:
        return parse_line(line)
    except RejectedError as err:
        raise UsageError(
            f"line {number} of --from is not usable ({err.reason}); allowed: JSON objects, one a line"
        ) from None


def _envelope(documents: list[Any], record: str) -> tuple[str, list[str]]:
    """The envelope key of a sample's records, by default the record's name, and the names beside it."""
    objects = [document for document in documents if isinstance(document, dict)]
    for document in objects:
        lists = [key for key, value in document.items() if isinstance(value, list) and key != PAGE_KEY]
        others = sorted(key for key in document.keys() - lists if not key.startswith("_"))
        if record in lists:
            return record, others
        if lists and not others:
            if len(lists) > 1:
                raise UsageError(
                    f"the lines are envelopes; allowed: the name of a list in them: {choices(lists, record)}"
                )
            return lists[0], []
    return record, []


def _probe(source: str, record: str, key: str) -> SourceContract:
    """A contract that finds the records of a type, whatever they hold."""
    given: Mapping[str, Any] = {
        KEY: f"sources/{source}/{record}.yaml",
        "source": source,
        "record": record,
        "description": "probe",
        "envelope_keys": [key],
        "person": ["(none)"],
        "key": ["probe"],
        "fields": {"probe": {"path": "(none)", "type": "code", "description": "probe"}},
        "examples": [{"name": "probe", "arrival": "2026-01-01", "raw": {}, "reject": "missing_key"}],
    }
    return SourceContract.model_validate(given, by_alias=True, by_name=False)
