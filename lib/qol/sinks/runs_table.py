"""`job_runs` in a database: the manifests that it does not have yet."""

import json
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from qol.lake.base import Lake
from qol.sinks.sink_tables import SinkTable
from qol.tables.manifest import manifest_keys


def load_runs(connection: sa.Connection, lake: Lake, sink: SinkTable) -> int:
    """Insert a row for each manifest that has none; how many. Manifests never change, so each is read once."""
    known = set(connection.scalars(sa.select(sink.table.c.run_id)))
    rows: list[dict[str, Any]] = []
    for key in manifest_keys(lake):
        if key.rpartition("/")[2].removesuffix(".json") not in known:
            with suppress(ValueError):
                manifest = json.loads(lake.read(key))
                rows.append({column.name: manifest.get(column.name) for column in sink.columns})
    if rows:
        connection.execute(sa.insert(sink.table), rows)
    return len(rows)
