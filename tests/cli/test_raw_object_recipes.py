"""The recipe from `raw_object` to the file in docs/why-is-it-missing.md finds the file."""

import re
from pathlib import Path

import pytest

from tests.command_line import Qol, hashed

PAGE = Path(__file__).parents[2] / "docs/why-is-it-missing.md"
OBJECT = "raw/daily/date=2026-11-15/late.jsonl"
HASHED = hashed(OBJECT)


@pytest.fixture(scope="module")
def section() -> str:
    return PAGE.read_text(encoding="utf-8").split("## From `raw_object` to the file\n")[1].split("\n## ")[0]


def test_records_have_the_hash_of_their_object(qol: Qol, week_lake: Path) -> None:
    sql = "SELECT DISTINCT raw_object FROM records_garmin_dailies WHERE steps = 2000"
    assert HASHED in qol("query", "--lake", week_lake, sql).out


def test_the_sql_finds_the_file(qol: Qol, week_lake: Path, section: str) -> None:
    (sql,) = re.findall(r"```sql\n(.*?)```", section, re.DOTALL)
    ended = qol("query", "--lake", week_lake, sql.replace("<raw_object>", HASHED), "--format", "csv")
    assert ended.out.split() == ["key", OBJECT]
