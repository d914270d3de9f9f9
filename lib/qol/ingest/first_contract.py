"""A first contract of a new record type, from sample lines: what the lines tell is written, what they do not is a gap."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import yaml

from qol.contracts.checks import contract_problems
from qol.contracts.gaps import GAP
from qol.contracts.language import KEY
from qol.contracts.model import Contracts
from qol.contracts.raw_path import path_text
from qol.contracts.source import SourceContract
from qol.contracts.wording import choices
from qol.errors import ContractError, UsageError
from qol.ingest.first_examples import first_examples
from qol.ingest.guessed_fields import PERSONS, Guessed, Path, guessed_fields, leaves, snake
from qol.ingest.sample_lines import SampleRecords, lists_of, sample_records

_STARTS = re.compile("start|begin|measured|recorded|timestamp|time")
_CHANGES = re.compile("updat|modif|version|revision|submitted")
_TIMES = ("epoch_seconds", "instant")
_NUMBERS = ("integer", "number")
#: Samples an example keeps of a list or map.
_MAX_SAMPLES = 3
_UNIT = f"{GAP}unit, such as bpm; or remove it"
_RANGE = f"{GAP}[lowest, highest] plausible value; or remove it"
_MEANING = f"{GAP}what it says"
_HEAD = """\
# yaml-language-server: $schema=../../source.schema.json
# Begun by `qol contracts new`: fill in the gaps, look through types, drop and examples, then `qol contracts check`.
"""
_DAILY = """\
# Daily metrics this record gives: `steps: step_count`, SQL over the fields; `qol contracts find WORD` finds their names.
daily: {}
"""


class FirstContract(NamedTuple):
    """The text of a contract's file, and sentences for its author."""

    text: str
    notes: list[str]


def first_contract(
    contracts: Contracts, name: tuple[str, str], data: bytes, person: str | None = None
) -> FirstContract:
    """The contract of a new type `(source, record)` from the bytes of a sample file.

    `person` is the path of the person's id, for records where no key looks like one. UsageError when lines cannot be read,
    ContractError when another contract has the place.
    """
    sample = sample_records(contracts, *name, data)
    owner = _person(sample, person)
    guessed = guessed_fields(sample.records, owner)
    given = {**_head(name, sample, owner, guessed), "fields": _described(guessed, "filled in")}
    closed = _validated(contracts, {**given, "description": "filled in", "examples": [_NO_EXAMPLE]})
    both = replace(contracts, sources=(*contracts.sources, closed))
    examples = list(first_examples(both, closed, sample.records))
    return FirstContract(_text(given, guessed, examples), _notes(guessed))


_NO_EXAMPLE = {"name": "none", "arrival": "2026-01-01", "raw": {}, "reject": "missing_key"}


def _person(sample: SampleRecords, named: str | None) -> Path:
    """Keys on the way to the person's id."""
    paths = dict.fromkeys(path for record in sample.records for path, value in leaves(record) if _is_id(value))
    texts = {path_text(path): path for path in paths}
    if named is not None:
        if named not in texts:
            raise UsageError(f"--person {named}: not in the lines; allowed: {choices(texts, named)}")
        return texts[named]
    for likely in PERSONS:
        for path in paths:
            if snake(path[-1]).replace("_", "") == likely:
                return path
    beside = (
        f"; {choices(sample.beside)} beside the list can be inherited (`inherit` in _rules.yaml)"
        if sample.beside
        else ""
    )
    raise UsageError(f"no key looks like a person's id; allowed: --person with one of {choices(texts)}{beside}")


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _head(name: tuple[str, str], sample: SampleRecords, person: Path, guessed: Guessed) -> dict[str, Any]:
    """Everything before the fields."""
    source, record = name
    start = _first(guessed, _TIMES, _STARTS)
    day = {"date": _first(guessed, ("date",)), "start": start, "offset": _offset(guessed, start),
           "zone": _first(guessed, ("time_zone",)) if start else None}  # fmt: skip
    version = [n for n, e in guessed.fields.items() if e["type"] in (*_TIMES, "integer") and _CHANGES.search(n)]
    head = {
        "source": source,
        "record": record,
        "description": f"{GAP}what one record is, and when the vendor sends it",
        "envelope_keys": [sample.envelope_key] if sample.envelope_key != record else None,
        "person": list(person),
        "drop": sorted(guessed.dropped),
        "key": [_key(source, guessed, sample, start)],
        "version": version[:1],
        "day": {word: column for word, column in day.items() if column},
        "source_timestamp": start,
    }
    return {word: value for word, value in head.items() if value}


