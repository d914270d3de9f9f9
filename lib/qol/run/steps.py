"""The map and the reduce of a run: pure work on blocks, picklable, the same on every engine."""

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import partial
from itertools import chain

import msgspec
import polars as pl

from qol.contracts.columns import record_columns, table_columns
from qol.contracts.frames import drop_null_columns, monday_expr, no_rows, normalize_negative_zero, with_columns_of
from qol.contracts.model import Contracts
from qol.contracts.source import SourceContract
from qol.ingest.listing import unpack_task
from qol.ingest.results import IngestContext, Tally, row_schema
from qol.ingest.task import ingest
from qol.lake.base import Lake
from qol.publish.assemble import assemble, stage_part
from qol.publish.protocol import changed
from qol.quality.row_facts import RowFacts, observe_rows
from qol.run.arrival_lag import count_days
from qol.run.block_store import BlockFile, BlockStore
from qol.run.plan import RunPlan
from qol.run.week_tables import week_tables
from qol.tables.layout import Candidate, Part, Published
from qol.tables.slices import Bucket
from qol.tables.weeks import WEEK, monday_of
from qol.transform.borders import borders_near, can_cross, identity, is_near, reaches_over
from qol.transform.daily_rows import daily
from qol.transform.deletions import Deletions, deletion_columns, deletions_in
from qol.transform.merge import merge, to_records, with_line_numbers

#: Columns of tallies: the range, and what was counted in it.
TALLIES = {field.name: pl.Int64 for field in fields(Tally)}
NO_PARTITIONS = pl.DataFrame(schema={"object_index": pl.Int64, "partition": pl.String})


def tally_rows(tallies: Sequence[Tally]) -> pl.DataFrame:
    """Tallies as rows of TALLIES."""
    return pl.DataFrame({name: [getattr(tally, name) for tally in tallies] for name in TALLIES}, TALLIES)


@dataclass(frozen=True)
class MapSummary:
    """What the driver learns from one map task."""

    #: A row per range that was read, as in TALLIES: a driver may get millions.
    tallies: pl.DataFrame
    reasons: Counter[tuple[str, str]]
    issues: Counter[tuple[str, str, str]]
    #: Users who sent an unknown field, by record type and its name.
    senders: Mapping[tuple[str, str], set[str]]
    #: `object_index` and `partition` (`<record type>/<week>`) of the rows.
    partitions: pl.DataFrame
    #: Weeks of the rows, and those that rows may last into.
    weeks: set[date]
    #: Mondays of the borders between two weeks that rows are near to, which may matter to both.
    borders: set[date]
    rejects: list[Part]
    lateness: Counter[int]
    #: Records without a stamp of when they were received.
    unstamped: int
    deletions: Deletions
    blocks: BlockFile


@dataclass(frozen=True)
class MapStep:
    """Ingest object ranges; rows are stored as one block per bucket, rejects are staged."""

    lake: Lake
    context: IngestContext
    staging: str
    blocks: BlockStore

    def __call__(self, task: bytes) -> MapSummary:
        """Store the rows of the ranges of a packed task by bucket."""
        result = ingest(self.lake, self.context, unpack_task(task))
        blocks: dict[int, list[tuple[str, bytes]]] = {}
        partitions = [NO_PARTITIONS]
        weeks: set[date] = set()
        borders: set[date] = set()
        lateness: Counter[int] = Counter()
        unstamped = 0
        for name, rows in result.rows.items():
            found = rows.select("object_index", pl.col("day").cast(pl.Int32).cast(pl.Date)).unique()
            days = found["day"].unique().to_list()
            week = monday_expr(pl.col("day")).dt.to_string()
            partitions.append(found.select("object_index", partition=pl.lit(f"{name}/") + week).unique())
            contract = self.context.contracts.by_name[name]
            weeks |= {monday_of(day) for day in days}
            borders |= borders_near(days) if can_cross(contract) else set()
            weeks |= borders_near(days) if contract.split is not None else set()
            lateness += count_days(rows)
            unstamped += rows["received_at"].null_count()
            filled = drop_null_columns(rows)
            for (bucket,), members in filled.partition_by("bucket", as_dict=True, include_key=False).items():
                blocks.setdefault(int(str(bucket)), []).append(
                    (name, members.write_ipc_stream(None, compression="lz4").getvalue())
                )
        rejects = [
            stage_part(self.lake, self.staging, "rejects", str(day), rows)
            for (day,), rows in result.rejects.partition_by("arrival_date", as_dict=True, maintain_order=True).items()
        ]
        deleted = deletions_in(self.context.contracts, result.rows)
        encoded = {bucket: msgspec.msgpack.encode(block) for bucket, block in blocks.items()}
        stored = self.blocks.write(encoded, len(self.context.bucket_limits) + 1)
        return MapSummary(
            tally_rows(result.tallies), result.reasons, result.issues, result.senders, pl.concat(partitions), weeks,
            borders, rejects, lateness, unstamped, deleted, stored,
        )  # fmt: skip


