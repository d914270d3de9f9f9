"""Records, days and weeks written down in a line each; what a test does not name is null or ordinary."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import yaml

from qol.contracts.columns import daily_columns, record_columns
from qol.contracts.frames import no_rows
from qol.contracts.language import KEY
from qol.contracts.model import Contracts
from qol.contracts.source import SourceContract
from qol.tables.weeks import WEEK, monday_of
from qol.transform.daily_rows import daily
from qol.transform.merge import Merged, merge
from qol.transform.weekly_rows import WeekBefore, weekly
from tests.builders import CONTRACTS

Row = dict[str, Any]

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


def records(contract: SourceContract | str, rows: Sequence[Row]) -> pl.DataFrame:
    """Rows of a record table, as they are published: of p1 on Monday in Tokyo unless they say something else."""
    contract = contract_named(contract) if isinstance(contract, str) else contract
    ordinary = {"user_id": "p1", "day_rule": "provider", "utc_offset_seconds": JST, "raw_object": "a", "line_number": 1}
    filled: list[Row] = []
    for row in rows:
        day = row.get("day", MONDAY)
        day = date.fromisoformat(day) if isinstance(day, str) else day
        received, seconds = row.get("received_at"), row.get(contract.source_timestamp or "")
        arrival = received.date() if received else day + timedelta(days=1)
        at = None if seconds is None else datetime.fromtimestamp(seconds, UTC)
        whole: Row = ordinary | {"arrival_date": arrival, "source_timestamp": at} | row | {"day": day}
        key = [whole.get(field) for field in contract.key]
        filled.append(whole | {"record_key": "|".join("" if part is None else str(part) for part in key)})
    columns = record_columns(contract)
    shown = [{column.name: row.get(column.name) for column in columns} for row in filled]
    return pl.DataFrame(shown, schema=no_rows(columns).schema, orient="row")


def delivered(contract: SourceContract | str, rows: Sequence[Row]) -> pl.DataFrame:
    """Rows of a record table as they come out of ingest: `object_index` names where from, by default object 0."""
    index = pl.Series("object_index", [row.get("object_index", 0) for row in rows], pl.Int64)
    return records(contract, rows).with_columns(index)


def merged(name: SourceContract | str, *batches: Sequence[Row], start: pl.DataFrame | None = None) -> Merged:
    """What is left after one run per batch, each with what the runs before published."""
    contract = contract_named(name) if isinstance(name, str) else name
    published, outcome = start, None
    for batch in batches:
        outcome = merge(delivered(contract, batch), published, contract)
        published = outcome.records.drop("week")
    assert outcome is not None
    return outcome


def days(source: str = "garmin", /, **rows: Sequence[Row]) -> list[Row]:
    """The daily rows of a source's records by record type, such as `days(dailies=[...], sleeps=[...])`."""
    frames = {f"{source}_{name}": records(f"{source}_{name}", of) for name, of in rows.items()}
    return daily(CONTRACTS, frames, {}).to_dicts()


def the_day(source: str = "garmin", /, **rows: Sequence[Row]) -> Row:
    """The one daily row there is."""
    (row,) = days(source, **rows)
    return row


def daily_frame(rows: Sequence[Row]) -> pl.DataFrame:
    """Rows of daily_metrics: `day` is 0 for the Monday, or a date."""
    schema = no_rows(daily_columns(CONTRACTS)).schema
    ordinary = dict.fromkeys(schema) | {"user_id": "p1", "source": "garmin", "worn": True}
    days = [MONDAY + timedelta(days=row["day"]) if isinstance(row["day"], int) else row["day"] for row in rows]
    filled = [ordinary | row | {"day": day} for row, day in zip(rows, days, strict=True)]
    return pl.DataFrame(filled, schema=schema, orient="row")


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


#: A measurement of a device: what it measured, when, how much.
MEASUREMENTS = """
source: phone
record: measurements
key: [uuid]
source_timestamp: start_seconds
fields:
  uuid: {path: uuid, type: document_id, description: Id.}
  kind: {path: type, type: code, description: What was measured.}
  device: {path: device, type: code, description: Who measured it.}
  app: {path: app, type: document_id, description: The device itself.}
  start_seconds: {path: start, type: epoch_seconds, description: Start.}
  end_seconds: {path: end, type: epoch_seconds, description: End.}
  value: {path: value, type: number, description: How much.}
"""


EXAMPLE = {"name": "no record", "arrival": "2026-11-10", "raw": "", "reject": "not_json"}


def contract_of(*texts: str) -> SourceContract:
    """A contract of pieces of YAML; what every contract has and no test here is about is filled in."""
    data: dict[str, Any] = {"description": "Inline.", "person": ["user_id"], "examples": [EXAMPLE]}
    for text in texts:
        data |= yaml.safe_load(text)
    file = f"sources/{data['source']}/{data['record']}.yaml"
    return SourceContract.model_validate({**data, KEY: file}, by_alias=True, by_name=False)


def contracts_of(*sources: SourceContract) -> Contracts:
    """These record types with the shipped vocabulary of metrics."""
    return replace(CONTRACTS, sources=sources)


def days_of(contract: SourceContract, rows: Sequence[Row]) -> list[Row]:
    """Daily rows of one record type alone."""
    return daily(contracts_of(contract), {contract.name: records(contract, rows)}, {}).to_dicts()


def the_day_of(contract: SourceContract, rows: Sequence[Row]) -> Row:
    """The one daily row there is."""
    (row,) = days_of(contract, rows)
    return row


def after_midnight(minutes: float, day: date = MONDAY) -> int:
    """Unix time of so many minutes after the day's midnight in Tokyo."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(seconds=JST)
    return int(midnight.timestamp() + minutes * 60)
