"""A run on one screen: list, ingest, reduce, assemble, gate, publish, manifest."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import polars as pl

from qol.contracts.columns import table_names
from qol.contracts.model import Contracts
from qol.errors import LakeError, LockedError, QolError, RefusedError, safe_place
from qol.identity.memory import LakeMemory, read_memory, require_same_people, write_memory
from qol.identity.pseudonyms import Identities, bucket_limits
from qol.identity.user_map import (
    UserMap,
    require_append_only,
    require_days_where_they_count,
    require_known_sources,
)
from qol.ingest.collect import IngestContext
from qol.ingest.listing import RawListing, Window, ingest_tasks, list_raw
from qol.lake.base import Lake
from qol.publish.protocol import changed, publish, register
from qol.quality.gate import run_gate
from qol.quality.gate_input import GateInput, collect_gate_input
from qol.quality.refusal import require_passed
from qol.run.counts import note_kept, note_listing, note_tallies
from qol.run.deleted_weeks import elsewhere, weeks_of_deleted
from qol.run.engine import Engine
from qol.run.plan import (
    Scope,
    affected_weeks,
    bucket_count,
    closed_weeks,
    emptied_days,
    emptied_rejects,
    emptied_windows,
    find_scope,
    outdated_weeks,
)
from qol.run.steps import AssembleStep, MapStep, MapSummary, ReduceStep, ReduceSummary, assemble_tasks
from qol.tables.corruption import read_published
from qol.tables.layout import Candidate, Published, find_published
from qol.tables.manifest import (
    Manifest,
    TableFile,
    Trigger,
    manifest_key,
    new_manifest,
    with_totals,
)
from qol.tables.weeks import iso_week, monday_of

STAGING = "_staging/"


@dataclass(frozen=True)
class RunOptions:
    """What a run is asked to do; the clock and the secrets are arguments, never looked up inside."""

    now: datetime
    identities: Identities
    week: date
    trigger: Trigger = "manual"
    raw_days: int = 14
    zone: str = "Asia/Tokyo"
    backfill: Window | None = None
    rebuild: tuple[date, date] | None = None
    user_map: UserMap = field(default_factory=lambda: UserMap(()))
    #: Reads a map that grows while the run works; called once raw is listed, so that it knows everybody in the listing.
    load_user_map: Callable[[], UserMap] | None = None
    accept: frozenset[str] = frozenset()
    dry_run: bool = False
    job_run_id: str | None = None
    docs: Path | None = None
    finished: Callable[[Manifest], None] = lambda _: None
    range_bytes: int | None = None
    buckets: int | None = None


@dataclass
class _Run:
    """What one run has found out so far."""

    lake: Lake
    contracts: Contracts
    options: RunOptions
    manifest: Manifest
    progress: Callable[[str], None]
    memory: LakeMemory = field(default_factory=LakeMemory)
    outdated: set[date] = field(default_factory=set)
    computed: frozenset[date] = frozenset()
    expected: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def staging(self) -> str:
        return f"{STAGING}{self.manifest.run_id}/"

    def gate_input(self, published: Published, candidates: list[Candidate]) -> GateInput:
        return collect_gate_input(self.lake, self.contracts, self.manifest, published, candidates, self.expected)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.progress(name)
        started = time.perf_counter()
        yield
        self.manifest.stages[name] = round(time.perf_counter() - started, 3)


def run(
    lake: Lake,
    contracts: Contracts,
    options: RunOptions,
    engine: Callable[[Path, int], Engine],
    progress: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """One run, from the lock to the manifest; the manifest's status says how it ended when nothing is raised.

    `engine` makes the executor from a scratch folder and the bytes to read. Raises LockedError, RefusedError, QolError;
    their manifest is written first. Until the last stage every published file is as it was; a run that dies while it
    publishes leaves each file whole, old or new, and the next run computes its weeks again.
    """
    manifest = _begin(contracts, options)
    work = _Run(lake, contracts, options, manifest, progress)
    try:
        with lake.lock(manifest.run_id, options.job_run_id):
            try:
                lake.sweep(STAGING)
                _run_locked(work, engine)
                _finish(work)
                _forget_doubts(work)
            except (Exception, KeyboardInterrupt) as err:
                manifest.status = "refused" if isinstance(err, RefusedError) else "failed"
                manifest.error = str(err) if isinstance(err, QolError) else safe_place(err)
                with suppress(LakeError):  # why the run failed matters more than that its manifest is missing too
                    _finish(work)
                raise
            finally:
                with suppress(LakeError):  # the next run sweeps what is left
                    lake.sweep(work.staging)  # no more: a run that lost its lock must not take away another's
    except LockedError as err:
        manifest.status, manifest.error = "locked", str(err)
        _finish(work)
        raise
    return manifest


def _forget_doubts(work: _Run) -> None:
    """The run's manifest is there: the weeks it computed are no longer in doubt; those a rebuild left out still are."""
    left = [week for week in work.memory.weeks_in_doubt if date.fromisoformat(week) not in work.computed]
    if left != work.memory.weeks_in_doubt and not work.options.dry_run:
        work.memory.weeks_in_doubt = left
        write_memory(work.lake, work.memory)


