"""What contracts say of a week that is not as the weeks before: how far is too far, and how bad that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from qol.contracts.wording import choices
from qol.errors import Problem

QUALITY = "quality.yaml"
Severity = Literal["critical", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")
#: What is compared between weeks; the names stand in schemas/quality.yaml and in a contract's `quality.severity`.
Compared = Literal["people", "rows_per_person", "fields", "fresh"]
COMPARED: tuple[Compared, ...] = ("people", "rows_per_person", "fields", "fresh")


@dataclass(frozen=True)
class Quality:
    """schemas/quality.yaml: how a week of any table is compared with the four before it."""

    #: The largest share of the people that may be missing.
    people_lost_share: float = 1.0
    #: So many times as many rows per person, or as few, is too far.
    rows_times: float = float("inf")
    #: Only fields are compared that so large a share of the earlier rows had.
    known_share: float = 1.0
    #: From this share of the values to be expected on, a field has gone.
    lost_share: float = 1.0
    severity: Mapping[Compared, Severity] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordQuality:
    """A source contract's `quality`: what differs from schemas/quality.yaml, and how late its data may be."""

    severity: Mapping[Compared, Severity] = field(default_factory=dict)
    fields: Mapping[str, Severity] = field(default_factory=dict)
    fresh_within_days: int | None = None


@dataclass(frozen=True)
class Claim:
    """A claim about every metric of a table, such as that its mean lies between its min and its max."""

    severity: Severity
    description: str


def quality(data: Mapping[str, Any]) -> Quality:
    """What holds for every table, of the file's data."""
    return Quality(
        people_lost_share=data["people"]["lost_share"],
        rows_times=data["rows_per_person"]["times"],
        known_share=data["fields"]["known_share"],
        lost_share=data["fields"]["lost_share"],
        severity={
            "people": data["people"]["severity"],
            "rows_per_person": data["rows_per_person"]["severity"],
            "fields": data["fields"]["severity"],
            "fresh": data["fresh"]["severity"],
        },
    )


def record_quality(data: Mapping[str, Any]) -> RecordQuality:
    """What holds for one record type, of its contract's `quality`."""
    return RecordQuality(dict(data.get("severity", {})), dict(data.get("fields", {})), data.get("fresh_within_days"))


def claim(data: Mapping[str, Any] | None, name: str) -> Claim | None:
    """A claim about all metrics, of its file's data; None where the file makes none."""
    said = data.get(name) if data else None
    return Claim(said["severity"], said["description"]) if said else None


def record_quality_problems(file: str, said: RecordQuality, fields: Sequence[str]) -> Iterator[Problem]:
    """Severities of fields that the contract does not have."""
    for name in said.fields:
        if name not in fields:
            yield Problem(file, f"quality.fields.{name}", name, f"a field of the contract: {choices(fields, name)}")
