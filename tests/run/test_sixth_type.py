"""The YAML file that docs/add-a-device.md shows adds a record type, from a raw line to a weekly column."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from qol.contracts.load import load_contracts
from tests.builders import CONTRACTS, run_lake, user_id, write_lines

PAGE = Path(__file__).parents[2] / "docs/add-a-device.md"


@pytest.mark.usefixtures("no_gate")
def test_a_new_type_needs_one_file_and_fills_its_weekly_column(tmp_path: Path) -> None:
    schemas = tmp_path / "schemas"
    shutil.copytree(CONTRACTS.root, schemas)
    (schemas / "sources/acme").mkdir(exist_ok=True)
    (schemas / "sources/acme/weighings.yaml").write_text(the_pages_contract())
    lake = tmp_path / "lake"
    weighings = [
        {"userId": "u1", "measuredAt": 1_794_200_000 + day * 86_400, "utcOffset": 32_400, "grams": grams}
        for day, grams in [(0, 75_450), (3, 74_900)]
    ]
    envelope = json.dumps({"weighings": weighings[1:]}).encode()
    write_lines(lake, "2026-11-13", [*weighings[:1], envelope], folder="raw/acme/weighings")
    run_lake(lake, load_contracts(schemas))
    week = pl.read_parquet(lake / "processed/weekly/date=2026-11-09/part-00000.parquet").row(0, named=True)
    assert (week["user_id"], week["weight_kg_last"], week["weight_kg_days"]) == (user_id("u1", "acme"), 74.9, 2)
    assert (week["body_source"], week["body_valid_days"], week["steps_mean"]) == ("acme", 2, None)


def the_pages_contract() -> str:
    """The contract that docs/add-a-device.md shows."""
    return PAGE.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