def _begin(contracts: Contracts, options: RunOptions) -> Manifest:
    manifest = new_manifest(options.now, options.trigger, iso_week(options.week))
    manifest.job_run_id = options.job_run_id
    manifest.contracts = contracts.fingerprint
    manifest.accepted = sorted(options.accept)
    return manifest


def _finish(work: _Run) -> None:
    work.options.finished(work.manifest)
    if not work.options.dry_run:
        work.lake.put(manifest_key(work.manifest.run_id), work.manifest.to_line())


def _run_locked(work: _Run, make_engine: Callable[[Path, int], Engine]) -> None:
    lake, contracts, options, manifest = work.lake, work.contracts, work.options, work.manifest
    with work.stage("list"):
        published = find_published(lake, [t for t in table_names(contracts) if t != "job_runs"])
        work.outdated = outdated_weeks(lake, contracts, published)
        scope = find_scope(lake, options.now, options.raw_days, options.backfill, options.rebuild)
        listing = RawListing((), ()) if scope.window is None else list_raw(lake, contracts, scope.window)
        _load_people(work)
        _check_people(work, published)
        note_listing(manifest, scope, listing)
    with lake.scratch(manifest.run_id) as scratch:
        size = scope.estimated_bytes(published, listing)
        engine = make_engine(scratch, size)
        manifest.engine = "spark" if engine.name == "spark" else "local"
        try:
            candidates = _compute(work, engine, published, scope, listing, size)
        finally:
            engine.close()
    _gate_and_publish(work, published, candidates)


def _load_people(work: _Run) -> None:
    """Give the run the user map of this moment, where it has one that grows."""
    options = work.options
    if options.load_user_map is not None:
        people = options.load_user_map()
        work.options = replace(
            options, user_map=people, identities=replace(options.identities, known=people.known, owners=people.owners)
        )


def _check_people(work: _Run, published: Published) -> None:
    """UsageError when the key or the user map would give known people other ids."""
    options, lake = work.options, work.lake
    require_days_where_they_count(options.user_map, work.contracts)
    before = read_memory(lake)
    work.memory = require_same_people(before, options.identities, options.user_map)
    require_known_sources(options.user_map, work.contracts, before.map_entries)
    work.manifest.key_check = work.memory.key_check
    if options.user_map.entries:
        files = [stored.key for (table, _), stored in published.files.items() if table.startswith("records_")]
        user_ids = (pl.Series(read_published(lake, key, columns=["user_id"])["user_id"]) for key in files)
        require_append_only(options.user_map, options.identities, before.map_entries, user_ids)
        work.manifest.user_map = {"entries": work.memory.map_entries, "sha256": work.memory.map_digest}


