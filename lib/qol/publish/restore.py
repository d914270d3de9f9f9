"""Restore the files of a week to the versions before a run replaced them; on S3, where versions are kept."""

import hashlib
import io
import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl
import pyarrow.parquet as pq

from qol.contracts.columns import arrow_schema, fixed
from qol.errors import LakeError, LockedError, QolError, UsageError, safe_place
from qol.identity.erasures import read_tombstones
from qol.lake.s3 import S3Lake
from qol.lake.s3_objects import StoredVersion
from qol.publish.protocol import ORDER, RECORDS_RANK
from qol.tables.corruption import read_published
from qol.tables.layout import find_published, partition_key
from qol.tables.manifest import (
    Manifest,
    TableFile,
    manifest_key,
    new_manifest,
    read_manifest,
    read_manifests,
    started_at,
)
from qol.tables.objects_read import TABLE
from qol.tables.weeks import iso_week

#: The clock of the store, or of a later run, may be behind the clock of the run by this much.
MAX_CLOCK_SKEW = timedelta(seconds=60)


@dataclass(frozen=True)
class Restoration:
    """One published file, its current version and the earlier one to restore."""

    table: str
    key: str
    current: StoredVersion
    earlier: StoredVersion


def plan_restore(lake: S3Lake, monday: date, run_id: str | None) -> tuple[Manifest, list[Restoration]]:
    """The run to undo for a week (by default the last that replaced files of it), and its files, records first.

    UsageError when no run replaced a file, when a file was replaced again since, or has no earlier version.
    """
    manifest = _run_to_undo(lake, monday, run_id)
    files = _replaced(manifest, monday)
    if not files:
        raise UsageError(f"run {manifest.run_id}: replaced no file of {iso_week(monday)}; allowed: a run that did")
    plan = [item for file in files if (item := _restoration(lake, manifest, file)) is not None]
    if not plan:
        raise UsageError(f"run {manifest.run_id}: all its files of {iso_week(monday)} are restored already")
    return manifest, plan


def restore(
    lake: S3Lake, monday: date, undone: Manifest, plan: list[Restoration], now: datetime
) -> tuple[Manifest, LakeError | None]:
    """Publish the earlier versions under the lock, each by one atomic write, and write a manifest with trigger `restore`.

    Returns the manifest with the restored files, and the error of writing it (the files are restored all the same).
    LockedError when another run holds the lock, PublishConflictError when a file was published since the plan, UsageError
    while an erasure has not ended.
    """
    manifest = new_manifest(now, "restore", iso_week(monday))
    manifest.undone = undone.run_id
    started = time.perf_counter()
    try:
        with lake.lock(manifest.run_id):
            _require_erasures_ended(lake)
            _forget_objects(lake, monday, undone)
            for item in plan:
                manifest.tables.append(_restore_file(lake, monday, item))
                manifest.weeks = [manifest.week]
        manifest.status = "published"
    except (Exception, KeyboardInterrupt) as err:
        manifest.status = "locked" if isinstance(err, LockedError) else "failed"
        manifest.error = str(err) if isinstance(err, QolError) else safe_place(err)
        _write_manifest(lake, manifest)  # the error of the restore matters more than one of its manifest
        raise
    manifest.stages["publish"] = round(time.perf_counter() - started, 3)
    return manifest, _write_manifest(lake, manifest)


def _require_erasures_ended(lake: S3Lake) -> None:
    """An erasure that has ended left no version with the person; an interrupted one may have left some, and no list of them exists."""
    if any(one.finished is None and one.lifted is None for one in read_tombstones(lake)):
        raise UsageError(
            "an erasure has begun and not ended, so earlier versions may have the person; repeat its `qol erase` first"
        )


def _write_manifest(lake: S3Lake, manifest: Manifest) -> LakeError | None:
    try:
        lake.put(manifest_key(manifest.run_id), manifest.to_line())
    except LakeError as err:
        return err
    return None


