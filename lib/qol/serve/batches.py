"""A participant's batch as one raw object: written once, named by its content, below the person's own prefix."""

import hashlib
import zlib
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

import msgspec
import polars as pl

from qol.ingest.line_reader import GZIP_WBITS
from qol.ingest.listing import RAW
from qol.ingest.results import IngestResult
from qol.lake import Lake
from qol.serve.json_bodies import decoded
from qol.serve.kept_frames import partition_days
from qol.serve.overlay import ingest_object
from qol.serve.participants import SOURCE, Participant
from qol.serve.problem_details import ProblemError, invalid
from qol.serve.service import Service
from qol.webhooks.bodies import stamp

FOLDER = f"{RAW}{SOURCE}/measurements/"
RECORD = f"{SOURCE}_measurements"
MEASUREMENTS = "measurements"
#: Of a record that is stored and counts for no day.
NO_TIME = "no_time"
#: A batch that was sent a little before midnight may come again a little after it.
REPEAT_DAYS = 2


class Receipt(NamedTuple):
    """What became of a batch, and whether it was new."""

    body: dict[str, Any]
    is_new: bool


def person_folder(day: date, user_id: str) -> str:
    """Where the batches of a person that arrived on a day lie."""
    return f"{FOLDER}date={day}/{user_id}/"


def unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    """A body without its compression; 413 when it unpacks to more than `limit` bytes, 400 when it does not unpack."""
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise ProblemError(415, "The body's encoding is not allowed; allowed: gzip.")
    unpacker = zlib.decompressobj(GZIP_WBITS)
    try:
        plain = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise ProblemError(400, "The body is not gzip.") from None
    if len(plain) > limit:
        raise ProblemError(413, "The body is too large once it is unpacked.")
    if not unpacker.eof or unpacker.unused_data:
        raise ProblemError(400, "The body is not one whole gzip stream.")
    return plain


def receive(service: Service, person: Participant, body: bytes) -> Receipt:
    """Store a batch unless it is stored already; the receipt says what the job's ingest keeps and rejects of it."""
    batch = _parsed(body)
    now = service.now
    batch_id = hashlib.sha256(person.user_id.encode() + b"\0" + body).hexdigest()
    foreign = _own(batch, person)
    key = _existing(service.lake, person.user_id, batch_id, now.date())
    is_new = key is None
    if key is None:
        person = service.participants.with_entry(person)
        key = f"{person_folder(now.date(), person.user_id)}{batch_id}.jsonl"
        line = msgspec.json.encode(batch | {"_received_at": stamp(now)}) + b"\n"
        is_new = service.lake.put_if_absent(key, line)
    data = service.lake.read(key)
    return Receipt({"batch_id": batch_id, **_outcome(service, key, data), "foreign_id": foreign}, is_new)


def _parsed(body: bytes) -> dict[str, Any]:
    batch = decoded(body)
    if not isinstance(batch, dict):
        raise invalid("", "must be an object with `measurements`")
    if not isinstance(batch.get(MEASUREMENTS), list):
        raise invalid(f"/{MEASUREMENTS}", "is required, and a list of samples")
    if not isinstance(batch.get("workouts", []), list):
        raise invalid("/workouts", "must be a list of workouts")
    if not isinstance(batch.get("device_tz", ""), str):
        raise invalid("/device_tz", "must be the name of a time zone")
    return batch


def _own(batch: dict[str, Any], person: Participant) -> int:
    """Make the token's person that of the batch and of every item; how many others were named."""
    foreign = int(batch.get("user_id", person.vendor_id) not in (person.vendor_id, person.user_id))
    for items in batch.values():
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict) and "user_id" in item:
                foreign += int(item.pop("user_id") not in (person.vendor_id, person.user_id))
    batch["user_id"] = person.vendor_id
    return foreign


def _existing(lake: Lake, user_id: str, batch_id: str, today: date) -> str | None:
    """The key of a batch that was stored in the last days, or None."""
    days = [today - timedelta(days=back) for back in range(REPEAT_DAYS)]
    keys = [f"{person_folder(day, user_id)}{batch_id}.jsonl" for day in days]
    return next((key for key in keys if lake.stat(key) is not None), None)


def _outcome(service: Service, key: str, data: bytes) -> dict[str, Any]:
    """What the job will make of a stored batch: its own ingest reads the items, one a line, so that a line is an item."""
    head = msgspec.json.decode(data)
    lists = {name: head.pop(name) for name, value in [*head.items()] if isinstance(value, list)}
    places = [(name, number) for name, items in lists.items() for number in range(len(items))]
    lines = b"".join(msgspec.json.encode(head | {name: [lists[name][number]]}) + b"\n" for name, number in places)
    day = key.removeprefix(FOLDER)[len("date=") :].partition("/")[0]
    result = ingest_object(service, key, RECORD, day, lines)
    refused = {line: (reason, detail) for line, reason, detail in _refused(service, result)}
    rejected = [
        {"item": number, "pointer": f"/{name}/{number}", "reason": refused[line][0], "detail": refused[line][1]}
        for line, (name, number) in enumerate(places, 1)
        if line in refused
    ]
    control = sum(tally.control for tally in result.tallies)
    kept = sum(tally.records for tally in result.tallies) - sum(reason == NO_TIME for reason, _ in refused.values())
    return {"items": len(places), "kept": kept, "rejected": rejected, "control": control}


def _refused(service: Service, result: IngestResult) -> Iterator[tuple[int, str, str]]:
    """Line, reason and detail of items that count for no day: rejects of the job, and records without a usable time."""
    yield from result.rejects.select("line_number", "reason", "message").iter_rows()
    for name, rows in result.rows.items():
        if service.contracts.by_name[name].source_timestamp is not None:
            for line in rows.filter(pl.col("source_timestamp").is_null())["line_number"]:
                yield line, NO_TIME, "its time is missing or not usable, so it counts for no day"


def received_days(service: Service, first: date) -> list[date]:
    """Arrival days from `first` on that have batches."""
    return sorted(day for day in partition_days(service.lake.children(FOLDER)) if day >= first)
