"""Which tables a load takes."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

import sqlalchemy as sa

from qol.contracts.model import Contracts
from qol.errors import UsageError
from qol.lake.base import Lake
from qol.sinks.mapped_tables import MappedSink, mapped_sinks
from qol.sinks.mapping import read_mappings
from qol.sinks.migrate import offline_sql
from qol.sinks.sink_tables import RUNS, SinkTable, sink_tables, state_tables
from qol.tables.layout import find_published

#: Made also in a lake that has no week yet, so that queries find them.
_ALWAYS = ("weekly_metrics", "daily_metrics", RUNS)


def table_names(texts: Iterable[str]) -> list[str]:
    """The names in texts that separate them by commas."""
    return [name for text in texts for part in text.split(",") if (name := part.strip())]


def choose(contracts: Contracts, names: Sequence[str], lake: Lake, url: sa.URL) -> list[SinkTable]:
    """The tables with these names, where `*` stands for any characters and a mapping for all of its tables.

    Without names those of the contracts that the lake has files of. UsageError for a name that no table has.
    """
    own = sink_tables(contracts, sa.MetaData())
    if names:
        return _named(contracts, own, names, url)
    published = {table for table, _ in find_published(lake, own.keys() - {RUNS}).files}
    return [sink for name, sink in own.items() if name in published or name in _ALWAYS]


def _named(contracts: Contracts, own: Mapping[str, SinkTable], names: Sequence[str], url: sa.URL) -> list[SinkTable]:
    """The named tables; mappings are read only for a name that no table of the contracts has."""
    known = {sink.name: sink for sink in own.values()}
    if not all(_matching(known, name) for name in names):
        metadata = next(iter(own.values())).table.metadata
        for mapping in read_mappings(contracts):
            known |= mapped_sinks(contracts, mapping, metadata, url.get_backend_name())
    chosen: dict[str, SinkTable] = {}
    for name in names:
        found = _matching(known, name)
        if not found:
            raise UsageError(f"--tables {name}: no such table; allowed: {', '.join(sorted(known))}")
        chosen |= found
    users = {sink.users for sink in chosen.values() if isinstance(sink, MappedSink)}
    chosen |= {label: sink for label, sink in known.items() if sink.table in users}
    return list(chosen.values())


def _matching(known: Mapping[str, SinkTable], name: str) -> dict[str, SinkTable]:
    """Tables of a name, a pattern or a mapping."""
    lower = name.lower()
    return {label: sink for label, sink in known.items() if fnmatchcase(label, lower) or label.startswith(f"{lower}.")}


def offline_statements(contracts: Contracts, names: Sequence[str], url: sa.URL) -> str:
    """The statements that make these tables, by default all of the contracts, in an empty database of the URL's kind."""
    sinks = _named(contracts, sink_tables(contracts, sa.MetaData()), names or ["*"], url)
    state = vars(state_tables(sinks[0].table.metadata)).values()
    return offline_sql([*state, *(sink.table for sink in sinks)], url.get_dialect()())
