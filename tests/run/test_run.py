"""What one run reads, computes again, replaces and says about it."""

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest

from qol.contracts.checked_json import stored_schema
from qol.contracts.model import Contracts
from qol.errors import LakeError, UsageError
from qol.identity.pseudonyms import Identities
from qol.lake import Lake, LocalLake
from qol.lake.s3 import S3Lake
from qol.quality.row_facts import RowFacts, observe_rows
from qol.tables.layout import Candidate
from qol.tables.manifest import SCHEMA, RawObjects
from tests.builders import KEY, daily_record, night_record, published_files, run_lake, user_id, write_lines

pytestmark = pytest.mark.usefixtures("no_gate", "edge")
DAILY = "processed/daily/date=2026-11-09/part-00000.parquet"
WEEKLY = "processed/weekly/date=2026-11-09/part-00000.parquet"


def _weekly(lake: Path, monday: str = "2026-11-09") -> pl.DataFrame:
    return pl.read_parquet(lake / f"processed/weekly/date={monday}/part-00000.parquet", hive_partitioning=False)


def test_a_week_of_two_people_becomes_one_row_each(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record("u1", 0, steps=100), daily_record("u2", 0, steps=7)])
    write_lines(tmp_path, "2026-11-11", [daily_record("u1", 1, steps=200)])
    manifest = run_lake(tmp_path)
    rows = {row["user_id"]: row for row in _weekly(tmp_path).iter_rows(named=True)}
    assert (manifest.status, manifest.failed_stage) == ("published", None)
    assert list(manifest.stages) == ["list", "ingest", "reduce", "assemble", "gate", "publish"]
    assert manifest.weeks == ["2026-W46"]
    assert (rows[user_id("u1")]["steps_mean"], rows[user_id("u1")]["steps_sum"]) == (150.0, 300)
    assert (rows[user_id("u2")]["steps_mean"], rows[user_id("u2")]["steps_sd"]) == (7.0, None)
    assert rows[user_id("u1")]["week_end"] == date(2026, 11, 15)


def test_the_same_run_again_has_nothing_to_do_and_touches_no_file(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record(), b"{"])
    run_lake(tmp_path)
    before = (tmp_path / WEEKLY).stat().st_mtime_ns
    manifest = run_lake(tmp_path)
    assert manifest.status == "nothing_to_do"
    assert manifest.weeks == []
    assert (tmp_path / WEEKLY).stat().st_mtime_ns == before


def test_rows_of_a_file_that_is_as_it_was_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []

    def counting(lake: Lake, contracts: Contracts, candidate: Candidate) -> RowFacts:
        counted.append(candidate.table)
        return observe_rows(lake, contracts, candidate)

    monkeypatch.setattr("qol.run.steps.observe_rows", counting)
    write_lines(tmp_path, "2026-11-10", [daily_record()])
    run_lake(tmp_path)
    assert sorted(counted) == ["daily_metrics", "records_garmin_dailies", "weekly_metrics"]
    counted.clear()
    assert run_lake(tmp_path, reread=True).status == "nothing_to_do"
    assert counted == []


def test_late_data_repairs_its_own_week_and_no_other(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record("u1", 0), daily_record("u1", -14)])
    run_lake(tmp_path)
    write_lines(tmp_path, "2026-11-17", [daily_record("u1", -13)])
    manifest = run_lake(tmp_path)
    assert manifest.weeks == ["2026-W44"]
    assert _weekly(tmp_path, "2026-10-26")["steps_days"].to_list() == [2]


def test_a_week_that_is_not_closed_has_daily_rows_but_no_weekly_row(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record()])
    run_lake(tmp_path, now=datetime(2026, 11, 16, 11, 59, tzinfo=UTC))
    assert not (tmp_path / WEEKLY).exists()
    assert (tmp_path / "processed/daily/date=2026-11-09/part-00000.parquet").exists()
    run_lake(tmp_path, now=datetime(2026, 11, 16, 12, 0, tzinfo=UTC))
    assert _weekly(tmp_path).height == 1


def test_a_closed_week_without_a_weekly_file_is_computed_even_when_nothing_arrived_for_it(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record()])
    run_lake(tmp_path)
    (tmp_path / WEEKLY).unlink()
    manifest = run_lake(tmp_path, now=datetime(2027, 1, 20, tzinfo=UTC), raw_days=1)
    assert manifest.weeks == ["2026-W46"]


def test_a_run_reads_from_two_days_before_the_last_good_run_even_after_a_long_break(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record()])
    run_lake(tmp_path)
    manifest = run_lake(tmp_path, now=datetime(2027, 3, 1, tzinfo=UTC))
    assert (manifest.window.first, manifest.window.last) == ("2026-11-16", "2027-03-01")


