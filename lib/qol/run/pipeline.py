"""The stages of a run in order: list, ingest, reduce, assemble, gate, publish; then its manifest."""

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import polars as pl

from qol.contracts.places import table_places
from qol.errors import LakeError, LockedError, QolError, RefusedError, safe_place
from qol.identity.lake_state import LakeState, read_lake_state, write_lake_state
from qol.identity.pseudonyms import bucket_limits
from qol.ingest.listing import NO_OBJECTS, RawListing, RawObject, RawObjects, ingest_tasks, list_raw, pack_task
from qol.ingest.results import IngestContext
from qol.people.raw_parts import forget_names, rewrite
from qol.publish.protocol import publish, register
from qol.quality.gate import require_passed, run_gate
from qol.quality.gate_input import GateInput, collect_gate_input
from qol.quality.partition_checks import Computed
from qol.run.arrivals import Arrivals, find_arrivals, write_objects_read
from qol.run.block_store import BlockStore, block_bytes, bucket_count, reduce_tasks
from qol.run.checked_files import CheckedFiles
from qol.run.context import STAGING, RunContext
from qol.run.counts import note_candidates, note_kept, note_listing, note_tallies
from qol.run.day_rejects import parts_of_rejects
from qol.run.engine import Engine
from qol.run.known_users import KnownUsers, read_known_users
from qol.run.plan import Changes, RunPlan, Scope, Size, emptied, find_scope, plan_run
from qol.run.steps import Assembled, AssembleStep, MapStep, MapSummary, ReduceStep, ReduceSummary, assemble_tasks
from qol.run.unread_days import find_unread_days
from qol.tables.layout import Published, find_published
from qol.tables.manifest import LEFT_COUNTS, manifest_key, with_totals
from qol.tables.raw_keys import write_raw_keys


def run_pipeline(run: RunContext) -> None:
    """One run, from the lock to the stored manifest, whose status says how it ended.

    Raises LockedError, RefusedError, QolError; the manifest is stored first. Until the last stage every published file is
    as it was; a run that dies while it publishes leaves each file whole, old or new, and the next run computes its weeks
    again.
    """
    try:
        with run.lake.lock(run.manifest.run_id, run.request.job_run_id):
            _run_locked(run)
    except LockedError as err:
        run.manifest.status, run.manifest.error = "locked", str(err)
        _store_manifest(run)
        raise


def _run_locked(run: RunContext) -> None:
    try:
        run.lake.sweep(STAGING)
        found, state, weeks = _run_stages(run)
        _store_manifest(run)
        _confirm(run, state, weeks)
        _remember_withdrawals(run, found)
        _remove_departed(run, found)
    except (Exception, KeyboardInterrupt) as err:
        run.manifest.status = "refused" if isinstance(err, RefusedError) else "failed"
        run.manifest.error = str(err) if isinstance(err, QolError) else safe_place(err)
        with suppress(LakeError):  # why the run failed matters more than that its manifest is missing too
            _store_manifest(run)
        raise
    finally:
        with suppress(LakeError):  # the next run sweeps what is left
            run.lake.sweep(run.staging)  # no more: a run that lost its lock must not take away another's


def _run_stages(run: RunContext) -> tuple["_Found", LakeState, tuple[date, ...]]:
    """The stages in order; what was found, the lake's state as this run leaves it, and the weeks it computed."""
    with run.stage("list"):
        found = _list(run)
    # Blocks are outside the lake, where only this user may open them, unless workers share nothing but the lake.
    with (
        TemporaryDirectory(prefix="qol-") as scratch,
        closing(run.make_engine(Path(scratch), sum(found.size))) as engine,
        ThreadPoolExecutor(1) as beside,  # a run that ends early waits for it: it must not read once the lock is gone
    ):
        outdated = beside.submit(found.files.outdated_weeks)
        with run.stage("ingest"):
            ingested = _ingest(run, found, engine)
        with run.stage("reduce"):
            plan = _plan(run, found, ingested, outdated.result())
            reduced = _reduce(run, found, plan, ingested, engine)
        with run.stage("assemble"):
            fresh = _assemble(run, found, plan, ingested, reduced, engine)
    state = found.users.state
    if fresh:
        with run.stage("gate"):
            _gate(run, found, fresh, reduced)
    else:
        _gate_without_files(run, found)
    if (fresh or found.arrivals.days) and not run.request.dry_run:
        with run.stage("publish"):
            state = _publish(run, found, fresh, plan) if fresh else state
            partitions = [summary.partitions for summary in ingested.summaries]
            write_objects_read(run, found.published, found.arrivals, partitions)
    run.manifest.status = "published" if fresh else "nothing_to_do"
    return found, state, plan.weeks


@dataclass(frozen=True)
class _Found:
    published: Published
    scope: Scope
    arrivals: Arrivals
    users: KnownUsers
    files: CheckedFiles
    size: Size


