"""Records, days and weeks written down in a line each; what a test does not name is null or ordinary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from qol.contracts.columns import arrow_schema, daily_columns, record_columns
from qol.contracts.load import load_contracts
from qol.contracts.source import SourceContract
from qol.tables.weeks import WEEK, monday_of
from qol.transform.daily import daily
from qol.transform.merge import Merged, merge
from qol.transform.weekly import WeekBefore, weekly

Row = dict[str, Any]

CONTRACTS = load_contracts(Path(__file__).parents[2] / "schemas")
#: Monday of 2026-W46, the week most tests tell of.
MONDAY = date(2026, 11, 9)
JST = 32_400


def local(text: str, offset: int = JST) -> int:
    """Unix time of a local clock, such as `2026-11-09 23:00`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) - offset


def utc(text: str) -> datetime:
    """A time in UTC, such as `2026-11-10 08:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def a_day(day: str, offset: int = JST, **fields: Any) -> Row:
    """A Garmin daily or stressDetails of a whole local day, unless `fields` say something else."""
    row: Row = {"day": day, "utc_offset_seconds": offset, "start_time_seconds": local(day, offset)}
    return row | {"duration_seconds": 86_400} | fields


def a_night(day: str, bed: str, minutes: float, validation: str | None = "ENHANCED_FINAL", **fields: Any) -> Row:
    """A Garmin sleep that ended on `day`: local bedtime and minutes asleep."""
    offset = fields.get("utc_offset_seconds", JST)
    row: Row = {"day": day, "start_time_seconds": local(bed, offset), "duration_seconds": round(60 * minutes)}
    return row | {"validation": validation} | fields


def an_hrv(day: str, rmssd: float | None, **fields: Any) -> Row:
    """A Garmin HRV summary of the night before `day`."""
    return {"day": day, "start_time_seconds": local(f"{day} 02:00"), "last_night_avg": rmssd} | fields


def contract_named(name: str) -> SourceContract:
    """A shipped contract by its name, or one of Garmin's by its record type."""
    return CONTRACTS.by_name.get(name) or CONTRACTS.by_name[f"garmin_{name}"]


def records(name: str, rows: Sequence[Row]) -> pl.DataFrame:
    """Rows of a record table, as they are published."""
    contract = contract_named(name)
    ordinary = {"user_id": "p1", "day_rule": "provider", "utc_offset_seconds": JST, "raw_object": "a", "line_number": 1}
    columns = record_columns(contract)
    filled: list[dict[str, Any]] = []
    for row in rows:
        day = date.fromisoformat(row["day"])
        whole: Row = ordinary | {"arrival_date": day + timedelta(days=1)} | row | {"day": day}
        if "received_at" in row and "arrival_date" not in row:
            whole["arrival_date"] = whole["received_at"].date()
        key = [whole.get(field) for field in contract.key]
        filled.append(whole | {"record_key": "|".join("" if part is None else str(part) for part in key)})
    schema = pl.DataFrame(arrow_schema(columns).empty_table()).schema
    return pl.DataFrame([{c.name: row.get(c.name) for c in columns} for row in filled], schema=schema, orient="row")


def delivered(name: str, rows: Sequence[Row]) -> pl.DataFrame:
    """Rows of a record table as they come out of ingest: `object` names where from, by default object 0."""
    index = pl.Series("object_index", [row.get("object_index", 0) for row in rows], pl.Int64)
    return records(name, rows).with_columns(index)


def merged(name: str, *batches: Sequence[Row], start: pl.DataFrame | None = None) -> Merged:
    """What is left after one run per batch, each with what the runs before published."""
    contract = contract_named(name)
    published, outcome = start, None
    for batch in batches:
        outcome = merge(delivered(name, batch), published, contract)
        published = outcome.records.drop("week")
    assert outcome is not None
    return outcome


def days(**rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The daily rows of Garmin records by record type, such as `days(dailies=[...], sleeps=[...])`."""
    frames = {f"garmin_{name}": records(name, of) for name, of in rows.items()}
    return daily(CONTRACTS, frames, {}).to_dicts()


def the_day(**rows: Sequence[Row]) -> dict[str, Any]:
    """The one daily row there is."""
    (row,) = days(**rows)
    return row


def daily_frame(rows: Sequence[Row]) -> pl.DataFrame:
    """Rows of daily_metrics: `day` is 0 for the Monday, or a date."""
    columns = daily_columns(CONTRACTS)
    ordinary = {"user_id": "p1", "source": "garmin", "worn": True}
    filled = []
    for row in rows:
        day = row["day"]
        filled.append(ordinary | row | {"day": MONDAY + timedelta(days=day) if isinstance(day, int) else day})
    schema = pl.DataFrame(arrow_schema(columns).empty_table()).schema
    return pl.DataFrame([{c.name: row.get(c.name) for c in columns} for row in filled], schema=schema, orient="row")


def weeks(rows: Sequence[Row], monday: date = MONDAY) -> list[dict[str, Any]]:
    """The weekly rows of daily rows of one week."""
    return weekly(CONTRACTS, daily_frame(rows), monday).to_dicts()


def the_week(rows: Sequence[Row]) -> dict[str, Any]:
    """The one weekly row there is."""
    (row,) = weeks(rows)
    return row


def after(before: Sequence[Row], rows: Sequence[Row], monday: date = MONDAY) -> dict[str, Any]:
    """The one weekly row there is when `before` are the days of the week before; -7 is its Monday."""
    earlier = daily_frame(before)
    last = WeekBefore(earlier, weekly(CONTRACTS, earlier, monday - WEEK))
    (row,) = weekly(CONTRACTS, daily_frame(rows), monday, last).to_dicts()
    return row


def each_day(metric: str, values: Sequence[float | None], **others: Any) -> list[Row]:
    """Daily rows from Monday on, one value each; None leaves the day out."""
    return [{"day": n, metric: value} | others for n, value in enumerate(values) if value is not None]


def picked(row: Mapping[str, Any], *names: str) -> tuple[Any, ...]:
    """Some columns of a row."""
    return tuple(row[name] for name in names)


def monday(day: str) -> date:
    """The Monday of a day's ISO week."""
    return monday_of(date.fromisoformat(day))
