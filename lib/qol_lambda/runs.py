"""Manifests of runs in the bucket, newest first: what a run did, and what is published."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from qol_lambda.clients import client, error_code, error_summary
from qol_lambda.jobs import base_id
from qol_lambda.schedule import local_time
from qol_lambda.settings import setting

RUNS = "_runs/"
GOOD = frozenset({"published", "nothing_to_do"})
#: Triggers of runs that are about a business week; the others repair old ones.
WEEKLY = frozenset({"schedule", "manual"})
#: A search reads at most this many manifests.
MAX_MANIFESTS = 100
#: The clocks of S3 and Glue may differ, and S3's has whole seconds.
SLACK = timedelta(seconds=10)


class FailedCheck(NamedTuple):
    """A check of the gate that failed, and the sentence that says what is wrong."""

    id: str
    severity: str
    finding: str


@dataclass(frozen=True)
class RunRecord:
    """The fields of a run's manifest that notifications use."""

    run_id: str
    status: str
    trigger: str
    job_run_id: str | None
    now: str
    week: str
    weeks: tuple[str, ...]
    failed_checks: tuple[FailedCheck, ...]
    error: str | None
    undone: str | None
    written_at: datetime
    #: Raw objects that still have items of users who left; of an erasure, what its last search found.
    not_removed: int = 0
    #: Of an erasure: users asked for, ended and unknown, and what was removed by layer.
    erasures: Mapping[str, int] = field(default_factory=dict)
    removed: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether the run published or had nothing to do."""
        return self.status in GOOD

    @property
    def is_restore(self) -> bool:
        """Whether it put the files of a week back."""
        return self.trigger == "restore" and self.status == "published"

    @property
    def is_weekly(self) -> bool:
        """Whether the run was about its business week."""
        return self.trigger in WEEKLY


@dataclass(frozen=True)
class Unread:
    """A manifest that this role could not read, and a phrase about it for notifications."""

    written_at: datetime
    summary: str


class Published(NamedTuple):
    """What readers see: the newest good weekly run (None: not known), and later restores of weeks that stayed restored."""

    last: RunRecord | None
    restores: tuple[RunRecord, ...] = ()

    def summary(self) -> str:
        """A sentence about the weeks that readers see, for notifications."""
        if self.last is None:
            return "Readers see nothing yet: no good run is known."
        when = local_time(datetime.fromisoformat(self.last.now))
        restored = "".join(
            f" {one.week} was put back by run {one.run_id} to what it was before run {one.undone}."
            for one in self.restores
        )
        return f"Readers see the tables up to {self.last.week}, published {when} by run {self.last.run_id}.{restored}"


class Runs(NamedTuple):
    """The manifest of a job run (None: not found), what is published, and the manifests that could not be read."""

    own: RunRecord | None
    published: Published
    unread: list[Unread]


def newest_runs() -> Iterator[RunRecord | Unread]:
    """Runs in the order their manifests were written, newest first; a file that is no manifest is passed over."""
    bucket, prefix = setting("QOL_BUCKET"), setting("QOL_PREFIX", "")
    pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}{RUNS}")
    stored = [(o["LastModified"], o["Key"]) for page in pages for o in page.get("Contents", [])]
    for written_at, key in sorted(stored, reverse=True):
        if key.endswith(".json") and (found := _read(bucket, key, written_at)):
            yield found


def find_runs(run_id: str, since: datetime | None) -> Runs:
    """The manifest of a job run, written after `since`, and the last good weekly one.

    All attempts of a job run count as one; `since` keeps an earlier attempt's manifest from standing for this one's.
    """
    earliest = since - SLACK if since else datetime.min.replace(tzinfo=UTC)
    own: RunRecord | None = None
    seen: list[RunRecord] = []
    unread: list[Unread] = []
    for record in islice(newest_runs(), MAX_MANIFESTS):
        may_be_mine = own is None and record.written_at >= earliest
        if isinstance(record, Unread):
            unread += [record] if may_be_mine else []
            continue
        seen.append(record)
        if may_be_mine and record.job_run_id and base_id(record.job_run_id) == base_id(run_id):
            own = record
        if (own or not may_be_mine) and _published(seen).last:
            break
    return Runs(own, _published(seen), [] if own else unread)


def runs_of_week(week: str, since: datetime) -> tuple[list[RunRecord], list[Unread]]:
    """Scheduled and manual runs about a week whose manifests were written after `since`, newest first; and the unread."""
    found: list[RunRecord] = []
    unread: list[Unread] = []
    for record in newest_runs():
        if record.written_at < since:
            break
        if isinstance(record, Unread):
            unread.append(record)
        elif record.week == week and record.is_weekly:
            found.append(record)
            if record.is_good:
                break
    return found, unread


def last_published() -> Published:
    """What the newest runs have published, of those that can be read."""
    return _published(r for r in islice(newest_runs(), MAX_MANIFESTS) if isinstance(r, RunRecord))


def _published(newest_first: Iterable[RunRecord]) -> Published:
    restores: list[RunRecord] = []
    replaced: set[str] = set()
    for record in newest_first:
        if record.is_good and record.is_weekly:
            return Published(record, tuple(restores))
        if record.is_restore and record.week not in replaced:
            restores.append(record)
        replaced.update(record.weeks if record.is_good else ())
    return Published(None)


def _read(bucket: str, key: str, written_at: datetime) -> RunRecord | Unread | None:
    try:
        body = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as err:
        # This role lacks a right or a key; anything else may be over at the next try.
        if error_code(err) == "AccessDenied" or error_code(err).startswith("KMS."):
            return Unread(written_at, f"a manifest could not be read ({error_summary(err)})")
        raise
    return _parsed(body, written_at)


def _parsed(body: bytes, written_at: datetime) -> RunRecord | None:
    try:
        found: dict[str, Any] = json.loads(body)
        failed = [check for check in found["checks"] if not check["success"]]
        return RunRecord(
            **{name: found[name] for name in ("run_id", "status", "trigger", "job_run_id", "now", "week", "error")},
            undone=found.get("undone"),
            weeks=tuple(found["weeks"]),
            failed_checks=tuple(FailedCheck(check["id"], check["severity"], _finding(check)) for check in failed),
            written_at=written_at,
            not_removed=found.get("not_removed", 0),
            erasures=found.get("erasures", {}),
            removed=found.get("removed", {}),
        )
    except (ValueError, TypeError, KeyError):
        return None


def _finding(check: dict[str, Any]) -> str:
    """What is wrong; a manifest of an earlier version has the claim and what was observed."""
    return check.get("finding") or f"{check['message']} Observed: {check['observed']}."
