"""Published files when a run starts: which of them it opens to see whether they are readable and have today's columns."""

from collections.abc import Collection
from datetime import date
from functools import cached_property
from hashlib import blake2b

import pyarrow as pa

from qol.contracts.columns import WINDOWS, arrow_schema, table_columns
from qol.contracts.model import Contracts
from qol.contracts.places import table_places
from qol.lake.base import Lake
from qol.quality.partition_checks import newest_files
from qol.tables.footers import Footers
from qol.tables.layout import Published

DIGEST_BYTES = 8


class CheckedFiles:
    """The published files, and those of them that this run or an earlier one found readable, with today's columns.

    A file is known by the digest of its key, of the tag of its content and of its table's columns. One that was put back, or
    whose contract has changed since, is read again.
    """

    def __init__(self, lake: Lake, contracts: Contracts, published: Published, checked: Collection[str]) -> None:
        """`checked` are the digests that an earlier run left in the lake's state."""
        self.footers = Footers(lake)
        self._contracts = contracts
        self._published = published
        self._checked = frozenset(checked)

    @cached_property
    def _schemas(self) -> dict[str, pa.Schema]:
        """Of tables whose files are written again when the contracts change."""
        tables = {"daily_metrics", "weekly_metrics", WINDOWS} & table_places(self._contracts).keys()
        return {table: arrow_schema(table_columns(self._contracts, table)) for table in tables}

    @cached_property
    def _digests(self) -> dict[str, str]:
        columns = {table: str(schema) for table, schema in self._schemas.items()}
        files = self._published.files.items()
        return {file.key: _digest(file.key, file.etag, columns.get(table, "")) for (table, _), file in files}

    def outdated_weeks(self) -> set[date]:
        """Weeks whose daily or weekly file is damaged, or has other columns or types than the contracts say.

        Files that were not checked before are read, and among the newest also those of records; the gate will ask for these.
        """
        readable, published = self.footers.readable, self._published.files
        readable |= {key for key, digest in self._digests.items() if digest in self._checked}
        unread = {place: stored.key for place, stored in published.items() if stored.key not in readable}
        newest = [unread[place] for place in newest_files(self._published) if place in unread]
        self.footers.read(newest)
        of_days = {key: place for place, key in unread.items() if place[0] in self._schemas}
        found = self.footers.schemas(list(of_days))
        outdated = {key: day for key, (table, day) in of_days.items() if found[key] != self._schemas[table]}
        readable |= of_days.keys() - outdated.keys()
        readable |= {key for key in newest if key not in outdated and self.footers.is_ours(key)}
        return set(map(date.fromisoformat, outdated.values()))

    def digests(self) -> list[str]:
        """What a later run need not read again, to be left in the lake's state."""
        return sorted(self._digests[key] for key in self.footers.readable)


def _digest(*texts: str) -> str:
    return blake2b("\n".join(texts).encode(), digest_size=DIGEST_BYTES).hexdigest()
