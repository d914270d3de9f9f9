"""Tables of the lake: what a row is, where their files lie and how they are written."""

from collections.abc import Mapping
from typing import NamedTuple

from qol.contracts.columns import WINDOWS, short, table_folder
from qol.contracts.model import Contracts


class Place(NamedTuple):
    """Where a table's files lie below the lake, and how they are written."""

    description: str
    location: str
    format: str = "parquet"
    partition: str | None = "Monday of the ISO week, YYYY-MM-DD."


_PLACES: Mapping[str, Place] = {
    "weekly_metrics": Place("One row per person and ISO week, closed weeks only.", table_folder("weekly_metrics")),
    "daily_metrics": Place("One row per person, local day and source.", table_folder("daily_metrics")),
    WINDOWS: Place(
        "One row per questionnaire, of closed weeks: its scores beside what was measured in the days it looks back on.",
        table_folder(WINDOWS),
    ),
    "rejects": Place(
        "Items that could not be read, with their reason; for operators only.",
        table_folder("rejects"),
        partition="UTC day of arrival, YYYY-MM-DD.",
    ),
    "job_runs": Place("One row per run: its manifest.", table_folder("job_runs"), format="json", partition=None),
}


def table_places(contracts: Contracts) -> dict[str, Place]:
    """Place of every table, by table name."""
    records = {
        f"records_{c.name}": Place(short(c.description), table_folder(f"records_{c.name}")) for c in contracts.sources
    }
    tables = {name: place for name, place in _PLACES.items() if name != WINDOWS or contracts.windows is not None}
    return {**tables, **records}