def test_a_backfill_or_rebuild_does_not_move_the_window_of_the_next_run(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record()])
    run_lake(tmp_path)
    later = datetime(2027, 3, 1, tzinfo=UTC)
    run_lake(tmp_path, now=later, backfill=(date(2026, 1, 1), date(2026, 1, 2)))
    run_lake(tmp_path, now=later, rebuild=(date(2026, 11, 9), date(2026, 11, 9)))
    assert run_lake(tmp_path, now=later).window.first == "2026-11-16"


def test_what_lies_after_the_clock_is_not_read(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-19", [daily_record()])
    assert run_lake(tmp_path).raw_objects == RawObjects("objects_read", 0, 0, passed_over=0)


def test_rejects_are_kept_with_reason_place_and_raw_line(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record(), b"{nonsense"])
    run_lake(tmp_path)
    row = pl.read_parquet(tmp_path / "quarantine/rows/date=2026-11-10/part-00000.parquet").row(0, named=True)
    assert (row["reason"], row["raw_object"], row["line_number"], row["raw"]) == (
        "not_json", Identities(KEY, {}).object_hash("raw/daily/date=2026-11-10/a.jsonl"), 2, b"{nonsense",
    )  # fmt: skip


def test_rejects_of_a_day_are_gone_when_the_object_was_repaired(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [b"{nonsense"])
    run_lake(tmp_path)
    write_lines(tmp_path, "2026-11-10", [daily_record()])
    run_lake(tmp_path)
    assert pl.read_parquet(tmp_path / "quarantine/rows/date=2026-11-10/part-00000.parquet").height == 0


def test_rebuild_makes_daily_and_weekly_again_from_records_without_raw(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record(), daily_record("u2")])
    write_lines(tmp_path, "2026-11-10", [night_record()], folder="raw/garmin/sleeps")
    run_lake(tmp_path)
    good = published_files(tmp_path)
    (tmp_path / WEEKLY).unlink()
    (tmp_path / DAILY).write_bytes(b"broken")
    (tmp_path / "raw/daily/date=2026-11-10/a.jsonl").unlink()
    run_lake(tmp_path, rebuild=(date(2026, 11, 9), date(2026, 11, 9)))
    assert published_files(tmp_path) == good


def test_files_of_an_older_shape_are_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record()])
    run_lake(tmp_path)
    manifest_file = next((tmp_path / "_runs").iterdir())
    manifest_file.write_text(manifest_file.read_text().replace('"contracts":"', '"contracts":"older'))
    old = pl.read_parquet(tmp_path / WEEKLY, hive_partitioning=False).drop("steps_sum")
    old.write_parquet(tmp_path / WEEKLY)
    run_lake(tmp_path, now=datetime(2027, 3, 1, tzinfo=UTC), raw_days=1)
    assert "steps_sum" in _weekly(tmp_path).columns


def test_files_with_other_types_of_columns_are_written_again(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record()])
    run_lake(tmp_path)
    before, file = published_files(tmp_path), tmp_path / DAILY
    pl.read_parquet(file, hive_partitioning=False).with_columns(pl.col("steps").cast(pl.Int64)).write_parquet(file)
    assert run_lake(tmp_path, now=datetime(2027, 3, 1, tzinfo=UTC), raw_days=1).weeks == ["2026-W46"]
    assert published_files(tmp_path) == before


def test_a_published_file_with_a_broken_footer_is_written_again(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record()])
    run_lake(tmp_path)
    before = published_files(tmp_path)
    (tmp_path / WEEKLY).write_bytes(b"PAR1" + b"\xff" * 64 + (64).to_bytes(4, "little") + b"PAR1")
    assert run_lake(tmp_path).weeks == ["2026-W46"]
    assert published_files(tmp_path) == before


@pytest.mark.folder_only
def test_a_run_sweeps_at_its_end_only_what_it_staged_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record()])

    def another_run_stages(*_: Any) -> list[Any]:
        (tmp_path / "_staging/another-run").mkdir()
        (tmp_path / "_staging/another-run/part.arrow").write_bytes(b"1")
        return []

    monkeypatch.setattr("qol.run.pipeline.run_gate", another_run_stages)
    run_lake(tmp_path)
    assert [path.name for path in (tmp_path / "_staging").iterdir()] == ["another-run"]


def test_a_dry_run_computes_all_and_writes_nothing(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record()])
    manifest = run_lake(tmp_path, dry_run=True)
    assert [t.name for t in manifest.tables] == ["daily_metrics", "records_garmin_dailies", "weekly_metrics"]
    assert published_files(tmp_path, "processed", "_runs", "_staging") == {}


