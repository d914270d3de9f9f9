"""A contract may name a field as it likes: what the steps call columns of their own never takes its place."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

import qol
from qol.contracts.model import Contracts
from qol.contracts.record_columns import RECORD_HEAD, RECORD_TAIL, WORKING_COLUMNS
from qol.ingest.line_batches import MIN_COLUMNAR_LINES
from tests.builders import contracts_with, run_lake, write_lines

pytestmark = pytest.mark.usefixtures("no_gate")

#: What `qol contracts check` lets nobody call a field.
REFUSED = {name for name, _, _ in (*RECORD_HEAD, *RECORD_TAIL)} | {"date", "where"} | WORKING_COLUMNS
#: What may be a column that a module makes or asks for.
NAME = re.compile(r'"([a-z_]*[a-z])"|\b([a-z_]+)=')
WEEK = "date=2026-11-09/part-00000.parquet"


@pytest.fixture(scope="module")
def names() -> list[str]:
    code = Path(qol.__file__).parent
    modules = [path for part in ("ingest", "publish", "run", "transform") for path in (code / part).glob("*.py")]
    texts = [path.read_text(encoding="utf-8") for path in (*modules, *code.glob("*.py"))]
    found = {next(filter(None, groups)) for text in texts for groups in NAME.findall(text)}
    return sorted(name for name in found if name[0] != "_" and name not in REFUSED)


def words(names: list[str], folder: Path) -> Contracts:
    """Contracts with a record that has a number under each name, and a daily metric that adds them all up."""
    number = {"type": "integer", "description": "A number."}
    contract = {
        "source": "zeta",
        "record": "words",
        "description": "Numbers under every name.",
        "person": ["userId"],
        "key": ["at_time"],
        "day": {"start": "at_time"},
        "fields": {name: {"path": name, **number} for name in names}
        | {"at_time": {"path": "at_time", "type": "epoch_seconds", "description": "When."}},
        "daily": {"steps": " + ".join(f'"{name}"' for name in names)},
        "examples": [
            {"name": "one", "arrival": "2026-11-10", "raw": said(names, 1), "expect": dict.fromkeys(names, 1)}
        ],
    }
    return contracts_with(folder, yaml.safe_dump(contract))


def said(names: list[str], value: int) -> dict[str, Any]:
    return {"userId": "u1", "at_time": 1_794_231_000, **dict.fromkeys(names, value)}


def test_a_field_called_like_anything_in_the_code_keeps_its_values_through_two_runs(
    names: list[str], tmp_path: Path
) -> None:
    assert {"start", "end", "tier", "cluster", "begin", "share", "index", "mean", "quality"} <= set(names)
    contracts = words(names, tmp_path)
    lake = tmp_path / "lake"

    # As many lines as are read as one table, and one that is read by itself.
    for arrival, value, lines in (("2026-11-10", 2, MIN_COLUMNAR_LINES), ("2026-11-11", 3, 1)):
        write_lines(lake, arrival, [said(names, value)] * lines, folder="raw/zeta/words")
        run_lake(lake, contracts)

        (record,) = pl.read_parquet(lake / "processed/records/zeta_words" / WEEK).to_dicts()
        (day,) = pl.read_parquet(lake / "processed/daily" / WEEK).to_dicts()
        assert {name: record[name] for name in names} == dict.fromkeys(names, value)
        assert day["steps"] == value * len(names)