@dataclass(frozen=True)
class _Ingested:
    """Where rows lie by bucket, and what the driver learned from reading them."""

    blocks: BlockStore
    summaries: list[MapSummary]
    bucket_limits: tuple[str, ...]
    #: object_index, range_start and lines_before of each range of an object that was split.
    line_offsets: pl.DataFrame


def _list(run: RunContext) -> _Found:
    published = find_published(run.lake, [t for t, place in table_places(run.contracts).items() if place.partition])
    scope = find_scope(run.lake, run.request, published)
    listing = RawListing(NO_OBJECTS, ()) if scope.window is None else list_raw(run.lake, run.contracts, scope.window)
    users = read_known_users(run, published)
    arrivals = find_arrivals(run, published, listing, users)
    note_listing(run.manifest, scope, listing.skipped, arrivals, users.identities)
    _note_backdated(run, scope, users)
    if run.request.command == "run":
        run.manifest.unread_days = find_unread_days(run.lake, listing.earlier)
    if not run.request.dry_run:
        write_raw_keys(run.lake, users.identities, arrivals.listed, listing.skipped)
    files = CheckedFiles(run.lake, run.contracts, published, users.state.checked_files)
    return _Found(published, scope, arrivals, users, files, scope.estimated_bytes(published, arrivals.objects))


def _note_backdated(run: RunContext, scope: Scope, users: KnownUsers) -> None:
    """A withdrawal that is new in the map and began before the window: this run does not read all that it affects."""
    since, first = users.withdrawn_from, scope.window.first if scope.window else None
    if since is not None and first is not None and since < first:
        run.manifest.reread_from = since.isoformat()


def _ingest(run: RunContext, found: _Found, engine: Engine) -> _Ingested:
    mapped_ids = [user_id for _, _, user_id, _ in found.users.user_map.entries]
    limits = bucket_limits(bucket_count(sum(found.size)), mapped_ids)
    context = IngestContext(run.contracts, found.users.identities, run.request.zone, limits, run.request.old)
    blocks = BlockStore(engine.scratch or run.lake, f"{run.staging}blocks/")
    tasks = [pack_task(parts) for parts in ingest_tasks(found.arrivals.objects)]
    summaries = engine.map(tasks, MapStep(run.lake, context, run.staging, blocks))
    offsets = note_tallies(run.manifest, found.arrivals, summaries)
    return _Ingested(blocks, summaries, limits, offsets)


def _plan(run: RunContext, found: _Found, ingested: _Ingested, outdated: set[date]) -> RunPlan:
    read = {week for summary in ingested.summaries for week in summary.weeks}
    unconfirmed = [date.fromisoformat(week) for week in found.users.state.unconfirmed_weeks]
    borders = {border for summary in ingested.summaries for border in summary.borders}
    deletions = [summary.deletions for summary in ingested.summaries]
    raw_bytes = int(found.arrivals.listed["bytes"].sum())
    return plan_run(
        run, found.scope, found.published, Changes(read, outdated, unconfirmed, borders, deletions, raw_bytes)
    )


def _reduce(run: RunContext, found: _Found, plan: RunPlan, ingested: _Ingested, engine: Engine) -> list[ReduceSummary]:
    """New and published rows of the plan's weeks, merged; the manifest's counts add up before any check."""
    identities = found.users.identities
    step = ReduceStep(
        run.lake, run.contracts, run.staging, ingested.blocks, tuple(summary.blocks for summary in ingested.summaries),
        ingested.bucket_limits, found.arrivals.objects.columns["raw_object"], ingested.line_offsets, plan,
        frozenset(found.published.files), identities.is_erased_user if identities.erased else None,
    )  # fmt: skip
    blocks, (raw, published) = block_bytes(step.block_files, len(step.bucket_limits) + 1), found.size
    tasks = reduce_tasks(blocks, bucket_count(raw + published), mostly_new=raw >= published)
    reduced = engine.map(tasks, step) if plan.merged else []
    note_kept(found.arrivals, reduced)
    with_totals(run.manifest, found.arrivals.counts, found.arrivals.name_of)
    return reduced


def _assemble(
    run: RunContext, found: _Found, plan: RunPlan, ingested: _Ingested, reduced: list[ReduceSummary], engine: Engine
) -> list[Assembled]:
    """One staged file of every partition the run touches; those whose bytes differ from the published ones are returned."""
    parts = [part for summary in reduced for part in summary.parts]
    rejects = [part for summary in ingested.summaries for part in summary.rejects]
    parts += parts_of_rejects(run, found.published, found.arrivals, rejects)
    parts += emptied(plan, found.published, found.arrivals.days, parts)
    step = AssembleStep(run.lake, run.contracts, run.staging, ingested.line_offsets, found.published)
    assembled = engine.map(assemble_tasks(parts), step)
    fresh = [one for one in assembled if one.rows is not None]
    candidates, new = ([one.candidate for one in some] for some in (assembled, fresh))
    note_candidates(run.manifest, candidates, new)
    if not run.request.dry_run:
        register(run.lake, [candidate for candidate in candidates if candidate not in new])
    return fresh


