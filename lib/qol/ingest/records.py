"""One raw record to one row: conversion field by field, key, day; the lenient path that explains what it nulls."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from qol.contracts.model import Field, SourceContract
from qol.ingest.convert import IssueError, convert, identifier, parse_day, parse_instant, safe_get
from qol.ingest.items import RECEIVED_AT
from qol.ingest.parse import Reason, RejectedError
from qol.ingest.people import Identities, People, Person
from qol.ingest.samples import reduce_samples

DAY_SECONDS = 86_400
FIRST_DAY = parse_day("2010-01-01") or 0
MICROSECONDS = 1_000_000
#: A field's name as an API would have it, which may be shown; any other may be an id, a person's name or a text.
PLAIN_NAME = re.compile(r"(?!(?:\D*\d){3})[a-z][A-Za-z0-9_]{0,63}")
OTHER_NAMES = "(other)"
MOST_NAMES = 1000


@dataclass
class RecordReader:
    """Reads records of one contract; holds what does not change from record to record."""

    contract: SourceContract
    people: People
    identities: Identities
    zone: str
    unknown: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._known = known_names(self.contract)

    def read(self, raw: Mapping[str, Any], received: object, arrival_day: int) -> dict[str, Any]:
        """The row of a raw record: every column but `raw_object` and `line_number`.

        `day`, `arrival_date` are days since 1970, times are microseconds. RejectedError: missing_key, missing_day,
        day_out_of_range.
        """
        contract = self.contract
        person = self._person(raw)
        issues: list[str] = []
        row: dict[str, Any] = {f.name: self._value(f, raw, issues) for f in contract.fields}
        row["received_at"] = received_us = _instant(received, arrival_day, issues)
        arrival = arrival_day if received_us is None else received_us // MICROSECONDS // DAY_SECONDS
        row["arrival_date"] = arrival
        row["utc_offset_seconds"] = self._offset(row, person)
        self._require_key(row)
        row["day"], row["day_rule"] = self._day(row, arrival)
        require_day(row["day"], arrival)
        start = row.get(contract.source_timestamp) if contract.source_timestamp else None
        row["source_timestamp"] = None if start is None else start * MICROSECONDS
        row["user_id"], row["bucket"] = person.user_id, person.bucket
        row["value_issues"] = issues or None
        self._count_unknown(raw)
        return row

    def _person(self, raw: Mapping[str, Any]) -> Person:
        vendor_user_id = identifier(safe_get(raw, self.contract.person))
        if vendor_user_id is None:
            raise RejectedError(Reason.MISSING_KEY, f"{'.'.join(self.contract.person)} is missing or not an id")
        return self.people[vendor_user_id]

    def _value(self, spec: Field, raw: Mapping[str, Any], issues: list[str]) -> Any:
        for path in spec.paths:
            value = safe_get(raw, path)
            if value is None:
                _note_broken_path(raw, path, issues)
                continue
            name = ".".join(path)
            if spec.samples is not None:
                reduced = self._reduced(spec, name, value, issues)
                if reduced is not None:
                    return reduced
                continue
            try:
                return convert(spec, value, self._hash)
            except IssueError as issue:
                issues.append(f"{name}: {issue}")
                if issue.kept is not None:
                    return issue.kept
        return None

    def _reduced(self, spec: Field, name: str, value: Any, issues: list[str]) -> Any:
        reduced, invalid = reduce_samples(spec, value)
        issue = f"{name}: {invalid} samples out_of_range" if isinstance(value, dict | list) else f"{name}: wrong_type"
        if invalid and issue not in issues:
            issues.append(issue)
        return reduced

    def _hash(self, document_id: str) -> str:
        return self.identities.document_hash(self.contract.source, self.contract.record, document_id)

    def _offset(self, row: Mapping[str, Any], person: Person) -> int | None:
        rule = self.contract.day
        offset = row.get(rule.offset) if rule.offset else None
        if offset is not None:
            return int(offset)
        start = row.get(rule.start) if rule.start else None
        return None if start is None else zone_offset(person.timezone or self.zone, start)

    def _require_key(self, row: Mapping[str, Any]) -> None:
        for name in required_keys(self.contract):
            if row[name] is None:
                path = ".".join(self.contract.by_name[name].paths[0])
                if name == self.contract.day.date:
                    raise RejectedError(Reason.MISSING_DAY, f"{path} is the record's key and day, and is not usable")
                raise RejectedError(Reason.MISSING_KEY, f"{path} is missing or not usable")

    def _day(self, row: Mapping[str, Any], arrival: int) -> tuple[int, str]:
        rule = self.contract.day
        if rule.date and row[rule.date] is not None:
            return row[rule.date], "provider"
        start = row.get(rule.start) if rule.start else None
        if start is None:
            return arrival, "arrival"
        if rule.utc_midnight and start % DAY_SECONDS == 0:
            return start // DAY_SECONDS, "provider"
        own = rule.offset is not None and row[rule.offset] is not None
        return (start + row["utc_offset_seconds"]) // DAY_SECONDS, "offset" if own else "zone"

    def _count_unknown(self, raw: Mapping[str, Any]) -> None:
        known = self._known
        for key, value in raw.items():
            below = known.get(key)
            if below is None:
                self.count_unknown("", key)
            elif below and isinstance(value, dict):
                for inner in value.keys() - below:
                    self.count_unknown(f"{key}.", inner)

    def count_unknown(self, prefix: str, name: str, times: int = 1) -> None:
        """Count a field the contract does not name; a name that may be data itself is not repeated."""
        shown = prefix + (name if PLAIN_NAME.fullmatch(name) else OTHER_NAMES)
        self.unknown[shown if shown in self.unknown or len(self.unknown) < MOST_NAMES else OTHER_NAMES] += times


def required_keys(contract: SourceContract) -> list[str]:
    """Key fields a record cannot be without; an absent code or flag in a key is a value of its own."""
    return [name for name in contract.key if contract.by_name[name].type not in ("code", "boolean")]


def known_names(contract: SourceContract) -> dict[str, frozenset[str]]:
    """Top-level names a contract knows, each with the names it knows below; an empty set means anything below.

    Names that are never stored are known on both levels.
    """
    names: dict[str, set[str]] = {RECEIVED_AT: set(), contract.person[0]: set()}
    names.update((name, set()) for name in contract.drop)
    for spec in contract.fields:
        for path in spec.paths:
            names.setdefault(path[0], set()).update(path[1:2])
    return {name: frozenset(below.union(contract.drop) if below else below) for name, below in names.items()}


def require_day(day: int, arrival: int) -> None:
    """RejectedError day_out_of_range when a day lies before 2010 or more than one day after arrival."""
    if day < FIRST_DAY:
        raise RejectedError(Reason.DAY_OUT_OF_RANGE, "the day lies before 2010-01-01")
    if day > arrival + 1:
        raise RejectedError(Reason.DAY_OUT_OF_RANGE, "the day lies more than one day after its arrival")


def zone_offset(zone: str, start: int) -> int:
    """Seconds local time is ahead of UTC in a zone at a Unix time."""
    return _quarter_hour_offset(zone, start // 900)


@lru_cache(maxsize=65_536)
def _quarter_hour_offset(zone: str, quarter_hours: int) -> int:
    offset = datetime.fromtimestamp(quarter_hours * 900, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def _instant(received: object, arrival_day: int, issues: list[str]) -> int | None:
    if received is None:
        return None
    instant = parse_instant(received) if isinstance(received, str) else None
    if instant is None or instant // MICROSECONDS // DAY_SECONDS > arrival_day + 1:
        issues.append(f"{RECEIVED_AT}: invalid_time")  # no time, or later than the folder it arrived in
        return None
    return instant


def _note_broken_path(raw: Mapping[str, Any], path: tuple[str, ...], issues: list[str]) -> None:
    head = raw.get(path[0])
    issue = f"{path[0]}: wrong_type"
    if len(path) > 1 and head is not None and not isinstance(head, dict) and issue not in issues:
        issues.append(issue)
