"""A load: lock, migration, partitions that changed, runs; every partition by one transaction."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import sqlalchemy as sa
from alembic.operations.ops import AddColumnOp, CreateTableOp, MigrateOperation

from qol.contracts.wording import count
from qol.errors import DatabaseError
from qol.lake.base import Lake
from qol.sinks.bulk import of_partition, replace_rows
from qol.sinks.database import locked, open_database, transaction
from qol.sinks.mapped_tables import MappedSink, create_views
from qol.sinks.migrate import apply, full_name, missing_steps
from qol.sinks.partitions import Change, LakeVersion, Loaded, PartitionFile, PublishingRuns, changes, lake_version
from qol.sinks.runs_table import load_runs
from qol.sinks.sink_tables import RUNS, SinkTable, state_tables
from qol.sinks.upsert import delete_idle_users, upsert_partition


@dataclass
class LoadResult:
    """What a load did: rows written by table and Monday, partitions emptied, steps of the migration, runs added."""

    rows: dict[tuple[str, date], int] = field(default_factory=dict)
    emptied: list[tuple[str, date]] = field(default_factory=list)
    steps: int = 0
    runs: int = 0


def load(
    lake: Lake,
    url: sa.URL,
    sinks: Collection[SinkTable],
    since: date | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> LoadResult:
    """Bring the tables of a database to what the lake has published, weeks from a Monday on; what was done.

    DatabaseError when the database has other tables, or newer rows than this lake, or refuses rows: partitions before
    that stay loaded, and each is whole. LockedError while another load runs.
    """
    engine = open_database(url)
    with locked(engine) as connection:
        return _Load(connection, lake, sinks, progress).run(since)


class _Load:
    def __init__(
        self, connection: sa.Connection, lake: Lake, sinks: Collection[SinkTable], progress: Callable[[str], None]
    ) -> None:
        self._connection = connection
        self._lake = lake
        self._sinks = sinks
        self._progress = progress
        (metadata,) = {sink.table.metadata for sink in sinks}
        self._state = state_tables(metadata)
        self._runs = PublishingRuns(lake)
        self._result = LoadResult()

    def run(self, since: date | None) -> LoadResult:
        version = lake_version(self._lake)
        with transaction(self._connection, "the tables"):
            self._refuse_older(version)
            self._migrate()
            loaded = self._loaded()
        for change in changes(self._lake, [s for s in self._sinks if s.partition], loaded, since):
            with transaction(self._connection, change.what):
                self._load_partition(change, loaded.get((change.sink.name, change.monday)))
        with transaction(self._connection, RUNS):
            self._finish(version)
        return self._result

    def _refuse_older(self, version: LakeVersion) -> None:
        """Nothing of a lake goes where a newer one of it has been: a copy, or one that was put back."""
        loads = self._state.loads
        if not sa.inspect(self._connection).has_table(loads.name):
            return
        query = sa.select(sa.func.max(loads.c.newest_run), sa.func.max(loads.c.erasures))
        newest, erasures = self._connection.execute(query).one()
        if newest is not None and (version.newest_run < _utc(newest) or version.erasures < erasures):
            raise DatabaseError(
                f"the database has rows of a run of {newest:%Y-%m-%d %H:%M:%S} UTC and of a lake with {count(erasures, 'erasure')}, "
                f"the newest run of this lake is of {version.newest_run:%Y-%m-%d %H:%M:%S} and it has {version.erasures}; "
                "an older lake is not loaded, nothing was changed"
            )

    def _migrate(self) -> None:
        tables = [*vars(self._state).values(), *(sink.table for sink in self._sinks)]
        made = self._made()
        steps = missing_steps(self._connection, tables, made)
        self._forget(steps)
        apply(self._connection, steps)
        self._result.steps = len(steps)
        self._remember_columns(made)
        create_views(self._connection, self._mapped)

    def _made(self) -> Mapping[str, frozenset[str]]:
        """Columns that earlier loads made, by table."""
        tables = self._state.tables
        if not sa.inspect(self._connection).has_table(tables.name):
            return {}
        rows = self._connection.execute(sa.select(tables.c.table_name, tables.c.column_names))
        return {name: frozenset(columns.split(",")) for name, columns in rows}

    def _forget(self, steps: Collection[MigrateOperation]) -> None:
        """Partitions of tables that are made or get a column are loaded again: one may have been dropped by hand."""
        names = {full_name(step) for step in steps if isinstance(step, AddColumnOp | CreateTableOp)}
        names |= {sink.name for sink in self._mapped if sink.users is not None and sink.users.fullname in names}
        partitions = self._state.partitions
        if names and partitions.name not in names:
            given = sa.update(partitions).where(partitions.c.table_name.in_(names))
            self._connection.execute(given.values(etag="", sha256=""))

    def _remember_columns(self, made: Mapping[str, frozenset[str]]) -> None:
        tables = self._state.tables
        for sink in self._sinks:
            names = [column.name for column in sink.table.columns]
            if made.get(sink.name) != frozenset(names):
                self._connection.execute(sa.delete(tables).where(tables.c.table_name == sink.name))
                row = {"table_name": sink.name, "column_names": ",".join(names)}
                self._connection.execute(sa.insert(tables).values(row))

    def _loaded(self) -> dict[tuple[str, date], Loaded]:
        rows = self._connection.execute(sa.select(self._state.partitions)).mappings()
        return {(row["table_name"], row["date"]): Loaded(row["etag"], row["sha256"]) for row in rows}

    def _load_partition(self, change: Change, loaded: Loaded | None) -> None:
        sink, stored, partitions = change.sink, change.stored, self._state.partitions
        place = (partitions.c.table_name == sink.name) & (partitions.c.date == change.monday)
        if stored is None:
            self._connection.execute(
                sa.delete(sink.table).where(of_partition(sink.table, sink.partition, change.monday))
            )
            self._connection.execute(sa.delete(partitions).where(place))
            self._result.emptied.append((sink.name, change.monday))
            return
        file = PartitionFile(stored.key, self._lake.read(stored.key), change.monday)
        sha256 = file.sha256
        if loaded is not None and loaded.sha256 == sha256:  # the same file in another place, or written again
            self._connection.execute(sa.update(partitions).where(place).values(etag=stored.etag))
            return
        self._progress(change.what)
        frames = file.frames(sink.columns)
        if isinstance(sink, MappedSink):
            rows = upsert_partition(self._connection, sink, change.monday, frames)
        else:
            rows = replace_rows(self._connection, sink, change.monday, frames)
        self._connection.execute(sa.delete(partitions).where(place))
        row = {
            "table_name": sink.name,
            "date": change.monday,
            "sha256": sha256,
            "etag": stored.etag,
            "row_count": rows,
            "run_id": self._runs.run_of(sink.source, change.monday, sha256),
            "loaded_at": datetime.now(UTC),
        }
        self._connection.execute(sa.insert(partitions).values(row))
        self._result.rows[sink.name, change.monday] = rows

    @property
    def _mapped(self) -> list[MappedSink]:
        return [sink for sink in self._sinks if isinstance(sink, MappedSink)]

    def _tables_of(self, users: sa.Table) -> list[sa.Table]:
        """Tables of the mapping that the database has, also those that this load does not take."""
        schema, prefix = users.schema, users.name.removesuffix("users")
        inspector = sa.inspect(self._connection)
        tables = [t for t in users.metadata.tables.values() if t.schema == schema and t.name.startswith(prefix)]
        return [
            t for t in tables if t is not users and "user_id" in t.c and inspector.has_table(t.name, schema=t.schema)
        ]

    def _finish(self, version: LakeVersion) -> None:
        for sink in self._sinks:
            if sink.source == RUNS:
                self._result.runs += load_runs(self._connection, self._lake, sink)
        for users in {sink.users for sink in self._mapped if sink.users is not None}:
            delete_idle_users(self._connection, users, self._tables_of(users))
        result, loads = self._result, self._state.loads
        if result.rows or result.emptied or result.runs:
            row = {
                "loaded_at": datetime.now(UTC),
                **version._asdict(),
                "partition_count": len(result.rows) + len(result.emptied),
                "row_count": sum(result.rows.values()),
            }
            self._connection.execute(sa.insert(loads).values(row))


def _utc(value: datetime) -> datetime:
    """A time of the database, which SQLite and MySQL give without a zone."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value