def test_a_manifest_is_one_line_that_its_json_schema_accepts(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record(averageStressLevel=-1, novelty=1), b"{"])
    manifest = run_lake(tmp_path)
    text = (tmp_path / f"_runs/{manifest.run_id}.json").read_text()
    jsonschema.validate(json.loads(text), stored_schema(SCHEMA))
    assert text.count("\n") == 1
    assert json.loads(text)["field_issues"] == {
        "garmin_dailies": {"averageStressLevel": {"sentinel": 1}, "(other)": {"unknown_field": 1}}
    }


def test_another_key_is_refused_even_after_a_first_run_that_died_while_publishing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record("u1")])
    with monkeypatch.context() as patch:
        patch.setattr(LocalLake, "register", _die)
        patch.setattr(S3Lake, "register", _die)
        with pytest.raises(RuntimeError):
            run_lake(tmp_path)
    with pytest.raises(UsageError, match="not the key that earlier runs of this lake used"):
        run_lake(tmp_path, key=b"k" * 32)


def _die(*_: object) -> None:
    raise RuntimeError


def test_weeks_of_a_backfill_that_died_while_publishing_are_repaired_by_a_plain_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record("u1", 0)])
    run_lake(tmp_path)
    old = daily_record("u1", 0, calendarDate="2026-08-31", startTimeInSeconds=1_788_102_000)
    write_lines(tmp_path, "2026-09-01", [old])
    window = (date(2026, 9, 1), date(2026, 9, 1))
    with monkeypatch.context() as patch:
        patch.setattr(LocalLake, "register", _die)
        patch.setattr(S3Lake, "register", _die)
        with pytest.raises(RuntimeError):
            run_lake(tmp_path, backfill=window)
    assert run_lake(tmp_path).weeks == ["2026-W36"]
    assert _weekly(tmp_path, "2026-08-31")["steps_sum"].to_list() == [1000]


def test_a_run_with_a_clock_in_the_future_does_not_hide_what_arrives_before_it(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record("u1")])
    run_lake(tmp_path, now=datetime(2027, 6, 1, tzinfo=UTC))
    write_lines(tmp_path, "2026-11-11", [daily_record("u2")])
    assert run_lake(tmp_path).totals["kept"] == 1


def test_a_damaged_gzip_object_keeps_the_lines_before_the_damage(tmp_path: Path) -> None:
    lines = b"".join(json.dumps(daily_record(f"u{i}")).encode() + b"\n" for i in range(5))
    packed = gzip.compress(lines, mtime=0)
    file = write_lines(tmp_path, "2026-11-10", [], name="a.jsonl.gz")
    file.write_bytes(packed[:-8] + b"\0\0\0\0" + packed[-4:])
    manifest = run_lake(tmp_path)
    assert (manifest.totals["kept"], manifest.rejects_by_reason) == (5, {"truncated_object": 1})


@pytest.mark.folder_only
def test_names_that_are_not_utf8_and_links_do_not_stop_a_run_and_are_not_read(tmp_path: Path) -> None:
    folder = write_lines(tmp_path, "2026-11-10", [daily_record("u1")]).parent
    Path(bytes(folder).decode() + "/bad\udcff.jsonl").write_text("{}")
    (folder / "nowhere.jsonl").symlink_to(folder / "gone")
    (tmp_path / "raw/loop").symlink_to(tmp_path / "raw")
    outside = tmp_path.with_name("outside")
    secret = write_lines(outside, "2026-11-11", [b"secret"])
    (folder / "file.jsonl").symlink_to(secret)
    folder.with_name("date=2026-11-11").symlink_to(secret.parent)
    manifest = run_lake(tmp_path)
    assert (manifest.totals["lines"], manifest.totals["kept"]) == (1, 1)
    why = {
        "daily/date=2026-11-10/bad\\udcff.jsonl.not-utf8": "not_jsonl",
        "daily/date=2026-11-10/file.jsonl": "link",
        "daily/date=2026-11-10/nowhere.jsonl": "link",
        "daily/date=2026-11-11": "link",
        "loop": "link",
    }
    names = Identities(KEY, {})
    hashes = {names.object_hash(f"raw/{name}"): reason for name, reason in why.items()}
    assert {skipped.key.rpartition("/")[2]: skipped.reason for skipped in manifest.skipped} == hashes


@pytest.mark.folder_only
@pytest.mark.parametrize("link", ["date=2026-11-09", "date=2026-11-09/part-00000.parquet"])
def test_a_link_in_a_table_stops_the_run_by_name(tmp_path: Path, link: str) -> None:
    place = tmp_path / "lake/processed/weekly" / link
    place.parent.mkdir(parents=True)
    place.symlink_to(tmp_path)
    with pytest.raises(LakeError, match=f"1 other file.s.: processed/weekly/{link}; allowed"):
        run_lake(tmp_path / "lake")
