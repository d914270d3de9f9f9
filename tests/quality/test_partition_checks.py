"""A published week that would lose users, and a metric that vanished, are refused by name from twenty users on."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from qol.errors import RefusedError
from qol.identity.erasures import Tombstone, write_tombstone
from qol.identity.pseudonyms import Identities
from qol.lake import LocalLake
from qol.lake.base import StoredObject
from qol.quality.partition_checks import check_metrics, newest_files
from qol.tables.footers import Footer
from qol.tables.layout import Published
from tests.builders import (
    CONTRACTS,
    KEY,
    daily_record,
    published_files,
    run_lake,
    user_id,
    without_gate,
    write_lines,
)

#: What refuses a closed week without steps: the metric of weekly_metrics, and the field of Garmin's days.
EMPTIED = frozenset({"metrics_not_emptied", "fields_as_before.critical"})


def publish(lake: Path) -> None:
    """The run before the one that a test is about; it has no gate."""
    with without_gate():
        run_lake(lake)


def _users(count: int, **values: object) -> list[dict[str, Any]]:
    return [daily_record(f"u{i}", 0, **values) for i in range(count)]


def _week_before(count: int) -> list[dict[str, Any]]:
    return [daily_record(f"u{i}", -7, calendarDate=None) for i in range(count)]


def test_a_published_week_that_would_lose_a_quarter_of_its_users_is_refused_and_stays(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", _users(20))
    publish(tmp_path)
    good = published_files(tmp_path)
    records = tmp_path / "processed/records/garmin_dailies/date=2026-11-09/part-00000.parquet"
    pl.read_parquet(records, hive_partitioning=False).head(15).write_parquet(records)
    (tmp_path / "raw/daily/date=2026-11-10/a.jsonl").write_text("")
    damaged = published_files(tmp_path)
    with pytest.raises(RefusedError, match="people_kept: weekly_metrics in 2026-W46: 5 of 20 users lost"):
        run_lake(tmp_path, rebuild=(date(2026, 11, 9), date(2026, 11, 9)))
    assert published_files(tmp_path) == damaged
    assert {k: v for k, v in damaged.items() if "weekly" in k} == {k: v for k, v in good.items() if "weekly" in k}


def test_erased_users_whom_a_week_loses_are_not_counted_as_lost(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", _users(20))
    publish(tmp_path)
    tombstone, identities = Tombstone("0" * 32, "2026-11-18T00:00:00Z"), Identities(KEY, {})
    tombstone.users = [identities.erasure_hash("user", user_id(f"u{number}")) for number in range(8)]
    write_tombstone(LocalLake(tmp_path), tombstone)
    manifest = run_lake(tmp_path, rebuild=(date(2026, 11, 9), date(2026, 11, 9)))
    assert manifest.status == "published"
    assert [check.success for check in manifest.checks if check.id == "people_kept"] == [True]
    assert pl.read_parquet(tmp_path / "processed/weekly/date=2026-11-09/part-00000.parquet").height == 12


def test_a_weekly_file_whose_ids_are_numbers_is_none_of_ours_and_replaced(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", _users(20))
    publish(tmp_path)
    weekly = tmp_path / "processed/weekly/date=2026-11-09/part-00000.parquet"
    good = published_files(tmp_path)
    pl.read_parquet(weekly, hive_partitioning=False).with_columns(user_id=pl.int_range(pl.len())).write_parquet(weekly)
    manifest = run_lake(tmp_path, rebuild=(date(2026, 11, 9), date(2026, 11, 9)))
    observed = {check.id: check.observed for check in manifest.checks}
    assert observed["people_kept"] == "not checked: the published file is damaged (weekly_metrics 2026-W46)"
    assert published_files(tmp_path) == good


def test_a_metric_that_vanished_is_refused_by_name_and_published_when_the_operator_accepts_it(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-03", _week_before(20))
    publish(tmp_path)
    renamed = [{k: v for k, v in record.items() if k != "steps"} | {"stepCount": 5} for record in _users(20)]
    write_lines(tmp_path, "2026-11-10", renamed)
    with pytest.raises(RefusedError, match="metrics_not_emptied.*steps"):
        run_lake(tmp_path)
    manifest = run_lake(tmp_path, accept=EMPTIED)
    assert (manifest.status, manifest.accepted, manifest.weeks) == ("published", sorted(EMPTIED), ["2026-W46"])


def test_a_vanished_metric_of_nineteen_users_is_published_and_the_manifest_says_it_was_not_checked(
    tmp_path: Path,
) -> None:
    write_lines(tmp_path, "2026-11-03", _week_before(19))
    publish(tmp_path)
    write_lines(tmp_path, "2026-11-10", _users(19, steps=None))
    manifest = run_lake(tmp_path, docs=tmp_path / "_docs")
    found = {check.id: (check.checked, check.observed) for check in manifest.checks}
    assert manifest.status == "published"
    assert found["metrics_not_emptied"] == (False, "not checked: fewer than 20 users (weekly_metrics 2026-W46)")
    assert found["people_kept"] == (False, "not checked: not published before (weekly_metrics 2026-W46)")
    assert found["rows_as_expected"] == (True, "0 of 3 files")
    pages = "".join(page.read_text() for page in (tmp_path / "_docs").rglob("*.html"))
    assert "not checked: fewer than 20 users (weekly_metrics 2026-W46)" in pages


def test_the_newest_files_are_those_that_are_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qol.quality.partition_checks.MAX_READABLE", 2)
    places = [("weekly_metrics", day) for day in ("2026-10-26", "2026-11-02", "2026-11-09")] + [
        ("rejects", "2026-11-17")
    ]
    published = Published({place: StoredObject("", 0, "") for place in places})
    assert newest_files(published) == [places[2], places[1]]
    assert newest_files(published, [places[2]]) == [places[1], places[0]]


@pytest.mark.parametrize(
    ("before", "left", "found"),
    [
        (20, 2, {"critical": "steps 2 of 20 users (before 20 of 20 rows)"}),
        (20, 3, {}),
        (10, 1, {"critical": "steps 1 of 20 users (before 10 of 20 rows)"}),
        (9, 0, {}),
    ],
    ids=["a tenth is left", "more is left", "of half of the users, which are the fewest compared", "few had it"],
)
def test_a_metric_is_emptied_when_at_most_a_tenth_of_its_values_is_left(
    before: int, left: int, found: dict[str, str]
) -> None:
    earlier, now = (Footer(20, {"steps_mean": count}, None) for count in (before, left))
    assert check_metrics(CONTRACTS, now, [[earlier], []]) == check_metrics(CONTRACTS, now, [[], [earlier]]) == found


def test_a_published_metric_that_would_vanish_from_its_own_week_is_refused(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", _users(20))
    publish(tmp_path)
    records = tmp_path / "processed/records/garmin_dailies/date=2026-11-09/part-00000.parquet"
    rows = pl.read_parquet(records, hive_partitioning=False)
    rows.with_columns(steps=pl.lit(None, pl.Int64)).write_parquet(records)
    with pytest.raises(RefusedError, match="metrics_not_emptied.*steps"):
        run_lake(tmp_path, rebuild=(date(2026, 11, 9), date(2026, 11, 9)))
