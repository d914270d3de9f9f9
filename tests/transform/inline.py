"""Contracts written in the test itself, and records of them in a line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import yaml

from qol.contracts.columns import record_columns
from qol.contracts.frames import no_rows
from qol.contracts.model import Contracts
from qol.contracts.source import SourceContract, source_contract
from qol.transform.daily import daily
from qol.transform.merge import Merged, merge

from .builders import CONTRACTS, JST, Row

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
    return source_contract(data, f"sources/{data['source']}/{data['record']}.yaml")


def contracts_of(*sources: SourceContract) -> Contracts:
    """These record types with the shipped vocabulary of metrics."""
    return replace(CONTRACTS, sources=sources)


def rows_of(contract: SourceContract, rows: Sequence[Row]) -> pl.DataFrame:
    """Rows as the contract's record table holds them: of p1 on Monday in Tokyo unless they say something else."""
    ordinary: Row = {"user_id": "p1", "day": date(2026, 11, 9), "day_rule": "offset", "utc_offset_seconds": JST}
    ordinary |= {"arrival_date": date(2026, 11, 10), "raw_object": "a", "line_number": 1}
    filled: list[Row] = []
    for row in rows:
        whole = ordinary | row
        whole["record_key"] = "|".join("" if whole.get(key) is None else str(whole[key]) for key in contract.key)
        seconds = whole.get(contract.source_timestamp or "")
        whole["source_timestamp"] = None if seconds is None else datetime.fromtimestamp(seconds, UTC)
        filled.append(whole)
    columns = record_columns(contract)
    schema = no_rows(columns).schema
    return pl.DataFrame([{c.name: row.get(c.name) for c in columns} for row in filled], schema=schema, orient="row")


def days_of(contract: SourceContract, rows: Sequence[Row]) -> list[Row]:
    """Daily rows of one record type alone."""
    return daily(contracts_of(contract), {contract.name: rows_of(contract, rows)}, {}).to_dicts()


def the_day_of(contract: SourceContract, rows: Sequence[Row]) -> Row:
    """The one daily row there is."""
    (row,) = days_of(contract, rows)
    return row


def merged_of(contract: SourceContract, *batches: Sequence[Row]) -> Merged:
    """What is left after one run per batch, each with what the runs before published."""
    published, outcome = None, None
    for batch in batches:
        index = pl.Series("object_index", [row.get("object_index", 0) for row in batch], pl.Int64)
        outcome = merge(rows_of(contract, batch).with_columns(index), published, contract)
        published = outcome.records.drop("week")
    assert outcome is not None
    return outcome


def after_midnight(minutes: float, day: date = date(2026, 11, 9)) -> int:
    """Unix time of so many minutes after the day's midnight in Tokyo."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(seconds=JST)
    return int(midnight.timestamp() + minutes * 60)
