"""A published file that cannot be read: told by its key, with the way to have it again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from qol.errors import LakeError
from qol.frames import DAMAGED
from qol.weeks import iso_week


@contextmanager
def reading(key: str) -> Iterator[None]:
    """Reads of a published Parquet file; LakeError that names it when it is none, or when what it holds is damaged."""
    try:
        yield
    except (*DAMAGED, UnicodeDecodeError) as err:
        if getattr(err, "errno", None):  # the machine's own trouble: Arrow gives damage no number
            raise
        raise damaged(key) from None


def damaged(key: str) -> LakeError:
    """The error of a damaged file."""
    return LakeError(f"{key}: damaged, cannot be read; {_way_out(key)}")


def _way_out(key: str) -> str:
    folder, _, rest = key.partition("/date=")
    day = rest.partition("/")[0]
    if folder == "quarantine/rows":
        return f"move it aside, then qol backfill --from {day} --to {day}"
    if folder.startswith("processed/records/"):
        return "move it aside, then qol backfill --from <first arrival day> --to <today>"
    if folder.startswith("processed/"):
        week = iso_week(date.fromisoformat(day))
        return f"move it aside, then qol rebuild --from-week {week} --to-week {week}"
    return "run again"
