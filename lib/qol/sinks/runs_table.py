"""`job_runs` in a database: the manifests that it does not have yet."""

import json
from contextlib import suppress
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from qol.lake.base import Lake
from qol.sinks.mapped_tables import MappedSink
from qol.sinks.sink_tables import SinkTable
from qol.tables.manifest import manifest_keys


def load_runs(connection: sa.Connection, lake: Lake, sink: SinkTable) -> int:
    """Insert a row for each manifest that has none; how many. Manifests never change, so each is read once."""
    known = set(connection.scalars(sa.select(sink.table.c.run_id)))
    rows: list[dict[str, Any]] = []
    for key in manifest_keys(lake):
        if key.rpartition("/")[2].removesuffix(".json") not in known:
            with suppress(ValueError):  # a damaged manifest; other readers skip it too
                rows.append(_row(sink, json.loads(lake.read(key))))
    if rows:
        connection.execute(sa.insert(sink.table), rows)
    return len(rows)


def _row(sink: SinkTable, manifest: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(sink, MappedSink):
        return {column.name: manifest.get(column.name) for column in sink.columns}
    given = {name: spec for name, spec in sink.spec.columns.items() if spec.is_filled}
    return {name: _field(manifest, spec.of or name, spec.type) for name, spec in given.items()}


def _field(manifest: dict[str, Any], path: str, kind: str) -> Any:
    value: Any = manifest
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    if value is None or kind not in ("timestamptz", "date"):
        return value
    return datetime.fromisoformat(value) if kind == "timestamptz" else date.fromisoformat(value)
