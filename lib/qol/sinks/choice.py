"""Which tables a load takes."""

from collections.abc import Mapping, Sequence
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


def choose(contracts: Contracts, names: Sequence[str], lake: Lake, url: sa.URL) -> list[SinkTable]:
    """The tables with these names, where `*` stands for any characters and a mapping for all of its tables.

    Without names those of the contracts that the lake has files of. UsageError for a name that no table has.
    """
    known = _known(contracts, url)
    if names:
        return _named(known, names)
    own = {sink.source: sink for sink in known.values() if not isinstance(sink, MappedSink)}
    published = {table for table, _ in find_published(lake, own.keys() - {RUNS}).files}
    return [sink for name, sink in own.items() if name in published or name in _ALWAYS]


def _known(contracts: Contracts, url: sa.URL) -> Mapping[str, SinkTable]:
    """Every table by the name that `--tables` takes."""
    metadata = sa.MetaData()
    found: dict[str, SinkTable] = {sink.name: sink for sink in sink_tables(contracts, metadata).values()}
    for mapping in read_mappings(contracts):
        found |= mapped_sinks(contracts, mapping, metadata, url.get_backend_name())
    return found


def _named(known: Mapping[str, SinkTable], names: Sequence[str]) -> list[SinkTable]:
    chosen: dict[str, SinkTable] = {}
    for name in map(str.lower, names):
        found = {
            label: sink for label, sink in known.items() if fnmatchcase(label, name) or label.startswith(f"{name}.")
        }
        if not found:
            raise UsageError(f"--tables {name}: no such table; allowed: {', '.join(sorted(known))}")
        chosen |= found
    users = {sink.users for sink in chosen.values() if isinstance(sink, MappedSink)}
    chosen |= {label: sink for label, sink in known.items() if sink.table in users}
    return list(chosen.values())


def offline_statements(contracts: Contracts, names: Sequence[str], url: sa.URL) -> str:
    """The statements that make these tables, by default all of the contracts, in an empty database of the URL's kind."""
    known = _known(contracts, url)
    own = [label for label, sink in known.items() if not isinstance(sink, MappedSink)]
    sinks = _named(known, names or own)
    state = vars(state_tables(sinks[0].table.metadata)).values()
    return offline_sql([*state, *(sink.table for sink in sinks)], url.get_dialect()())
