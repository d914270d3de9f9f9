"""Tables of the lake: what a row is, where their files lie and how they are written."""

from typing import NamedTuple

from qol.contracts.columns import WINDOWS, short, table_folder
from qol.contracts.fixed_tables import FIXED
from qol.contracts.model import Contracts


class Place(NamedTuple):
    """Where a table's files lie below the lake, and how they are written."""

    description: str
    location: str
    format: str = "parquet"
    partition: str | None = "Monday of the ISO week, YYYY-MM-DD."


def table_places(contracts: Contracts) -> dict[str, Place]:
    """Place of every table, by table name."""
    records = {
        f"records_{c.name}": Place(short(c.description), table_folder(f"records_{c.name}")) for c in contracts.sources
    }
    fixed = {name: Place(**place) for name, place in FIXED["places"].items()}
    if contracts.windows is None:
        del fixed[WINDOWS]
    return {**fixed, **records}
