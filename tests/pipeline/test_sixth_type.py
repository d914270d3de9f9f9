"""One YAML file adds a record type, all the way from a raw line to a weekly column."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from qol.contracts.load import load_contracts
from qol.engine.local import LocalEngine
from qol.lake import LocalLake
from qol.pipeline import run
from tests.builders import CONTRACTS, options, user_id, write_lines

BODY_COMPS = """
source: garmin
record: bodyComps
description: A weighing.
person: [userId]
key: [measurement_time_seconds]
version: []
day: {start: measurement_time_seconds, offset: offset_seconds}
source_timestamp: measurement_time_seconds
fields:
  measurement_time_seconds: {path: measurementTimeInSeconds, type: epoch_seconds, unit: s, range: [1262304000, 4102444800], description: When.}
  offset_seconds: {path: measurementTimeOffsetInSeconds, type: integer, unit: s, range: [-43200, 50400], description: Local time minus UTC.}
  weight_g: {path: weightInGrams, type: integer, unit: g, range: [20000, 350000], description: Weight.}
daily:
  weight_kg: weight_g / 1000
examples:
  - name: a weighing
    arrival: 2026-11-10
    raw: {userId: u1, measurementTimeInSeconds: 1794200000, measurementTimeOffsetInSeconds: 32400, weightInGrams: 75450}
    expect: {day: 2026-11-09, weight_g: 75450}
"""


@pytest.mark.usefixtures("no_gate")
def test_a_new_type_needs_one_file_and_fills_its_weekly_column(tmp_path: Path) -> None:
    schemas = tmp_path / "schemas"
    shutil.copytree(CONTRACTS.root, schemas)
    (schemas / "sources/garmin/bodyComps.yaml").write_text(BODY_COMPS)
    lake = tmp_path / "lake"
    weighings = [
        {"userId": "u1", "measurementTimeInSeconds": 1_794_200_000 + day * 86_400, "measurementTimeOffsetInSeconds": 32_400, "weightInGrams": grams}
        for day, grams in [(0, 75_450), (3, 74_900)]
    ]  # fmt: skip
    write_lines(lake, "2026-11-13", weighings[:1], folder="raw/garmin/bodyComps")
    write_lines(lake, "2026-11-13", [json.dumps({"bodyComps": weighings[1:]}).encode()], folder="raw/daily")
    run(LocalLake(lake), load_contracts(schemas), options(), lambda scratch, _: LocalEngine(scratch, 1))
    week = pl.read_parquet(lake / "processed/weekly/date=2026-11-09/part-00000.parquet").row(0, named=True)
    assert (week["user_id"], week["weight_kg_last"], week["weight_kg_days"]) == (user_id("u1"), 74.9, 2)
    assert (week["body_source"], week["body_valid_days"], week["steps_mean"]) == ("garmin", 2, None)
