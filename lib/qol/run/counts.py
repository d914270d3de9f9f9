"""What a run writes into its manifest as it learns it: what was read, what became of every item."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from qol.contracts.hidden_names import OTHER_NAMES
from qol.identity.pseudonyms import Identities
from qol.ingest.listing import Skipped
from qol.ingest.record_reader import MIN_USERS_OF_NAME
from qol.ingest.results import UNKNOWN_FIELD, unpack_counts
from qol.run.arrival_lag import summarize
from qol.run.arrivals import Arrivals
from qol.run.plan import Scope
from qol.run.steps import TALLIES, MapSummary, ReduceSummary
from qol.tables.layout import Candidate
from qol.tables.manifest import (
    Manifest,
    RawObjects,
    SkippedObject,
    TableFile,
    Window,
    add_up,
)
from qol.tables.objects_read import TABLE
from qol.tables.weeks import iso_week, monday_of


def note_listing(
    manifest: Manifest, scope: Scope, skipped: Sequence[Skipped], arrivals: Arrivals, identities: Identities
) -> None:
    """What is to be read and what is not, with the days that were looked at; hashes stand for names of objects."""
    if scope.window is not None:
        oldest = arrivals.listed.item(0, "date") if arrivals.listed.height else None
        first = scope.window.first.isoformat() if scope.window.first else oldest
        manifest.window = Window(first, scope.window.last.isoformat())
        size = int(arrivals.objects.columns["bytes"].sum())
        manifest.raw_objects = RawObjects(TABLE, len(arrivals.objects), size, arrivals.passed_over_count("objects"))
    manifest.skipped = [
        SkippedObject(f"{s.place}/{identities.object_hash(s.stored.key)}", s.stored.bytes, s.reason) for s in skipped
    ]


def note_tallies(manifest: Manifest, arrivals: Arrivals, summaries: list[MapSummary]) -> pl.DataFrame:
    """Fill in the counts of the objects read and of the manifest; how many lines lie before each range of an object that was split (LINE_OFFSETS)."""
    reasons: Counter[tuple[str, ...]] = Counter()
    issues: Counter[tuple[str, str, str]] = Counter()
    senders: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for summary in summaries:
        for (_, reason), count in summary.reasons.items():
            reasons[reason,] += count
        issues.update(summary.issues)
        for field, users in summary.senders.items():
            senders[field] |= users
    tallies = [summary.tallies for summary in summaries]
    for of_task in tallies:
        arrivals.add_counts(of_task)
    manifest.rejects_by_reason = unpack_counts(reasons)
    manifest.field_issues = unpack_counts(_with_names_of_many(issues, senders))
    manifest.lateness = summarize(summary.lateness for summary in summaries)
    manifest.unstamped = sum(summary.unstamped for summary in summaries)
    add_up(manifest, arrivals.counts)  # the manifest of a run that fails from here on has what it read as well
    return _lines_before(tallies)


def _lines_before(tallies: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """How many lines lie before each range of an object that was split, as LINE_OFFSETS."""
    none = pl.DataFrame(schema=TALLIES)
    later = pl.concat([none, *(of_task.filter(pl.col("start") > 0) for of_task in tallies)])
    of_split = pl.col("object_index").is_in(later["object_index"].implode())
    ranges = pl.concat([none, *(of_task.filter(of_split) for of_task in tallies)]).sort("object_index", "start")
    lines = pl.col("physical_lines")
    before = ranges.select(
        "object_index", range_start="start", lines_before=lines.cum_sum().over("object_index") - lines
    )
    return before.filter(pl.col("range_start") > 0)


def _with_names_of_many(
    issues: Counter[tuple[str, str, str]], senders: Mapping[tuple[str, str], set[str]]
) -> Counter[tuple[str, ...]]:
    """The issues; unknown fields that few users sent count as `(other)`."""
    shown: Counter[tuple[str, ...]] = Counter()
    for (record, name, reason), count in issues.items():
        is_of_few = reason == UNKNOWN_FIELD and len(senders[record, name]) < MIN_USERS_OF_NAME
        head, dot, _ = name.rpartition(".")
        shown[record, f"{head}{dot}{OTHER_NAMES}" if is_of_few else name, reason] += count
    return shown


def note_kept(arrivals: Arrivals, reduced: list[ReduceSummary]) -> None:
    """What the reduce received and kept, and what it superseded; counted there, not derived from the lines."""
    superseded = pl.col("records").cast(pl.Int64) - pl.col("kept").cast(pl.Int64)
    for kept in (frame for summary in reduced for frame in summary.kept):
        arrivals.add_counts(kept.select("object_index", "kept", superseded=superseded))


def note_candidates(manifest: Manifest, candidates: list[Candidate], fresh: list[Candidate]) -> None:
    """Every partition file that was computed, and the weeks of those whose bytes are new."""
    manifest.tables = [
        TableFile(c.table, c.date, c.rows, c.sha256, replaced=c in fresh)
        for c in sorted(candidates, key=lambda c: (c.table, c.date))
    ]
    manifest.weeks = sorted({iso_week(monday_of(date.fromisoformat(c.date))) for c in fresh if c.table != "rejects"})
