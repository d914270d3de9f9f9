"""What became of the raw data, by the run's own count: items, rejects, nulled values, lateness; never a raw word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from qol.contracts.model import Contracts
from qol.explain.trace_model import raw_names
from qol.report.blocks import Block, Cell, Row, Section, Table, Text
from qol.report.words import Words
from qol.tables.manifest import Manifest

#: What a manifest calls a field that no contract names; its name came with the raw data and stays there.
UNKNOWN_FIELD = "unknown_field"
_ITEMS = ("lines", "kept", "superseded", "rejected", "control", "blank")
_LATENESS = ("p50_days", "p95_days", "max_days")


def raw_sections(words: Words, manifest: Manifest | None) -> tuple[Section, ...]:
    """The sections about raw data; in words when no run tells of it."""
    if manifest is None:
        return (Section("raw", words.say("raw_title"), [Text(words.say("no_manifest"))]),)
    return (
        Section("raw", words.say("raw_title"), list(_raw_blocks(words, manifest))),
        Section("lateness", words.say("lateness_title"), list(_lateness(words, manifest))),
    )


def _raw_blocks(words: Words, manifest: Manifest) -> Iterator[Block]:
    window = manifest.window
    yield Text(words.say("raw_lead", run=manifest.run_id, first=window.first, last=window.last))
    items = [(name, words.say(f"items_{name}"), manifest.totals.get(name, 0)) for name in _ITEMS]
    yield _counts(words, "items", words.say("items_caption"), words.say("item"), items)
    rejects = Counter(manifest.rejects_by_reason).most_common()
    if rejects:
        rows = [(code, words.reason(code), number) for code, number in rejects]
        yield _counts(words, "rejects", words.say("rejects_caption"), words.say("reason"), rows)
    else:
        yield Text(words.say("no_rejects"))
    yield from _nulled(words, manifest)


def _nulled(words: Words, manifest: Manifest) -> Iterator[Block]:
    found = _issues(words.contracts, manifest)
    named = {key: number for key, number in found.items() if key[2] != UNKNOWN_FIELD}
    rows = [
        Row(
            ".".join(key),
            words.say("record_field", record=words.name("records", key[0]), field=key[1]),
            (Cell(words.reason(key[2])), Cell(f"{number:,}", number)),
        )
        for key, number in sorted(named.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    heads = (words.say("field"), words.say("reason"), words.say("values"))
    if rows:
        yield Table("nulled", words.say("nulled_caption"), heads, ("reason", "values"), tuple(rows))
    else:
        yield Text(words.say("no_nulled"))
    unknown = sum(number for key, number in found.items() if key[2] == UNKNOWN_FIELD)
    if unknown:
        yield Text(words.say("unknown_fields", number=f"{unknown:,}"))


def _issues(contracts: Contracts, manifest: Manifest) -> Counter[tuple[str, str, str]]:
    """Values by record, field and reason; a field that no contract names has no name here."""
    counted: Counter[tuple[str, str, str]] = Counter()
    for record, fields in manifest.field_issues.items():
        contract = contracts.by_name.get(record)
        known = {name for field in contract.fields for name in raw_names(field)} if contract else set()
        for field, reasons in fields.items():
            for reason, number in reasons.items():
                counted[(record, field, reason) if field in known else (record, "", UNKNOWN_FIELD)] += number
    return counted


def _lateness(words: Words, manifest: Manifest) -> Iterator[Block]:
    late = manifest.lateness
    if late is None:
        yield Text(words.say("no_lateness"))
        return
    yield Text(words.say("lateness_lead", records=f"{late['records']:,}"))
    rows = [
        Row(name, words.say(f"lateness_{name}"), (Cell(f"{late[name]:,}", late[name]),), words.say("days"))
        for name in _LATENESS
    ]
    heads = (words.say("measure"), words.say("value"))
    yield Table("lateness", words.say("lateness_caption"), heads, ("value",), tuple(rows))


def _counts(words: Words, name: str, caption: str, head: str, counted: list[tuple[str, str, int]]) -> Table:
    rows = tuple(Row(code, label, (Cell(f"{number:,}", number),)) for code, label, number in counted)
    return Table(name, caption, (head, words.say("items")), ("items",), rows)