@dataclass(frozen=True)
class ReduceSummary:
    """What the driver learns from one reduce task: staged parts, and how many new rows it received and kept, by object.

    `kept` has frames of `object_index`, `records` (received) and `kept`, one for each record type.
    """

    parts: list[Part]
    kept: list[pl.DataFrame]


def read_blocks(blocks: Iterable[bytes]) -> dict[str, list[pl.DataFrame]]:
    """Rows of blocks as MapStep writes them, by contract name."""
    frames: dict[str, list[pl.DataFrame]] = {}
    for block in blocks:
        for name, data in msgspec.msgpack.decode(block, type=list[tuple[str, memoryview]]):
            frames.setdefault(name, []).append(pl.read_ipc_stream(io.BytesIO(data)))
    return frames


@dataclass(frozen=True)
class ReduceStep:
    """New rows and published rows of neighbouring buckets to records, daily and weekly parts of every affected week."""

    lake: Lake
    contracts: Contracts
    staging: str
    blocks: BlockStore
    block_files: tuple[BlockFile, ...]
    bucket_limits: tuple[str, ...]
    raw_objects: pl.Series
    line_offsets: pl.DataFrame
    plan: RunPlan
    #: Published partitions, by table and date; in a bucket a question after each that might be there is a request.
    published: frozenset[tuple[str, str]]
    #: Whose published rows are left out: those of erased users, where an erasure was interrupted.
    without: Callable[[str], bool] | None = None

    def __call__(self, buckets: range) -> ReduceSummary:
        """Merge, then daily, then weekly; parts are staged, nothing is published."""
        blocks = (self.blocks.read(self.block_files, bucket) for bucket in buckets)
        new = read_blocks(chain.from_iterable(blocks))
        summary = ReduceSummary([], [])
        records: dict[str, pl.DataFrame] = {}
        for contract in self.contracts.sources:
            merged = self._merge(contract, new.pop(contract.name, []), buckets, summary)
            frames = [*([] if merged is None else [merged]), *self._beside(contract, merged, buckets)]
            if any(rows.height for rows in frames):
                records[contract.name] = pl.concat(frames)
        deletions = self._deletions(buckets, records)
        days = daily(self.contracts, records, deletions).with_columns(week=monday_expr(pl.col("day")))
        for week in self.plan.weeks:
            self._stage(summary, "daily_metrics", week, days.filter(pl.col("week") == week).drop("week"))
        for table, week, rows in week_tables(
            self.contracts, days, self.plan.weeks, self.plan.closed, self._users(buckets)
        ):
            self._stage(summary, table, week, rows)
        return summary

    def _records(self, contract: SourceContract, blocks: list[pl.DataFrame]) -> pl.DataFrame:
        """Blocks of a record type as record rows, with the columns that no row of theirs had."""
        empty = pl.DataFrame(schema=row_schema(contract))
        rows = with_columns_of(pl.concat([empty, *blocks], how="diagonal"), empty)
        return to_records(rows, contract, self.raw_objects, self.line_offsets)

    def _merge(
        self, contract: SourceContract, new: list[pl.DataFrame], buckets: range, summary: ReduceSummary
    ) -> pl.DataFrame | None:
        published = self._published(contract, buckets)
        if not new and published is None:
            return None
        merged = merge(self._records(contract, new), published, contract)
        summary.kept.append(merged.kept)
        by_week = merged.records.partition_by("week", as_dict=True, include_key=False)
        for week in self.plan.merged:
            if (week,) in by_week:
                self._stage(summary, f"records_{contract.name}", week, by_week[week,])
        return merged.records.drop("week")

    def _published(self, contract: SourceContract, buckets: range) -> pl.DataFrame | None:
        """The buckets' published records of the weeks; None without any."""
        weeks = [week for week in self.plan.merged if (f"records_{contract.name}", str(week)) in self.published]
        frames = [self._of_week(contract, buckets, week) for week in weeks]
        return pl.concat(frames) if any(rows.height for rows in frames) else None

    def _beside(self, contract: SourceContract, records: pl.DataFrame | None, buckets: range) -> Iterator[pl.DataFrame]:
        """The buckets' published records of other weeks that can matter to `records`, those of the merged weeks."""
        if not can_cross(contract) or (records is None and contract.split is None):
            return
        weeks = self.plan.weeks
        near = pl.any_horizontal([is_near(week) for week in weeks])
        for week in sorted({week + step for week in weeks for step in (-WEEK, WEEK)}.difference(self.plan.merged)):
            if records is None or reaches_over(contract) or self._holds_a_key(contract, records, buckets, week):
                yield self._of_week(contract, buckets, week).filter(near)

    def _holds_a_key(self, contract: SourceContract, records: pl.DataFrame, buckets: range, week: date) -> bool:
        """Whether a week has a record near a border that is a version of one of `records`; only what tells so is read."""
        names = ["user_id", "day", *identity(contract)]
        keys = self._of_week(contract, buckets, week, names)
        near = records.filter(is_near(week))
        return not keys.join(
            near, on=[name for name in names if name != "day"], how="semi", nulls_equal=contract.document is None
        ).is_empty()

    def _of_week(self, contract: SourceContract, buckets: range, week: date, names: Sequence[str] = ()) -> pl.DataFrame:
        """The buckets' published records of a week; only these columns where names are given."""
        table, day = f"records_{contract.name}", week.isoformat()
        columns = [column for column in record_columns(contract) if not names or column.name in names]
        if (table, day) not in self.published:
            return no_rows(columns)
        return self._users(buckets).published(table, day, columns)

    def _deletions(self, buckets: range, records: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
        """Every deletion of the buckets' users by contract name: those among `records`, and those of other partitions."""
        found: dict[str, pl.DataFrame] = {}
        for name, days in self.plan.deletions_elsewhere.items():
            columns = deletion_columns(self.contracts.by_name[name])
            frames = [self._users(buckets).published(f"records_{name}", day, columns) for day in days]
            if name in records:
                frames.append(records[name].select([column.name for column in columns]))
            if frames:
                found[name] = pl.concat(frames)
        return found

    def _users(self, buckets: range) -> Bucket:
        limits = (None, *self.bucket_limits, None)
        return Bucket(self.lake, limits[buckets.start], limits[buckets.stop], self.without)

    def _stage(self, summary: ReduceSummary, table: str, week: date, rows: pl.DataFrame) -> None:
        if rows.height:
            filled = normalize_negative_zero(drop_null_columns(rows))
            summary.parts.append(stage_part(self.lake, self.staging, table, week.isoformat(), filled))


def assemble_tasks(parts: list[Part]) -> list[list[Part]]:
    """Parts by partition, in the order they were staged, the largest partitions first so that none is left for the end."""
    grouped: dict[tuple[str, str], list[Part]] = {}
    for part in parts:
        grouped.setdefault((part.table, part.date), []).append(part)
    return sorted(grouped.values(), key=lambda group: -sum(part.rows for part in group))


@dataclass(frozen=True)
class Assembled:
    """A staged, verified file, and what its rows say to the gate; None where the published file has the same bytes."""

    candidate: Candidate
    rows: RowFacts | None


@dataclass(frozen=True)
class AssembleStep:
    """Parts of one partition to its one file."""

    lake: Lake
    contracts: Contracts
    staging: str
    line_offsets: pl.DataFrame
    published: Published

    def __call__(self, parts: list[Part]) -> Assembled:
        """The staged, verified file; UsageError names an expression of a check that cannot be computed."""
        table = parts[0].table
        columns = table_columns(self.contracts, table)
        finish = partial(with_line_numbers, line_offsets=self.line_offsets) if table == "rejects" else None
        candidate = assemble(self.lake, self.staging, columns, parts, finish)
        is_new = changed(self.lake, candidate, self.published)
        return Assembled(candidate, observe_rows(self.lake, self.contracts, candidate) if is_new else None)