def _compute(
    work: _Run,
    engine: Engine,
    published: Published,
    scope: Scope,
    listing: RawListing,
    size: int,
) -> list[Candidate]:
    """Candidates of every partition the run touches; conservation is asserted before anything else looks at them."""
    lake, contracts, options, manifest = work.lake, work.contracts, work.options, work.manifest
    mapped_ids = [user_id for _, _, user_id, _ in options.user_map.entries]
    limits = bucket_limits(options.buckets or bucket_count(size), mapped_ids)
    context = IngestContext(contracts, options.identities, options.zone, limits)
    tasks = ingest_tasks(listing.objects, *([options.range_bytes] if options.range_bytes else []))
    with work.stage("ingest"):
        shuffled = engine.shuffle(tasks, MapStep(lake, context, work.staging), len(limits) + 1)
        summaries: list[MapSummary] = shuffled.summaries
        offsets = note_tallies(manifest, summaries)
    with work.stage("reduce"):
        touched = {week for summary in summaries for week in summary.weeks}
        touched |= {date.fromisoformat(week) for week in work.memory.weeks_in_doubt} | work.outdated
        touched |= weeks_of_deleted(lake, contracts, published, [s.deletions for s in summaries], touched)
        weeks = affected_weeks(scope, published, touched, options.now)
        work.computed = frozenset(weeks)
        closed = closed_weeks(weeks, published, options.now)
        gone = elsewhere(contracts, published, weeks)
        hashed = [raw.hashed_key for raw in listing.objects]
        there = frozenset(published.files)
        step = ReduceStep(lake, contracts, work.staging, limits, hashed, offsets, weeks, closed, gone, there)
        reduced: list[ReduceSummary] = shuffled.reduce(step) if weeks else []
        note_kept(manifest, reduced)
        for part in (part for summary in reduced for part in summary.parts):
            work.expected[part.table, part.date] += part.rows
        with_totals(manifest)
    with work.stage("assemble"):
        rejects = [part for summary in summaries for part in summary.rejects]
        parts = [part for summary in reduced for part in summary.parts] + rejects
        parts += emptied_rejects(published, scope, listing, rejects) + emptied_windows(published, closed, parts)
        parts += emptied_days(closed, parts)
        jobs = assemble_tasks(parts)
        return engine.map(jobs, AssembleStep(lake, contracts, work.staging, offsets))


def _gate_and_publish(work: _Run, published: Published, candidates: list[Candidate]) -> None:
    lake, manifest, options = work.lake, work.manifest, work.options
    fresh = [candidate for candidate in candidates if changed(lake, candidate, published)]
    manifest.tables = [
        TableFile(c.table, c.date, c.rows, c.sha256, replaced=c in fresh)
        for c in sorted(candidates, key=lambda c: (c.table, c.date))
    ]
    manifest.weeks = sorted({iso_week(monday_of(date.fromisoformat(c.date))) for c in fresh if c.table != "rejects"})
    manifest.status = "nothing_to_do"
    if not options.dry_run:
        register(lake, [candidate for candidate in candidates if candidate not in fresh])
    if not fresh:
        _tell_outage(work, published)
        return
    with work.stage("gate"):
        given = work.gate_input(published, [candidate for candidate in fresh if candidate.table != "rejects"])
        manifest.checks = run_gate(lake, work.contracts, given, options.docs)
        require_passed(manifest.checks, options.accept, options.trigger)
    if not options.dry_run:
        with work.stage("publish"):
            doubtful = {c.date for c in fresh if c.table != "rejects"}
            work.memory.weeks_in_doubt = sorted(doubtful.union(work.memory.weeks_in_doubt))
            write_memory(lake, work.memory)
            publish(lake, fresh, published)
    manifest.status = "published"


def _tell_outage(work: _Run, published: Published) -> None:
    """A run with nothing to publish is also one in which everything has stopped: record types are told that are late."""
    given = work.gate_input(published, [])
    if any(comparison.found for comparison in given.comparisons):
        with work.stage("gate"):
            work.manifest.checks = run_gate(work.lake, work.contracts, given, work.options.docs)