def _of_weeks(assembled: list[Assembled]) -> list[Assembled]:
    return [one for one in assembled if one.candidate.table != "rejects"]


def _gate(run: RunContext, found: _Found, fresh: list[Assembled], reduced: list[ReduceSummary]) -> None:
    """RefusedError when a critical check fails that the request does not accept."""
    expected: Counter[tuple[str, str]] = Counter()
    for part in (part for summary in reduced for part in summary.parts):
        expected[part.table, part.date] += part.rows
    given = _gate_input(run, found, _of_weeks(fresh), expected)
    run.manifest.checks = run_gate(run.contracts, given, run.docs)
    require_passed(run.manifest.checks, frozenset(run.request.accept), run.manifest.trigger)


def _gate_without_files(run: RunContext, found: _Found) -> None:
    """Record types that no longer arrive are reported also by a run that has nothing to publish."""
    given = _gate_input(run, found, [], {})
    if any(comparison.found for comparison in given.comparisons):
        with run.stage("gate"):
            run.manifest.checks = run_gate(run.contracts, given, run.docs)


def _gate_input(
    run: RunContext, found: _Found, fresh: list[Assembled], expected: Mapping[tuple[str, str], int]
) -> GateInput:
    """What the gate is given; rejected items are a share of all items of the arrival days, not of the few read now."""
    computed = Computed(expected, found.users.identities.is_erased_user)
    candidates, rows = [one.candidate for one in fresh], [one.rows for one in fresh if one.rows is not None]
    given = collect_gate_input(found.files.footers, run.contracts, run.manifest, found.published, candidates, computed)
    rejected, items = map(found.arrivals.passed_over_count, ("rejected", "lines"))
    return replace(given, rejected=given.rejected + rejected, items=given.items + items, rows=rows)


def _publish(run: RunContext, found: _Found, fresh: list[Assembled], plan: RunPlan) -> LakeState:
    """Put the files in place; the lake remembers their weeks before, so that the next run repairs a run that dies here.

    It remembers those that wait as well, in the order in which they began to.
    """
    state = found.users.state
    weeks = {one.candidate.date for one in _of_weeks(fresh)} | {str(week) for week in plan.waiting}
    unconfirmed = dict.fromkeys([*state.unconfirmed_weeks, *sorted(weeks, reverse=True)])
    state = msgspec.structs.replace(state, unconfirmed_weeks=list(unconfirmed), checked_files=found.files.digests())
    write_lake_state(run.lake, state)
    publish(run.lake, [one.candidate for one in fresh], found.published)
    return state


def _store_manifest(run: RunContext) -> None:
    if not run.request.dry_run:
        run.lake.put(manifest_key(run.manifest.run_id), run.manifest.to_line())


def _confirm(run: RunContext, state: LakeState, computed: tuple[date, ...]) -> None:
    """The manifest is stored: weeks this run computed are confirmed; those that a rebuild left out stay unconfirmed."""
    left = [week for week in state.unconfirmed_weeks if date.fromisoformat(week) not in computed]
    if left != state.unconfirmed_weeks and not run.request.dry_run:
        write_lake_state(run.lake, msgspec.structs.replace(state, unconfirmed_weeks=left))


def _remember_withdrawals(run: RunContext, found: _Found) -> None:
    """So that a later run tells no withdrawal twice, also where this one published nothing."""
    if found.users.withdrawn_from is not None and not run.request.dry_run:
        state = read_lake_state(run.lake)
        write_lake_state(run.lake, msgspec.structs.replace(state, withdrawals=found.users.state.withdrawals))


def _remove_departed(run: RunContext, found: _Found) -> None:
    """Write raw objects again without the items of users who left.

    Where that fails, the manifest says so, and the next run reads and counts them again.
    """
    if run.request.dry_run:
        return
    context = IngestContext(run.contracts, found.users.identities, run.request.zone, ())
    has_left = sum(found.arrivals.counts[name] for name in LEFT_COUNTS) > 0
    removed: list[RawObject] = []
    for raw in RawObjects(found.arrivals.objects.columns.filter(has_left)):
        try:
            if rewrite(run.lake, context, raw, LEFT_COUNTS).is_empty:
                removed.append(raw)
        except LakeError:
            run.manifest.not_removed += 1
    try:
        forget_names(run.lake, removed)
    except LakeError:
        run.manifest.not_removed += len(removed)
    if run.manifest.not_removed:
        _store_manifest(run)
