"""What a run asks a bucket for: every question is a request, which takes time and costs money."""

from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from qol.lake.s3 import S3Lake
from qol.tables.manifest import UnreadDays
from tests.builders import daily_record, run_lake, write_lines
from tests.edges import ENVIRONMENT, QUICK, make_bucket, upload

pytestmark = pytest.mark.usefixtures("no_gate")


def test_published_files_are_listed_in_one_request_and_none_is_looked_for_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        client, lake = make_bucket("bucket"), S3Lake("bucket", policy=QUICK)
        write_lines(tmp_path, "2026-11-10", [daily_record("u1", 0)])
        upload(client, "bucket", tmp_path / "raw", "raw/")
        run_lake(lake)
        write_lines(tmp_path, "2026-11-10", [daily_record("u1", 1)], name="b.jsonl")
        write_lines(tmp_path, "2026-11-11", [daily_record("u1", 2)])  # a day that the table of objects does not have
        upload(client, "bucket", tmp_path / "raw", "raw/")
        listed, asked, opened = (told(monkeypatch, name) for name in ("walk", "stat", "open_table"))
        assert run_lake(lake).weeks == ["2026-W46"]
    assert [prefix for prefix in listed if prefix.startswith("_objects/")] == ["_objects/"]
    # To compare and, as the day has a new object, to write: the days between are not held.
    assert {key for key in opened if key.startswith("_objects/")} == {"_objects/date=2026-11-10/part-00000.parquet"}
    assert [prefix for prefix in listed if prefix.startswith("processed/")] == ["processed/"]
    records = {key for key in asked if key.startswith("processed/records/")}
    assert records == {"processed/records/garmin_dailies/date=2026-11-09/part-00000.parquet"}


def test_days_that_no_run_has_read_are_found_by_folders_and_only_those_are_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        client, lake = make_bucket("bucket"), S3Lake("bucket", policy=QUICK)
        for day in ("2026-08-01", "2026-11-10"):
            write_lines(tmp_path, day, [daily_record("u1", 0)])
        upload(client, "bucket", tmp_path / "raw", "raw/")
        run_lake(lake)
        write_lines(tmp_path, "2026-08-02", [daily_record("u1", 1)])
        upload(client, "bucket", tmp_path / "raw", "raw/")
        listed = told(monkeypatch, "walk")
        assert run_lake(lake).unread_days == [UnreadDays("2026-08-02", "2026-08-02", 1, 1)]
    assert "raw/daily/date=2026-08-02/" in listed
    assert "raw/daily/date=2026-08-01/" not in listed


def told(monkeypatch: pytest.MonkeyPatch, name: str) -> list[str]:
    """Keys with which a method of the lake is called from now on."""
    keys: list[str] = []
    real = getattr(S3Lake, name)

    def noting(lake: S3Lake, key: str) -> Any:
        keys.append(key)
        return real(lake, key)

    monkeypatch.setattr(S3Lake, name, noting)
    return keys
