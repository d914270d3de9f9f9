"""Published files that cannot be read: errors that name the file and say how to make it again."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq

from qol.errors import CorruptFileError
from qol.lake.base import Lake
from qol.tables.weeks import iso_week, monday_of

#: What Arrow raises for a file that is not Parquet or has a corrupt footer; a store that fails raises LakeError.
ARROW_ERRORS = (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, UnicodeDecodeError)


@contextmanager
def reading(key: str) -> Iterator[None]:
    """Reads of a published Parquet file; CorruptFileError that names it when it is not Parquet or its content is corrupt."""
    try:
        yield
    except ARROW_ERRORS as err:
        if getattr(err, "errno", None):  # an error of the operating system; Arrow's own have no number
            raise
        raise CorruptFileError(f"{key}: damaged, cannot be read; {recovery_hint(key)}") from None


def read_file(lake: Lake, key: str, columns: Sequence[str] = (), read_dictionary: Sequence[str] = ()) -> pa.Table:
    """A Parquet file, of these columns where any are named; one of ARROW_ERRORS when it is corrupt or lacks one of them.

    `pq.read_table` would import pandas, a tenth of the seconds of a small run.
    """
    file = pq.ParquetFile(lake.open_table(key), read_dictionary=list(read_dictionary))
    if missing := set(columns).difference(file.schema_arrow.names):
        raise pa.ArrowInvalid(f"no column {', '.join(sorted(missing))}")
    return file.read(list(columns) or None)


def read_published(lake: Lake, key: str, columns: Sequence[str] = (), read_dictionary: Sequence[str] = ()) -> pa.Table:
    """A published file as `read_file` reads it; CorruptFileError when it is corrupt."""
    with reading(key):
        return read_file(lake, key, columns, read_dictionary)


def require_readable(lake: Lake, key: str) -> None:
    """CorruptFileError when any part of a published file is corrupt."""
    with reading(key):
        file = pq.ParquetFile(lake.open_table(key))
        for group in range(file.metadata.num_row_groups):
            file.read_row_group(group)


def recovery_hint(key: str) -> str:
    """How to make a corrupt file again."""
    folder, _, rest = key.partition("/date=")
    day = rest.partition("/")[0]
    if folder == "quarantine/rows":
        return f"move it aside, then qol backfill --from {day} --to {day}"
    if folder.startswith("processed/records/"):
        return "move it aside, then qol backfill --from <first arrival day> --to <today>"
    with suppress(ValueError):
        week = iso_week(monday_of(date.fromisoformat(day)))
        if folder.startswith("processed/"):
            return f"move it aside, then qol rebuild --from-week {week} --to-week {week}"
    return "move it aside, then run again"