def _forget_objects(lake: S3Lake, monday: date, undone: Manifest) -> None:
    """Take objects with records of the week that the undone run or a later one read out of their table: the next reads them.

    Their records may be in no file any more. This comes first: a restore that dies leaves objects that are read twice.
    """
    first = started_at(undone.run_id) - MAX_CLOCK_SKEW
    for stored in find_published(lake, [TABLE]).files.values():
        rows = pl.DataFrame(read_published(lake, stored.key))
        is_later = pl.col("run_id").map_elements(lambda run_id: started_at(run_id) >= first, pl.Boolean)
        of_week = pl.col("partitions").list.eval(pl.element().str.ends_with(f"/{monday}")).list.any()
        kept = rows.filter(~(is_later & of_week.fill_null(value=False)))
        if kept.height < rows.height:
            sink = io.BytesIO()
            pq.write_table(kept.to_arrow().cast(arrow_schema(fixed(TABLE))), sink, compression="zstd")
            lake.publish_bytes(sink.getvalue(), stored.key, stored.etag)


def _restore_file(lake: S3Lake, monday: date, item: Restoration) -> TableFile:
    data = lake.read_version(item.key, item.earlier)
    rows = pq.ParquetFile(io.BytesIO(data)).metadata.num_rows
    lake.publish_bytes(data, item.key, item.current.etag)
    lake.register(item.table, monday.isoformat(), item.key)
    return TableFile(item.table, monday.isoformat(), rows, hashlib.sha256(data).hexdigest(), replaced=True)


def _run_to_undo(lake: S3Lake, monday: date, run_id: str | None) -> Manifest:
    if run_id is not None:
        if lake.stat(manifest_key(run_id)) is None:
            raise UsageError(f"--run {run_id}: no such run; allowed: a run of `qol runs`")
        manifest = read_manifest(lake, manifest_key(run_id))
        if manifest.trigger == "restore":
            raise UsageError(
                f"--run {run_id}: is a restore; allowed: a run that computed; `qol rebuild` computes its weeks again"
            )
        return manifest
    for manifest in read_manifests(lake):
        if manifest.trigger != "restore" and _replaced(manifest, monday):
            return manifest
    raise UsageError(f"--week {iso_week(monday)}: no run replaced a file of it; allowed: a week of `qol runs`")


def _replaced(manifest: Manifest, monday: date) -> list[TableFile]:
    """Files of the week that a run replaced, in the order they are published; a refused run replaced none."""
    if manifest.status == "refused":
        return []
    files = [f for f in manifest.tables if f.replaced and f.date == monday.isoformat() and f.name != "rejects"]
    return sorted(files, key=lambda file: (ORDER.get(file.name, RECORDS_RANK), file.name))


def _restoration(lake: S3Lake, manifest: Manifest, file: TableFile) -> Restoration | None:
    """The version to restore of a file; None when an unfinished restore has restored it already."""
    key = partition_key(file.name, file.date)
    found = lake.versions(key)
    if not found or not found[0].is_latest:
        raise LakeError(f"{key}: no such file; a plain `qol run` publishes it again")
    started = started_at(manifest.run_id) - MAX_CLOCK_SKEW
    hashes = [_sha256(lake, key, v) if v.written >= started else "" for v in found]
    # A version that a later restore wrote has the same bytes; the run's own version is the oldest of them.
    own = max((place for place, sha256 in enumerate(hashes) if sha256 == file.sha256), default=None)
    if own is None or own + 1 == len(found):
        raise UsageError(f"{key}: has no earlier version; allowed: a week that was published before, versions kept")
    earlier = found[own + 1]
    if hashes[0] == _sha256(lake, key, earlier):
        return None
    if hashes[0] != file.sha256:
        later = _run_that_wrote(lake, file, hashes[0])
        by = f" by {later}" if later else ""
        raise UsageError(f"{key}: was replaced after run {manifest.run_id}{by}; allowed: the run that replaced it last")
    return Restoration(file.name, key, found[0], earlier)


def _run_that_wrote(lake: S3Lake, file: TableFile, sha256: str) -> str | None:
    """The newest run (or restore) whose manifest has the file with these bytes; None if no manifest has it."""
    for manifest in read_manifests(lake):
        for other in manifest.tables if manifest.status != "refused" else ():
            if other.replaced and (other.name, other.date, other.sha256) == (file.name, file.date, sha256):
                return f"{manifest.trigger} run {manifest.run_id}"
    return None


def _sha256(lake: S3Lake, key: str, version: StoredVersion) -> str:
    return hashlib.sha256(lake.read_version(key, version)).hexdigest()
