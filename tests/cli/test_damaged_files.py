"""Commands that read a lake name the damaged file, and how to restore it."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from qol.cli.doctor import _published
from qol.lake import LocalLake
from tests.command_line import WEEK, Qol, pseudonym
from tests.damage import without_end, zeroed_body

WEEKLY = "processed/weekly/date=2026-11-09/part-00000.parquet"
DAILY = "processed/daily/date=2026-11-02/part-00000.parquet"
RECORDS = "processed/records/garmin_dailies/date=2026-11-09/part-00000.parquet"
REJECTS = "quarantine/rows/date=2026-11-15/part-00000.parquet"
REBUILD = "move it aside, then qol rebuild --from-week 2026-W46 --to-week 2026-W46"
BACKFILL = "move it aside, then qol backfill --from <first arrival day> --to <today>"
ALICE = ("--user", pseudonym("alice"), "--week", WEEK, "--metric", "steps_mean")


@pytest.mark.parametrize("damage", [without_end, zeroed_body])
@pytest.mark.parametrize(
    ("key", "recovery_hint", "words"),
    [
        (WEEKLY, REBUILD, ["query", "SELECT steps_mean FROM weekly_metrics"]),
        (WEEKLY, REBUILD, ["query", "SELECT count(*) AS n, max(steps_mean) FROM weekly_metrics", "--format", "csv"]),
        (WEEKLY, REBUILD, ["report", "--week", WEEK]),
        (WEEKLY, REBUILD, ["why", *ALICE]),
        (RECORDS, BACKFILL, ["why", *ALICE]),
        (WEEKLY, REBUILD, ["report", "--week", WEEK, "--person", "z"]),
        (
            DAILY,
            REBUILD.replace("W46", "W45"),
            ["why", "--user", pseudonym("dave"), "--week", "2026-W40", "--metric", "steps_mean"],
        ),
        (REJECTS, "move it aside, then qol backfill --from 2026-11-15 --to 2026-11-15", ["rejects"]),
    ],
)
def test_a_damaged_file_is_named_with_the_way_to_have_it_again(
    qol: Qol, own_week: Path, damage: Callable[[Path], None], key: str, recovery_hint: str, words: list[str]
) -> None:
    damage(own_week / key)
    ended = qol(*words, "--lake", own_week)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == f"{key}: damaged, cannot be read; {recovery_hint}\n"


def test_what_is_wrong_in_a_query_is_said_in_duckdbs_words_whatever_else_is_damaged(qol: Qol, own_week: Path) -> None:
    zeroed_body(own_week / WEEKLY)
    ended = qol("query", "SELECT stepz FROM weekly_metrics", "--lake", own_week)
    assert (ended.code, "no column stepz; nearest: " in ended.err) == (2, True)


def test_doctor_names_a_file_with_a_damaged_end(qol: Qol, own_week: Path) -> None:
    without_end(own_week / RECORDS)
    ended = qol("doctor", "--lake", own_week)
    assert (ended.code, "cannot be read" in ended.out) == (1, True)
    found = [(finding.mark, finding.found, finding.next_step) for finding in _published(LocalLake(own_week))]
    assert found == [("✗", f"{RECORDS}: damaged, cannot be read", BACKFILL)]


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("processed/weekly/date=2026-11-09/strange.parquet", "no run writes such a file"),
        ("processed/notes.txt", "no run writes such a file"),
        ("processed/weekly/date=now/part-00000.parquet", "no run writes such a file"),
        (WEEKLY, "no run writes such a file"),
        (RECORDS, "damaged, cannot be read"),
    ],
    ids=["beside a table's file", "in no table", "of no day", "other columns", "damaged"],
)
def test_doctor_and_the_list_of_runs_name_a_file_that_no_run_wrote(
    qol: Qol, own_week: Path, key: str, wrong: str
) -> None:
    assert "published files" in qol("doctor", "--lake", own_week).out
    assert "fail on its table" not in qol("runs", "--lake", own_week).err
    file = own_week / key
    file.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame({"x": [1]}).write_parquet(file)
    if key == RECORDS:
        without_end(file)
    assert [(finding.mark, finding.found) for finding in _published(LocalLake(own_week))] == [("✗", f"{key}: {wrong}")]
    assert f"{key}: {wrong}. Athena and qol query fail on its table: " in qol("runs", "--lake", own_week).err


def test_doctor_counts_damaged_files_after_the_fifth(qol: Qol, own_week: Path) -> None:
    files = sorted((own_week / "processed").rglob("*.parquet"))
    for file in files:
        without_end(file)
    assert len(files) == 9
    assert "4 more are wrong" in qol("doctor", "--lake", own_week).out
