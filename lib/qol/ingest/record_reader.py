"""One raw record to one row: conversion field by field, key, day; every value it nulls has an issue."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

from qol.contracts.fields import Field
from qol.contracts.hidden_names import OTHER_NAMES
from qol.contracts.raw_path import is_selector, path_text
from qol.contracts.raw_values import OTHER, PLAIN_NAME, identifier, safe_get
from qol.contracts.source import SourceContract
from qol.contracts.units import Unit
from qol.identity.pseudonyms import Identities, User, UserIndex
from qol.ingest.convert import IssueError, convert, in_stored_unit
from qol.ingest.interval_minutes import interval_minutes
from qol.ingest.local_day import DAY_SECONDS, day_of, offset_of, offset_of_field, require_day
from qol.ingest.parse import RECEIVED_AT, Reason, RejectedError
from qol.ingest.sample_reduction import reduce_samples
from qol.ingest.sample_structs import has_samples
from qol.ingest.times import parse_instant

MICROSECONDS = 1_000_000
MAX_UNKNOWN_NAMES = 1000
#: The name of an unknown field is shown once so many users sent it: before that it may name a user.
MIN_USERS_OF_NAME = 20
#: Types of key fields of which null is a value like any other.
OPTIONAL_IN_KEYS = ("code", "boolean")


@dataclass
class RecordReader:
    """Reads records of one contract."""

    contract: SourceContract
    users: UserIndex
    identities: Identities
    zone: str
    unknown: Counter[str] = field(default_factory=Counter)
    #: Some users who sent an unknown field, by its name: all of them where they are fewer than MIN_USERS_OF_NAME.
    senders: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    #: Names a record may have from the envelope around it.
    inherited: frozenset[str] = frozenset()
    units: Mapping[str, Unit] = field(default_factory=dict)
    #: Whether ids are those of devices, and the user is the owner on the record's day.
    by_day: bool = False
    #: Days before its arrival that a record's day may be; any where None.
    max_age: int | None = None

    def __post_init__(self) -> None:
        self._known = dict.fromkeys(self.inherited, frozenset[str]()) | known_names(self.contract)
        self._hashes = {
            spec.namespace: partial(
                self.identities.document_hash, self.contract.source, spec.namespace or self.contract.record
            )
            for spec in self.contract.fields
        }
        self._utc_offsets = [spec.name for spec in self.contract.fields if spec.type == "utc_offset"]
        self._with_range = lru_cache(maxsize=10_000)(
            lambda name, limits: self.contract.by_name[name].changed(range=limits)
        )
        self._intervals = [spec for spec in self.contract.fields if spec.type == "intervals"]
        self._offsets = [spec for spec in self.contract.fields if spec.at]

    def read(self, raw: Mapping[str, Any], received: object, arrival_day: int) -> dict[str, Any]:
        """The row of a raw record: every column but `raw_object` and `line_number`.

        `day`, `arrival_date` are days since 1970, times are microseconds. RejectedError: missing_key, missing_day,
        day_out_of_range, day_too_old, no_person.
        """
        contract = self.contract
        vendor_user_id = self._vendor_user_id(raw)
        issues: list[str] = []
        row = self._fields(raw, issues)
        row["received_at"] = received_us = _instant(received, arrival_day, issues)
        arrival = arrival_day if received_us is None else received_us // MICROSECONDS // DAY_SECONDS
        row["arrival_date"] = arrival
        self._require_key(row)
        user = self._owner(vendor_user_id, row, arrival) if self.by_day else self.users[vendor_user_id]
        row |= self._meant_offsets(row, user.timezone)
        offset = row["utc_offset_seconds"] = offset_of(contract.day, row, user.timezone or self.zone)
        for spec in self._offsets:
            row[spec.name] = offset_of_field(spec, contract.day, row, user.timezone or self.zone)
        row["day"], row["day_rule"] = day_of(contract.day, row, offset, arrival)
        require_day(row["day"], arrival, self.max_age)
        for spec in self._intervals:
            row[spec.name] = self._minutes(spec, raw, row, user.timezone or self.zone, issues)
        start = row.get(contract.source_timestamp) if contract.source_timestamp else None
        row["source_timestamp"] = None if start is None else start * MICROSECONDS
        row["user_id"], row["bucket"] = user.user_id, user.bucket
        row["value_issues"] = issues or None
        self._count_unknown(raw, user.user_id)
        return row

    def _fields(self, raw: Mapping[str, Any], issues: list[str]) -> dict[str, Any]:
        """The declared fields but those of intervals, which need the day."""
        row: dict[str, Any] = {}
        for spec in self.contract.fields:
            if spec.of_other is not None and row[spec.of_other] != OTHER:
                row[spec.name] = None
            elif spec.type != "intervals":
                row[spec.name] = self._value(self._limited(spec, row), raw, issues)
        return row

    def user_of(self, raw: Mapping[str, Any], received: object, arrival_day: int) -> User | None:
        """The user of a raw record, also of one that `read` rejects; None without a user, or for a device without an owner."""
        vendor_user_id = identifier(safe_get(raw, self.contract.person))
        if vendor_user_id is None or not self.by_day:
            return None if vendor_user_id is None else self.users[vendor_user_id]
        received_us = _instant(received, arrival_day, [])
        arrival = arrival_day if received_us is None else received_us // MICROSECONDS // DAY_SECONDS
        return self._owner_on(vendor_user_id, self._fields(raw, []), arrival)

    def _vendor_user_id(self, raw: Mapping[str, Any]) -> str:
        vendor_user_id = identifier(safe_get(raw, self.contract.person))
        if vendor_user_id is None:
            raise RejectedError(Reason.MISSING_KEY, f"{'.'.join(self.contract.person)} is missing or not an id")
        return vendor_user_id

    def _meant_offsets(self, row: Mapping[str, Any], user_zone: str | None) -> dict[str, None]:
        """Offsets of zero beside a named zone, as null: like `Z`, they say that the time is written in UTC."""
        zone = self.contract.day.zone
        named = user_zone or (zone and row[zone])
        return {name: None for name in self._utc_offsets if row[name] == 0} if named else {}

    def _owner(self, device_id: str, row: Mapping[str, Any], arrival: int) -> User:
        """The owner of a device on a row's day."""
        user = self._owner_on(device_id, row, arrival)
        if user is None:
            rule = self.contract.day
            require_day(day_of(rule, row, offset_of(rule, row, self.zone), arrival)[0], arrival)
            raise RejectedError(Reason.NO_PERSON, "no user map entry has this device on this day")
        return user

    def _owner_on(self, device_id: str, row: Mapping[str, Any], arrival: int) -> User | None:
        """The owner of a device on a row's day in the owner's own time zone; None when nobody has it."""
        rule = self.contract.day
        for period, user in self.users.owners(device_id):
            meant = {**row, **self._meant_offsets(row, user.timezone)}
            offset = offset_of(rule, meant, user.timezone or self.zone)
            if period.contains(day_of(rule, meant, offset, arrival)[0]):
                return user
        return None

    def _value(self, spec: Field, raw: Mapping[str, Any], issues: list[str]) -> Any:
        for path in spec.paths:
            value = safe_get(raw, path)
            if value is None:
                if path[:1] not in spec.paths:  # else an alias reads the head itself
                    _note_broken_path(raw, path, issues)
                continue
            name = path_text(path)
            try:
                if spec.samples is not None:
                    converted = self._reduced(spec, name, value, issues)
                else:
                    converted = self._converted(spec, path, value, raw)
            except IssueError as issue:
                issues.append(f"{name}: {issue}")
                converted = issue.kept
            if converted is not None:
                return converted
        return None

    def _limited(self, spec: Field, row: Mapping[str, Any]) -> Field:
        """The field with the range that other fields of the same record give it."""
        limits = None if spec.ranges_by is None else spec.ranges_by.limits(row)
        return spec if limits is None else self._with_range(spec.name, limits)

    def _converted(self, spec: Field, path: tuple[str, ...], value: object, raw: Mapping[str, Any]) -> object:
        if spec.units:
            value = in_stored_unit(spec, value, safe_get(raw, spec.place_of_unit(path)), self.units)
            spec = spec.changed(sentinels=()) if spec.sentinels else spec
        if spec.joined_with and identifier(value) and (more := identifier(safe_get(raw, spec.joined_with))):
            value = f"{identifier(value)}\n{more}"
        return convert(spec, value, self._hashes[spec.namespace])

    def _reduced(self, spec: Field, name: str, value: Any, issues: list[str]) -> Any:
        reduced, invalid = reduce_samples(spec, value)
        is_readable = spec.samples is not None and has_samples(spec.samples, value)
        issue = f"{name}: {invalid} samples out_of_range" if is_readable else f"{name}: wrong_type"
        if invalid and issue not in issues:
            issues.append(issue)
        return reduced

    def _minutes(
        self, spec: Field, raw: Mapping[str, Any], row: Mapping[str, Any], home: str, issues: list[str]
    ) -> list[int] | None:
        """The value of an intervals field, in minutes of the row's day."""
        for path in spec.paths:
            value = safe_get(raw, path)
            if value is None:
                continue
            [(minutes, issue)] = interval_minutes(spec, [value], [row], [home])
            if issue is not None and (text := f"{path_text(path)}: {issue}") not in issues:
                issues.append(text)
            if minutes is not None:
                return minutes
        return None

    def _require_key(self, row: Mapping[str, Any]) -> None:
        contract = self.contract
        missing = [name for name in required_keys(contract) if row[name] is None]
        if missing and contract.key_without:
            optional = (*OPTIONAL_IN_KEYS, "document_id")
            required = [name for name in contract.key_without if contract.by_name[name].type not in optional]
            missing = [name for name in required if row[name] is None]
        for name in missing:
            path = path_text(contract.by_name[name].paths[0])
            if name == contract.day.date:
                raise RejectedError(Reason.MISSING_DAY, f"{path} is the record's key and day, and is not usable")
            raise RejectedError(Reason.MISSING_KEY, f"{path} is missing or not usable")

    def _count_unknown(self, raw: Mapping[str, Any], user_id: str) -> None:
        known = self._known
        for key, value in raw.items():
            below = known.get(key)
            if below is None:
                self.count_unknown("", key, [user_id])
            elif below and isinstance(value, dict):
                for inner in value.keys() - below:
                    self.count_unknown(f"{key}.", inner, [user_id])

    def count_unknown(self, prefix: str, name: str, user_ids: Collection[str]) -> None:
        """Count a field that the contract does not name, in a record of each user; a name that may be data itself is `(other)`."""
        shown = prefix + (name if PLAIN_NAME.fullmatch(name) else OTHER_NAMES)
        shown = shown if shown in self.unknown or len(self.unknown) < MAX_UNKNOWN_NAMES else OTHER_NAMES
        self.unknown[shown] += len(user_ids)
        if len(self.senders[shown]) < MIN_USERS_OF_NAME:
            self.senders[shown].update(user_ids)


