"""A published file that cannot be read: told by its key, with the way to have it again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from qol.errors import CorruptFileError
from qol.lake.base import Lake
from qol.tables.weeks import iso_week, monday_of

#: What Arrow raises for a file that is no Parquet file, or one with a broken footer; a store that fails is a LakeError.
DAMAGED = (pa.ArrowInvalid, OSError)


@contextmanager
def reading(key: str) -> Iterator[None]:
    """Reads of a published Parquet file; CorruptFileError that names it when it is none, or when what it holds is damaged."""
    try:
        yield
    except (*DAMAGED, UnicodeDecodeError) as err:
        if getattr(err, "errno", None):  # the machine's own trouble: Arrow gives damage no number
            raise
        raise CorruptFileError(f"{key}: damaged, cannot be read; {recovery_hint(key)}") from None


def read_published(lake: Lake, key: str, **how: Any) -> pa.Table:
    """A published file as `pq.read_table` reads it; CorruptFileError when it is damaged."""
    with reading(key):
        return pq.read_table(lake.open_table(key), **how)


def require_readable(lake: Lake, key: str, *, whole: bool = False) -> None:
    """CorruptFileError when the footer of a published file is damaged; when `whole`, also for any other part of it."""
    with reading(key):
        file = pq.ParquetFile(lake.open_table(key))
        for group in range(file.metadata.num_row_groups if whole else 0):
            file.read_row_group(group)


def recovery_hint(key: str) -> str:
    """How a damaged file is made again."""
    folder, _, rest = key.partition("/date=")
    day = rest.partition("/")[0]
    with suppress(ValueError):
        week = iso_week(monday_of(date.fromisoformat(day)))
        if folder.startswith("processed/") and not folder.startswith("processed/records/"):
            return f"move it aside, then qol rebuild --from-week {week} --to-week {week}"
    if folder == "quarantine/rows":
        return f"move it aside, then qol backfill --from {day} --to {day}"
    if folder.startswith("processed/records/"):
        return "move it aside, then qol backfill --from <first arrival day> --to <today>"
    return "move it aside, then run again"
