"""Which tables a load takes."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

import sqlalchemy as sa

from qol.contracts.model import Contracts
from qol.errors import UsageError
from qol.lake.base import Lake
from qol.sinks.migrate import offline_sql
from qol.sinks.sink_tables import RUNS, SinkTable, sink_tables, state_tables
from qol.tables.layout import find_published

#: Made also in a lake that has no week yet, so that queries find them.
_ALWAYS = ("weekly_metrics", "daily_metrics", RUNS)


def choose(contracts: Contracts, names: Sequence[str], lake: Lake) -> list[SinkTable]:
    """The tables with these names, where `*` stands for any characters; without names those that the lake has files of.

    UsageError for a name that no table has.
    """
    known = sink_tables(contracts, sa.MetaData())
    if names:
        return _named(known, names)
    published = {table for table, _ in find_published(lake, known.keys() - {RUNS}).files}
    return [sink for name, sink in known.items() if name in published or name in _ALWAYS]


def _named(known: dict[str, SinkTable], names: Sequence[str]) -> list[SinkTable]:
    tables = {sink.name: sink for sink in known.values()}
    for name in names:
        if not any(fnmatchcase(table, name.lower()) for table in tables):
            raise UsageError(f"--tables {name}: no such table; allowed: {', '.join(sorted(tables))}")
    return [sink for table, sink in tables.items() if any(fnmatchcase(table, name.lower()) for name in names)]


def offline_statements(contracts: Contracts, names: Sequence[str], url: sa.URL) -> str:
    """The statements that make these tables, by default all, in an empty database of the URL's kind."""
    metadata = sa.MetaData()
    sinks = _named(sink_tables(contracts, metadata), names or ["*"])
    state = vars(state_tables(metadata)).values()
    return offline_sql([*state, *(sink.table for sink in sinks)], url.get_dialect()())
