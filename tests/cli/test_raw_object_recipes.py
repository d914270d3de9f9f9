"""The recipes from `raw_object` to the file in docs/why-is-it-missing.md find the file."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.command_line import Qol

PAGE = Path(__file__).parents[2] / "docs/why-is-it-missing.md"
OBJECT = "raw/daily/date=2026-11-15/late.jsonl"
#: printf raw/daily/date=2026-11-15/late.jsonl | sha256sum
HASHED = "475bc0526a46555c73bd5822d8019836795730410995310fb6c5732484131a3a"


@pytest.fixture(scope="module")
def section() -> str:
    return PAGE.read_text(encoding="utf-8").split("## From `raw_object` to the file\n")[1].split("\n## ")[0]


def test_records_have_the_hash_of_their_object(qol: Qol, week_lake: Path) -> None:
    sql = "SELECT DISTINCT raw_object FROM records_garmin_dailies WHERE steps = 2000"
    assert HASHED in qol("query", "--lake", week_lake, sql).out


def test_the_sql_finds_the_file(qol: Qol, week_lake: Path, section: str) -> None:
    (sql,) = re.findall(r"```sql\n(.*?)```", section, re.DOTALL)
    ended = qol("query", "--lake", week_lake, sql.replace("<raw_object>", HASHED), "--format", "csv")
    assert ended.out.split() == ["raw_key", OBJECT]


def test_the_listing_finds_the_file(week_lake: Path, section: str) -> None:
    (command,) = re.findall(r"```\n(cd LAKE .*?)```", section, re.DOTALL)
    recipe = command.replace("LAKE", str(week_lake), 1).replace("RAW_OBJECT", HASHED)
    assert subprocess.run(["bash", "-c", recipe], capture_output=True, text=True, check=True).stdout == f"{OBJECT}\n"
