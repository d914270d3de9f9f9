"""What docs/add-a-device.md and docs/add-a-metric.md show works as it stands: check, catalog, tables, run; and its SQL."""

import json
import re
from pathlib import Path
from textwrap import indent

import polars as pl
import pytest
import yaml

from qol.contracts.expressions import ColumnTypes
from qol.contracts.generated import generated
from qol.contracts.load import load_contracts
from qol.contracts.model import Contracts
from tests.builders import run_lake, user_id, write_lines
from tests.command_line import Qol
from tests.contracts.conftest import PROJECT, Edit

PAGE = (PROJECT / "docs/add-a-device.md").read_text(encoding="utf-8")
GOLF = """
source: garmin
record: clubRounds
description: A round of golf.
person: [userId]
key: [start_seconds]
day: {start: start_seconds}
fields:
  start_seconds: {path: startTimeInSeconds, type: epoch_seconds, unit: s, range: [1262304000, 4102444800], description: Start.}
  speed_mps: {path: walkSpeed, type: number, unit: m/s, range: [0, 10], description: Speed.}
daily:
  club_speed_mps: {value: speed_mps, over: mean}
examples:
  - {name: a round, arrival: 2026-11-10, raw: {userId: u, startTimeInSeconds: 1794178800, walkSpeed: 1.4}, expect: {start_seconds: 1794178800, speed_mps: 1.4}, expect_daily: {club_speed_mps: 1.4}}
  - {name: too fast, arrival: 2026-11-10, raw: {userId: u, startTimeInSeconds: 1794178800, walkSpeed: 14}, expect: {speed_mps: null}, nulled: ['walkSpeed: 14 out_of_range']}
  - {name: no start, arrival: 2026-11-10, raw: {userId: u}, reject: missing_key}
"""


@pytest.fixture
def additions(all_sources: None, schemas: Path, edit: Edit) -> Path:
    """The shipped contracts, both devices of the page, a new type of garmin, and a metric that it gives."""
    for text in [*re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL), GOLF]:
        said = yaml.safe_load(text)
        if "source" not in said:  # a part of a contract
            continue
        file = schemas / "sources" / said["source"] / f"{said.get('record', '_rules')}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    speed = "club_speed_mps: {unit: m/s, type: number, decimals: 2, range: [0, 10], description: Speed of rounds.}"
    edit("metrics/daily.yaml", "    floors: {", f"    {speed}\n    floors: {{")
    edit("metrics/weekly.yaml", "      floors: [", "      club_speed_mps: [mean, max]\n      floors: [")
    edit("metrics/weekly.yaml", "own_days: [distance_m, ", "own_days: [distance_m, club_speed_mps, ")
    return schemas


@pytest.fixture
def contracts_with_additions(additions: Path) -> Contracts:
    return load_contracts(additions)


def test_the_additions_fit_and_are_in_catalog_tables_and_dictionary(
    qol: Qol, additions: Path, contracts_with_additions: Contracts
) -> None:
    checked = qol("contracts", "check", "--schemas", additions)
    assert (checked.code, checked.err, checked.out.endswith("all fit.\n")) == (0, "", True)
    files = generated(contracts_with_additions)
    assert "### zeno walks" in files["docs/catalog.md"]
    assert "name: steps, type: bigint" in files["schemas/tables/records_zeno_walks.yaml"]
    assert "name: club_speed_mps_max" in files["schemas/tables/weekly_metrics.yaml"]
    assert "clubRounds" in files["lib/qol/webhooks/garmin_routes.py"]
    assert "club_speed_mps_mean" in qol("contracts", "find", "speed", "rounds", "--schemas", additions).out


def test_fields_that_the_page_shows_as_a_part_are_accepted_in_a_contract(additions: Path, edit: Edit) -> None:
    [part] = [text for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "reduce: minutes" in text]
    assert "range: [0, 1440], samples: " in part  # the range of the result
    fields = indent(part.replace("start_seconds: ", "first_seconds: "), "  ")
    edit("sources/zeno/walks.yaml", "fields:\n", f"fields:\n{fields}")
    assert "deep_minutes" in load_contracts(additions).by_name["zeno_walks"].by_name


@pytest.mark.usefixtures("no_gate")
def test_lines_of_the_additions_become_weekly_values(tmp_path: Path, contracts_with_additions: Contracts) -> None:
    lake = tmp_path / "lake"
    weighings = [
        {"userId": "u1", "measuredAt": 1_794_200_000 + day * 86_400, "utcOffset": 32_400, "grams": grams}
        for day, grams in [(0, 75_450), (3, 74_900)]
    ]
    envelope = json.dumps({"weighings": weighings[1:]}).encode()
    write_lines(lake, "2026-11-13", [*weighings[:1], envelope], folder="raw/acme/weighings")
    tracks = [
        {"time": {"start": f"2026-11-{day:02d}T{hour:02d}:00:00+09:00"}, "totals": [{"kind": "steps", "value": steps}]}
        for day, hour, steps in [(9, 8, 4_200), (9, 9, 800), (10, 8, 3_000)]
    ]
    write_lines(lake, "2026-11-13", [{"owner": {"id": "u2"}, "tracks": tracks}], folder="raw/zeno/uploads")
    golf = [{"userId": "u3", "startTimeInSeconds": 1_794_200_000, "walkSpeed": 1.4}]
    write_lines(lake, "2026-11-13", golf, folder="raw/garmin/clubRounds")
    run_lake(lake, contracts_with_additions)

    weekly = pl.read_parquet(lake / "processed/weekly/date=2026-11-09/part-00000.parquet")
    weeks = {row["user_id"]: row for row in weekly.to_dicts()}
    weight, walks, speed = (weeks[user_id(*who)] for who in [("u1", "acme"), ("u2", "zeno"), ("u3", "garmin")])
    assert (weight["weight_kg_last"], weight["weight_kg_days"], weight["body_source"]) == (74.9, 2, "acme")
    assert (walks["steps_sum"], walks["steps_days"], walks["activity_source"]) == (8_000, 2, "zeno")
    assert (speed["club_speed_mps_mean"], speed["steps_mean"]) == (1.4, None)


def test_every_expression_that_the_page_names_can_be_written(contracts: Contracts) -> None:
    section = PAGE.partition("## SQL\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[2] for line in section.splitlines() if line.startswith("| ") and "`" in line]
    expressions = [sql for row in rows for sql in re.findall("`([^`]+)`", row)]
    types = ColumnTypes([("a", "bigint"), ("b", "double"), ("t", "string"), ("d", "date"), ("f", "boolean")])
    assert [mistake for sql in expressions for mistake in types.mistakes(sql, sql, "a value")] == []
    named = {name.lower() for sql in expressions for name in re.findall(r"([A-Za-z0-9]+)\(", sql)}
    assert sorted(functions_of(contracts) - named - {"in", "and", "or", "then", "else", "when", "not"}) == []


def functions_of(contracts: Contracts) -> set[str]:
    """Names before a bracket in the expressions of all shipped contracts."""
    sql = [text for c in contracts.sources for texts in c.gives.values() for text in (*texts, *c.derived.values())]
    return {name.lower() for text in sql for name in re.findall(r"([A-Za-z0-9]+) ?\(", text)}
