"""What is recorded of a run of `qol collect`: one JSON file, checked against its schema; a row of the table collect_runs."""

import secrets
import time
from datetime import UTC, datetime
from typing import Literal

import msgspec

from qol.contracts.checked_json import checked_line
from qol.lake.base import Lake

COLLECTS = "_collects/"
SCHEMA = "collect_manifest.schema.json"
Status = Literal["complete", "partial", "failed"]


class RecordCounts(msgspec.Struct):
    """What was collected of a record type. `stale`: the vendor gave none this time, and what there is is of `as_of`."""

    record: str
    users: int = 0
    failed: int = 0
    pages: int = 0
    documents: int = 0
    bytes: int = 0
    requests: int = 0
    repeated: int = 0
    raw_objects: int = 0
    as_of: str | None = None
    stale: bool = False


class AskedDays(msgspec.Struct, rename={"first": "from", "last": "to"}):
    """First and last day that `--from` and `--to` named; null where each person's last collected day decides."""

    first: str | None
    last: str | None


class CollectManifest(msgspec.Struct):
    """All that is recorded of a run; `docs/collect.md` explains every field. It names no person."""

    run_id: str
    source: str
    status: Status
    now: str
    sandbox: bool
    window: AskedDays
    users: int = 0
    failed_users: int = 0
    resting_users: int = 0
    records: list[RecordCounts] = []
    refused: dict[str, int] = {}
    seconds: float = 0.0
    error: str | None = None

    def to_line(self) -> bytes:
        """The manifest as the line that is stored, checked against its JSON Schema."""
        return checked_line(self, SCHEMA)

    @property
    def key(self) -> str:
        """Key of the manifest."""
        return f"{COLLECTS}{self.run_id}.json"


def new_run_id(now: datetime) -> str:
    """A name that is unique and sorts by time."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{time.time_ns():x}-collect-{secrets.token_hex(2)}"


def text_of(moment: datetime) -> str:
    """ISO 8601 in UTC, in seconds."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def read_collects(lake: Lake) -> list[CollectManifest]:
    """Manifests of all runs, the oldest first."""
    keys = sorted(stored.key for stored in lake.children(COLLECTS).objects if stored.key.endswith(".json"))
    return [msgspec.json.decode(lake.read(key), type=CollectManifest) for key in keys]
