"""The sample lake as a folder: where things lie, when they arrived, and that it can be made again."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from qol.errors import UsageError
from qol_dev.sample import CORE, SampleOptions, write_sample
from qol_dev.sample.deliveries import make_deliveries
from qol_dev.sample.world import World

from .conftest import Lake, content

SMALL = SampleOptions(users=4, weeks=1, end="2026-W46", seed=11)


def digest(root: Path) -> str:
    files = sorted(p for p in root.rglob("*") if p.is_file())
    return hashlib.sha256(b"".join(str(p.relative_to(root)).encode() + p.read_bytes() for p in files)).hexdigest()


def test_the_same_options_give_the_same_bytes_also_in_another_process(tmp_path: Path) -> None:
    write_sample(tmp_path / "here", SMALL)
    code = (
        "import sys, pathlib; from qol_dev.sample import CORE, SampleOptions, write_sample; "
        "write_sample(pathlib.Path(sys.argv[1]), SampleOptions(users=4, weeks=1, end='2026-W46', seed=11))"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "there")],
        env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "99"},
        check=True,
    )
    assert digest(tmp_path / "here") == digest(tmp_path / "there")


def test_another_seed_gives_other_people_and_another_key(tmp_path: Path) -> None:
    write_sample(tmp_path / "a", SampleOptions(users=2, weeks=1, seed=1))
    write_sample(tmp_path / "b", SampleOptions(users=2, weeks=1, seed=2))
    for name in ("user_map.jsonl", "_keys/pseudonym.key"):
        assert (tmp_path / "a" / name).read_bytes() != (tmp_path / "b" / name).read_bytes()


def test_every_line_lies_under_the_utc_day_of_its_stamp(lake: Lake) -> None:
    for path, line in lake.lines:
        assert path.parent.name == f"date={line['_received_at'][:10]}"


def test_nothing_arrives_on_the_wednesday_the_weekly_job_runs_or_later(lake: Lake) -> None:
    stamps = [line["_received_at"] for _, line in lake.lines]
    assert max(stamps).startswith("2026-11-17T")
    assert (lake.summary.first_arrival, lake.summary.last_arrival) == (dt.date(2026, 10, 25), dt.date(2026, 11, 17))


def test_many_people_deliver_until_just_before_that_wednesday() -> None:
    arrivals = make_deliveries(World.of(SampleOptions(users=400, weeks=1, end="2026-W46", sources=CORE))).arrival_ms
    wednesday_ms = 1_794_960_000_000
    assert wednesday_ms - 3_600_000 < arrivals.max() < wednesday_ms


def test_packed_objects_hold_no_clock(lake: Lake) -> None:
    assert {p.read_bytes()[4:8] for p in lake.root.glob("raw/**/*.gz")} == {b"\0\0\0\0"}


def test_records_tell_of_the_weeks_asked_for_and_no_other_day(lake: Lake) -> None:
    days = {r["calendarDate"] for kind in ("dailies", "sleeps", "stressDetails", "hrv") for r in lake.records(kind)}
    assert (min(days), max(days)) == ("2026-10-26", "2026-11-15")


def test_some_days_are_told_more_than_a_week_late(lake: Lake) -> None:
    waits = [
        dt.date.fromisoformat(r["_received_at"][:10]) - dt.date.fromisoformat(r["calendarDate"])
        for r in lake.records("dailies")
    ]
    assert max(waits) > dt.timedelta(days=8)


def test_the_summary_counts_what_is_on_disk(lake: Lake) -> None:
    files = list(lake.root.glob("raw/**/*.jsonl*"))
    assert lake.summary.objects == len(files)
    assert lake.summary.bytes == sum(p.stat().st_size for p in files)
    assert lake.summary.lines == sum(content(p).count(b"\n") for p in lake.objects())
    assert lake.summary.people == 20


def test_dailies_are_plain_and_some_other_objects_are_packed(lake: Lake) -> None:
    packed = {p.parts[-3] for p in lake.root.glob("raw/**/*.gz")}
    assert packed == {"sleeps", "stressDetails", "hrv", "userMetrics"}


def test_the_lake_brings_its_own_key_which_only_its_owner_reads(lake: Lake) -> None:
    key = lake.root / "_keys" / "pseudonym.key"
    assert len(bytes.fromhex(key.read_text())) == 32
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_the_user_map_names_every_fifth_person(lake: Lake) -> None:
    entries = [json.loads(line) for line in (lake.root / "user_map.jsonl").read_bytes().splitlines()]
    assert [e["user_id"] for e in entries] == ["P0001", "P0002", "P0003", "P0004"]
    assert {e["source"] for e in entries} == {"garmin"}
    assert {e["vendor_user_id"] for e in entries} < {r["userId"] for r in lake.records("dailies")}
    assert "Asia/Tokyo" in {e["timezone"] for e in entries}


def test_pushes_hold_several_users_and_sometimes_two_summary_types(lake: Lake) -> None:
    pushes = [line for _, line in lake.lines if isinstance(line.get("dailies"), list)]
    assert any(len({r["userId"] for r in push["dailies"]}) > 1 for push in pushes)
    assert any(set(push) == {"dailies", "stressDetails", "_received_at"} for push in pushes)
    assert any("callbackURL" in push["dailies"][0] for push in pushes)


def test_one_person_changes_permissions_and_one_leaves_for_good(lake: Lake) -> None:
    messages = [line for _, line in lake.lines if "deregistrations" in line or "userPermissionsChange" in line]
    assert len(messages) == 2
    (leaving,) = [m for m in messages if "deregistrations" in m]
    leaver = leaving["deregistrations"][0]["userId"]
    theirs = [r["_received_at"] for kind in ("dailies", "sleeps") for r in lake.records(kind) if r["userId"] == leaver]
    assert max(theirs) <= leaving["_received_at"]


def test_progress_ends_with_all_objects(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    write_sample(tmp_path, SMALL, progress=lambda done, total: seen.append((done, total)))
    assert seen[0][0] == 1
    assert seen[-1][0] == seen[-1][1] == len(seen)


def test_a_folder_with_raw_data_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    with pytest.raises(UsageError, match="allowed: a new or empty folder"):
        write_sample(tmp_path, SMALL)
    assert [p.name for p in tmp_path.iterdir()] == ["raw"]


@pytest.mark.parametrize("users", [1, 2])
@pytest.mark.parametrize("seed", range(8))
def test_the_smallest_lake_is_not_empty(tmp_path: Path, users: int, seed: int) -> None:
    assert write_sample(tmp_path, SampleOptions(users=users, weeks=1, seed=seed)).lines > 20


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"users": 0}, "sample users: found 0; allowed: 1 or more"),
        ({"weeks": 0}, "sample weeks: found 0; allowed: 1 or more"),
        ({"seed": -1}, "sample seed: found -1; allowed: 0 or more"),
        ({"end": "2026-46"}, "sample end: found '2026-46'; allowed: an ISO week such as 2026-W46"),
        ({"end": "2026-W54"}, "sample end: found '2026-W54'; allowed: an ISO week such as 2026-W46"),
        ({"end": "2010-W01", "weeks": 2}, "found a first day of 2009-12-28; allowed: 2010-01-04 or later"),
    ],
)
def test_options_that_make_no_lake_are_refused(wrong: dict[str, int | str], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        SampleOptions(**wrong)  # type: ignore[arg-type]  # the table mixes ints and strings
    assert message in str(refused.value)