def _first(guessed: Guessed, types: Sequence[str], like: re.Pattern[str] | None = None) -> str | None:
    """The first field of these types, first of those with a likely name."""
    names = [n for n, e in guessed.fields.items() if e["type"] in types and "[" not in e["path"]]
    return next((name for name in names if like and like.search(name)), names[0] if names else None)


def _offset(guessed: Guessed, start: str | None) -> str | None:
    """The field with the offset of a start: written in its text, else one of that name."""
    own = f"{start}".removesuffix("_seconds") + "_offset_seconds"
    numbers = [
        n for n, e in guessed.fields.items() if e["type"] == "integer" and "offset" in n and e.get("unit") == "s"
    ]
    if start is None or own in guessed.fields:
        return own if start else None
    return _first(guessed, ("utc_offset",)) or next(iter(numbers), None)


def _key(source: str, guessed: Guessed, sample: SampleRecords, start: str | None) -> str:
    """The id that every record has for itself, else the start, else the day."""
    for path in guessed.ids:
        found = [value for record in sample.records for at, value in leaves(record) if at == path]
        if len(path) == 1 and len({*map(str, found)}) == len(sample.records):
            return next(n for n, e in guessed.fields.items() if e["path"] == path[0])
    key = start or _first(guessed, ("date",))
    if key is None:
        inner = lists_of(sample.records, source)
        raise UsageError(
            f"no id of its own, time or day in the lines; allowed: records that a key can tell apart{inner}"
        )
    return key


def _described(guessed: Guessed, meaning: str) -> dict[str, dict[str, Any]]:
    return {name: {**entry, "description": meaning} for name, entry in guessed.fields.items()}


def _validated(contracts: Contracts, given: Mapping[str, Any]) -> SourceContract:
    file = f"sources/{given['source']}/{given['record']}.yaml"
    contract = SourceContract.model_validate({**given, KEY: file}, by_alias=True, by_name=False)
    found = contract_problems(replace(contracts, sources=(*contracts.sources, contract)))
    if problems := [problem for problem in found if problem.file == file]:
        raise ContractError(problems)
    return contract


def _text(given: Mapping[str, Any], guessed: Guessed, examples: Sequence[Mapping[str, Any]]) -> str:
    """The file: a line per field and per part of an example."""
    lines = [f"{word}: {_flow(value)}" for word, value in given.items() if word != "fields"]
    lines += ["fields:", *(f"  {name}: {_flow(_with_gaps(entry))}" for name, entry in guessed.fields.items())]
    of_examples = [f"    {word}: {_flow(value)}" for example in examples for word, value in example.items()]
    listed = [
        line.replace("    name:", "  - name:", 1) if line.startswith("    name:") else line for line in of_examples
    ]
    return _HEAD + "\n".join(lines) + "\n" + _DAILY + "\n".join(["examples:", *listed]) + "\n"


def _with_gaps(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A field whose unit, range and meaning are still to be filled in."""
    is_measured = entry["type"] in _NUMBERS
    gaps = (
        {"unit": _UNIT, "range": _RANGE}
        if is_measured and "samples" not in entry
        else {"unit": _UNIT}
        if is_measured
        else {}
    )
    return {**{word: entry[word] for word in ("path", "type")}, **gaps, **entry, "description": _MEANING}


def _flow(value: Any) -> str:
    """A value in one line of YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), sort_keys=False, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def _notes(guessed: Guessed) -> list[str]:
    """What the author should look at."""
    dropped = (
        f"Never stored, as secrets, typed texts or unreadable values: {', '.join(sorted(guessed.dropped))}."
        if guessed.dropped
        else ""
    )
    return list(
        filter(
            None,
            [
                dropped,
                "Ids are *** in the examples; their other values are those of the lines: look through them before a commit.",
            ],
        )
    )
