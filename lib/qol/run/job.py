"""The job: what a request asks for, from its options to its outcome. The command line and Glue call nothing else."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qol.contracts.model import Contracts
from qol.errors import LakeError, QolError, RefusedError, UsageError
from qol.identity.dynamodb_user_map import SCHEME, read_user_table
from qol.identity.key_lookup import find_key
from qol.identity.user_map import UserMap, read_user_map
from qol.lake import Lake, open_lake
from qol.quality.judge_process import preload
from qol.quality.suites import every_check
from qol.run.context import RunContext, begin_manifest, ignore_stage
from qol.run.data_docs import INDEX, docs_folder
from qol.run.engine import Engine
from qol.run.local_engine import LocalEngine
from qol.run.pipeline import run_pipeline
from qol.run.request import RunRequest
from qol.run.summary import summarize
from qol.tables.manifest import Manifest, manifest_key

#: Less raw text than this is read faster in this process than worker processes start.
SMALL_BYTES = 24 * 2**20


@dataclass(frozen=True)
class RunOutcome:
    """How a job ended: an exit code, and sentences that say what was done or where to look.

    `manifest` is None when the job ended before its run began; `error` is what ended it, None when it ended well.
    """

    manifest: Manifest | None
    exit_code: int
    notes: tuple[str, ...] = ()
    error: Exception | None = None


def run_job(request: RunRequest, contracts: Contracts, on_stage: Callable[[str], None] = ignore_stage) -> RunOutcome:
    """Do what a request asks for; `on_stage` is called with the name of each stage as it begins.

    Every error becomes part of the outcome. One that is not ours may hold values of records in its text.
    """
    manifest: Manifest | None = None
    lake: Lake | None = None
    try:
        lake = open_lake(request.lake, kms_key=request.kms_key, database=request.database)
        _require_usable(request, contracts)
        key, read_map = find_key(lake, request.key_secret), _user_map_reader(request)
        manifest = begin_manifest(contracts, request)
        with docs_folder(lake, wanted=request.wants_docs) as docs:
            make_engine = partial(_make_engine, request)
            run_pipeline(RunContext(lake, contracts, request, key, read_map, make_engine, manifest, docs, on_stage))
        return RunOutcome(manifest, 0, tuple(summarize(lake, contracts, request, manifest)))
    except Exception as err:  # noqa: BLE001 (whatever it is becomes an exit code)
        notes = tuple(_where_to_look(lake, request, manifest, err)) if lake and manifest else ()
        return failed(err, manifest, notes)


def failed(err: Exception, manifest: Manifest | None = None, notes: tuple[str, ...] = ()) -> RunOutcome:
    """The outcome of a job that an error ended."""
    return RunOutcome(manifest, err.exit_code if isinstance(err, QolError) else 1, notes, err)


def _where_to_look(lake: Lake, request: RunRequest, manifest: Manifest, err: Exception) -> Iterator[str]:
    """The stage that failed, the manifest, and the results of the checks that refused a run."""
    if manifest.failed_stage:
        yield f"Stage: {manifest.failed_stage}."
    key = manifest_key(manifest.run_id)
    stored = None
    with suppress(LakeError):  # the error that ended the run matters more
        stored = lake.stat(key)
    if stored is not None:
        yield f"Run {manifest.run_id}; its manifest is at {lake.location(key)}"
    else:
        yield "No manifest was written." + (" A dry run writes none." if request.dry_run else "")
    if isinstance(err, RefusedError) and request.wants_docs:
        yield f"All results: {lake.location(INDEX)}"


def _require_usable(request: RunRequest, contracts: Contracts) -> None:
    known = [check.id for check in every_check(contracts)]
    for check in request.accept:
        if check not in known:
            raise UsageError(f"--accept {check}: no such check; allowed: {', '.join(known)}")


def _user_map_reader(request: RunRequest) -> Callable[[], UserMap]:
    """What gives the user map: a file is read now, a table once the run has listed what arrived."""
    named = request.user_map
    if named is not None and named.startswith(SCHEME):
        return partial(read_user_table, named.removeprefix(SCHEME), assigns=not request.dry_run)
    user_map = read_user_map(None if named is None else Path(named))
    return lambda: user_map


def _make_engine(request: RunRequest, scratch: Path, size: int) -> Engine:
    """The executor, once the run has listed the bytes to read."""
    if request.engine == "spark":
        return _spark_engine(request.spark_master)
    if size < SMALL_BYTES:
        return LocalEngine(scratch, 1)
    preload()
    return LocalEngine(scratch, request.workers or len(os.sched_getaffinity(0)))


def _spark_engine(master: str | None) -> Engine:
    try:
        from qol.run.spark_engine import SparkEngine, start_spark

        preload()
        return SparkEngine(start_spark(master))
    except ModuleNotFoundError as err:
        if err.name != "pyspark":
            raise
        raise UsageError(
            "--engine spark: pyspark is not installed; allowed: local; or run pip install '.[spark]' in the clone"
        ) from None