def required_keys(contract: SourceContract) -> list[str]:
    """Key fields that a record must have; an absent code, flag or field that may be absent is a value of its own."""
    fields = [contract.by_name[name] for name in contract.key]
    return [field.name for field in fields if field.type not in OPTIONAL_IN_KEYS and not field.may_be_absent]


def known_names(contract: SourceContract) -> dict[str, frozenset[str]]:
    """Top-level names of a contract, each with its names one level below; an empty set means any name there.

    Names that are never stored are known on both levels.
    """
    names: dict[str, set[str]] = {RECEIVED_AT: set(), contract.person[0]: set()}
    names.update((name, set()) for name in contract.drop)
    places = [path for spec in contract.fields for path in (*spec.paths, *spec.units)]
    for path in (*places, *([contract.only.path] if contract.only else [])):
        names.setdefault(path[0], set()).update(path[1:2])
    return {name: frozenset(below.union(contract.drop) if below else below) for name, below in names.items()}


def _instant(received: object, arrival_day: int, issues: list[str]) -> int | None:
    if received is None:
        return None
    instant = parse_instant(received) if isinstance(received, str) else None
    if instant is None or instant // MICROSECONDS // DAY_SECONDS > arrival_day + 1:
        issues.append(f"{RECEIVED_AT}: invalid_time")  # not a time, or after the arrival date of its folder
        return None
    return instant


def _note_broken_path(raw: Mapping[str, Any], path: tuple[str, ...], issues: list[str]) -> None:
    if len(path) == 1:
        return
    head, kind = raw.get(path[0]), list if is_selector(path[1]) else dict
    issue = f"{path[0]}: wrong_type"
    if head is not None and not isinstance(head, kind) and issue not in issues:
        issues.append(issue)
