"""The run manifest: one line of JSON per run that says what it read, kept and published."""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from qol.contracts.checked_json import checked_line
from qol.errors import ConservationError
from qol.lake.base import Lake

T = TypeVar("T")

RUNS = "_runs/"
SCHEMA = "manifest.schema.json"
#: Objects that an error names.
MAX_NAMED = 3
Status = Literal["published", "nothing_to_do", "refused", "failed", "locked"]
Trigger = Literal["schedule", "manual", "backfill", "rebuild", "restore", "erase"]


#: Items of users who left, which are counted and not kept.
LEFT_COUNTS: tuple[Literal["withdrawn"], Literal["erased"]] = ("withdrawn", "erased")
#: What becomes of an item: it counts as exactly one of these.
OUTCOMES = ("blank", "control", "rejected", "kept", "superseded", *LEFT_COUNTS)
#: What a run counts of each raw object, in items but for the first, which counts lines.
RUN_COUNTS = ("physical_lines", "lines", *OUTCOMES)
#: RUN_COUNTS with an array each, of all objects that a run read.
Counts = Mapping[str, NDArray[np.int64]]


class RawObjects(msgspec.Struct):
    """How many raw objects a run read, their bytes, and how many it passed over, as earlier runs read them.

    `table` has a row for each of them.
    """

    table: str
    read: int
    bytes: int
    passed_over: int


class Window(msgspec.Struct, rename={"first": "from", "last": "to"}):
    """First and last arrival day that were read, both included; null when the run reads no raw objects."""

    first: str | None
    last: str | None


class TableFile(msgspec.Struct):
    """One partition file the run computed; `replaced` when its bytes were new."""

    name: str
    date: str
    rows: int
    sha256: str
    replaced: bool


class CheckResult(msgspec.Struct):
    """Result of one check of the gate; one without data to check is not `checked`, and `observed` says why.

    `message` is the claim; `finding` says what is wrong and is empty where the claim holds.
    """

    id: str
    severity: str
    success: bool
    observed: str
    message: str
    checked: bool = True
    finding: str = ""

    @property
    def what_is_wrong(self) -> str:
        """The sentence about a failed check; manifests of earlier versions have the claim and what was observed."""
        return self.finding or f"{self.message} Observed: {self.observed}."


class SkippedObject(msgspec.Struct):
    """One object below `raw/` that was not read; `key` ends with a hash instead of a name."""

    key: str
    bytes: int
    reason: str


class UnreadDays(msgspec.Struct, rename={"first": "from", "last": "to"}):
    """A span of arrival days before the window of which no run has read any; `objects` is None where they are many."""

    first: str
    last: str
    days: int
    objects: int | None


class Manifest(msgspec.Struct):
    """All that is recorded of a run; `docs/manifest.md` explains every field."""

    run_id: str
    status: Status
    trigger: Trigger
    job_run_id: str | None
    now: str
    week: str
    window: Window
    engine: str
    contracts: str
    weeks: list[str] = []
    raw_objects: RawObjects | None = None
    totals: dict[str, int] = {}
    skipped: list[SkippedObject] = []
    unread_days: list[UnreadDays] = []
    rejects_by_reason: dict[str, int] = {}
    field_issues: dict[str, Any] = {}
    tables: list[TableFile] = []
    checks: list[CheckResult] = []
    accepted: list[str] = []
    stages: dict[str, float] = {}
    lateness: dict[str, int] | None = None
    unstamped: int = 0
    not_removed: int = 0
    reread_from: str | None = None
    erasures: dict[str, int] = {}
    removed: dict[str, int] = {}
    user_map: dict[str, Any] | None = None
    key_check: str | None = None
    undone: str | None = None
    failed_stage: str | None = None
    error: str | None = None

    def to_line(self) -> bytes:
        """The manifest as the line that is stored, checked against its JSON Schema."""
        return checked_line(self, SCHEMA)


def started_at(run_id: str) -> datetime:
    """When the run began, by the real clock."""
    return datetime.fromtimestamp(int(run_id.split("-")[1], 16) / 1e9, UTC)


def manifest_key(run_id: str) -> str:
    """Key of a run's manifest."""
    return f"{RUNS}{run_id}.json"


def new_manifest(now: datetime, trigger: Trigger, week: str) -> Manifest:
    """The manifest of a run for an ISO week that begins at `now`; its status is failed until the run ends."""
    return Manifest(
        # Unique; sorts by the run's clock, then by the real one.
        run_id=f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{time.time_ns():x}-{trigger}-{secrets.token_hex(2)}",
        status="failed",
        trigger=trigger,
        job_run_id=None,
        now=now.isoformat().replace("+00:00", "Z"),
        week=week,
        window=Window(None, None),
        engine="local",
        contracts="",
    )


def manifest_keys(lake: Lake) -> list[str]:
    """Keys of manifests, the latest `now` first."""
    return sorted((o.key for o in lake.children(RUNS).objects if o.key.endswith(".json")), reverse=True)


def read_manifest(lake: Lake, key: str) -> Manifest:
    """One manifest."""
    return msgspec.json.decode(lake.read(key), type=Manifest)


def read_manifests(lake: Lake) -> Iterator[Manifest]:
    """Manifests, the latest `now` first, read one by one; a file that is not a manifest is skipped."""
    return _read_each(lake, Manifest)


class ManifestHead(msgspec.Struct):
    """The fields of a manifest that later runs need; the others are not decoded."""

    run_id: str
    status: Status
    trigger: Trigger
    now: str


def read_heads(lake: Lake) -> Iterator[ManifestHead]:
    """Heads of manifests, the latest `now` first, read one by one; a file that is not a manifest is skipped."""
    return _read_each(lake, ManifestHead)


def _read_each(lake: Lake, struct: type[T]) -> Iterator[T]:
    for key in manifest_keys(lake):
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):
            yield msgspec.json.decode(lake.read(key), type=struct)


def add_up(manifest: Manifest, counts: Counts) -> None:
    """Fill in `totals`: sums over the objects that the run read; of users who left only where there are any."""
    sums = {name: int(counts[name].sum()) for name in RUN_COUNTS}
    manifest.totals = {name: total for name, total in sums.items() if total or name not in LEFT_COUNTS}


def with_totals(manifest: Manifest, counts: Counts, name_of: Callable[[int], str]) -> Manifest:
    """The manifest with `totals` as sums over the objects that the run read; `name_of` gives the place of one.

    ConservationError when for any object lines are not blank + control + rejected + kept + superseded + withdrawn +
    erased, or the rejects by reason are not the rejected items (invariant I1).
    """
    is_broken = pl.sum_horizontal(OUTCOMES) != pl.col("lines")
    rows = (
        pl.DataFrame(counts).with_row_index("index").filter(is_broken | (pl.min_horizontal("kept", "superseded") < 0))
    )
    broken = [
        f"{name_of(row['index'])}: {row['lines']} lines, {' + '.join(f'{row[name]} {name}' for name in OUTCOMES)}"
        for row in rows.head(MAX_NAMED).iter_rows(named=True)
    ]
    number = rows.height
    add_up(manifest, counts)
    if sum(manifest.rejects_by_reason.values()) != manifest.totals["rejected"]:
        broken.append(f"rejects by reason {manifest.rejects_by_reason}, rejected {manifest.totals['rejected']}")
        number += 1
    if broken:
        raise ConservationError(f"counts do not add up for {number} object(s): {'; '.join(broken[:MAX_NAMED])}")
    return manifest
