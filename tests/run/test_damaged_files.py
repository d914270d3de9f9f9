"""A published file that is damaged ends a run by its name, with the way to have it again; that way works."""

import errno
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from qol.contracts.columns import table_schemas
from qol.errors import LakeError
from qol.identity.user_map import UserMap
from qol.lake import LocalLake
from qol.quality.gate_input import collect_gate_input
from qol.quality.partition_checks import Computed
from qol.tables.corruption import reading
from qol.tables.footers import Footers
from qol.tables.layout import find_published
from qol.tables.manifest import read_manifests
from tests.builders import CONTRACTS, contracts_with, daily_record, published_files, run_lake, write_lines
from tests.damage import unnamed_column, without_end, zeroed_body
from tests.run.test_deletions import DELETED, MEASUREMENTS, deliver, gone, walked

pytestmark = pytest.mark.usefixtures("no_gate", "edge")

RECORDS = "processed/records/garmin_dailies/date=2026-11-09/part-00000.parquet"
DAILY = "processed/daily/date=2026-11-09/part-00000.parquet"


def without_limits(file: Path) -> None:
    pq.write_table(pq.ParquetFile(file).read(), file, write_statistics=False)


@pytest.mark.parametrize("damage", [without_end, zeroed_body, unnamed_column, without_limits])
def test_a_damaged_file_of_records_ends_a_run_by_its_key_and_a_backfill_makes_it_again(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record("u1")])
    run_lake(tmp_path)
    good = published_files(tmp_path, "processed")
    damage(tmp_path / RECORDS)
    with pytest.raises(LakeError) as raised:
        run_lake(tmp_path, reread=True)
    assert str(raised.value) == (
        f"{RECORDS}: damaged, cannot be read; move it aside, then qol backfill --from <first arrival day> --to <today>"
    )
    assert next(read_manifests(LocalLake(tmp_path))).error == str(raised.value)
    (tmp_path / RECORDS).unlink()
    run_lake(tmp_path, backfill=(date(2026, 11, 10), date(2026, 11, 18)))
    assert published_files(tmp_path, "processed") == good


def test_a_damaged_file_of_days_of_the_week_before_names_the_rebuild_that_makes_it_again(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record("u1")])
    run_lake(tmp_path)
    good = published_files(tmp_path, "processed")
    zeroed_body(tmp_path / DAILY)
    later = daily_record("u1", 10)
    write_lines(tmp_path, "2026-11-25", [later])
    window = (date(2026, 11, 25), date(2026, 11, 25))
    with pytest.raises(LakeError) as raised:
        run_lake(tmp_path, now=datetime(2026, 11, 26, tzinfo=UTC), backfill=window)
    assert str(raised.value) == (
        f"{DAILY}: damaged, cannot be read; move it aside, then qol rebuild --from-week 2026-W46 --to-week 2026-W46"
    )
    (tmp_path / DAILY).unlink()
    run_lake(tmp_path, rebuild=(date(2026, 11, 9), date(2026, 11, 9)))
    assert published_files(tmp_path, "processed")[DAILY] == good[DAILY]


def test_days_whose_file_is_damaged_in_the_name_of_a_column_are_made_again_by_a_rebuild(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record("u1")])
    run_lake(tmp_path)
    good = published_files(tmp_path, "processed")
    unnamed_column(tmp_path / DAILY)
    run_lake(tmp_path, rebuild=(date(2026, 11, 9), date(2026, 11, 9)))
    assert published_files(tmp_path, "processed") == good


def test_a_damaged_file_that_deletions_are_looked_up_in_is_named(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    contracts = contracts_with(tmp_path_factory.mktemp("contracts"), MEASUREMENTS, DELETED)
    deliver(tmp_path, "2026-11-10", [walked("a")])
    run_lake(tmp_path, contracts)
    steps = "processed/records/phone_measurements/date=2026-11-09/part-00000.parquet"
    zeroed_body(tmp_path / steps)
    deliver(tmp_path, "2026-11-24", [gone("a")])
    window = (date(2026, 11, 24), date(2026, 11, 24))
    with pytest.raises(LakeError, match=f"^{steps}: damaged, cannot be read; move it aside"):
        run_lake(tmp_path, contracts, now=datetime(2026, 11, 25, tzinfo=UTC), backfill=window)


def test_a_damaged_file_in_which_people_of_a_new_map_are_looked_up_is_named(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record("u1")])
    run_lake(tmp_path)
    zeroed_body(tmp_path / RECORDS)
    people = UserMap((("garmin", "u9", "P0009", None),))
    with pytest.raises(LakeError, match=f"^{RECORDS}: damaged, cannot be read; move it aside"):
        run_lake(tmp_path, user_map=people)


def test_a_run_warns_of_a_damaged_file_that_it_leaves_as_it_is(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record("u1")])
    run_lake(tmp_path)
    without_end(tmp_path / DAILY)
    given = collect_gate_input(
        Footers(LocalLake(tmp_path)),
        CONTRACTS,
        next(read_manifests(LocalLake(tmp_path))),
        find_published(LocalLake(tmp_path), table_schemas(CONTRACTS)),
        [],
        Computed({}),
    )
    found = {(c.table, c.date): c.found for c in given.comparisons if c.compared == "files_readable"}
    wrong = "the published file is damaged or no run wrote it, Athena and qol query fail on this table"
    assert found == {
        ("records_garmin_dailies", "2026-11-09"): {}, ("weekly_metrics", "2026-11-09"): {},
        ("daily_metrics", "2026-11-09"): {"warning": wrong},
    }  # fmt: skip


def test_a_damaged_day_of_rejects_names_the_backfill_of_that_day() -> None:
    key = "quarantine/rows/date=2026-11-10/part-00000.parquet"
    with pytest.raises(LakeError) as raised, reading(key):
        pq.read_table(__file__)
    assert str(raised.value) == (
        f"{key}: damaged, cannot be read; move it aside, then qol backfill --from 2026-11-10 --to 2026-11-10"
    )


def test_trouble_of_the_machine_is_no_damage() -> None:
    with pytest.raises(OSError, match="Input/output error"), reading(DAILY):
        raise OSError(errno.EIO, "Input/output error")
