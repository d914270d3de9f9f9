"""Names of raw objects stay in raw and quarantine, and no join of what is outside of them leads to a vendor's id."""

import json
from pathlib import Path

import polars as pl
import pytest

from qol.errors import LakeError
from qol.identity.pseudonyms import Identities
from qol.lake import LocalLake
from qol.lake.base import Listing
from qol.tables.query import run_query
from qol.tables.raw_keys import find_raw_keys
from tests.builders import CONTRACTS, KEY, daily_record, published_files, run_lake, write_lines
from tests.command_line import Qol

CANARY = "yamada_hanako"
DAY = "2026-11-16"
OBJECT = f"raw/daily/date={DAY}/{CANARY}.jsonl"
HASHED = Identities(KEY, {}).object_hash(OBJECT)


def _write_every_source(lake: Path) -> None:
    for contract in CONTRACTS.sources:
        for folder in contract.paths:
            lines = [example.raw.encode() for example in contract.examples] + [b"{broken", b"[1]"]
            write_lines(lake, DAY, lines, folder=folder, name=f"{CANARY}.jsonl")
            write_lines(lake, DAY, [b"no gzip"], folder=folder, name=f"{CANARY}.jsonl.gz")
    write_lines(lake, DAY, [b"{}"], folder=f"raw/garmin/{CANARY}")
    write_lines(lake, DAY, [b"{}"], name=f"{CANARY}.txt")
    write_lines(lake, DAY, [b"{}"], folder=f"raw/daily/date={DAY}/{CANARY}")
    (lake / f"raw/{CANARY}.jsonl").write_text("{}")
    (lake / f"raw/daily/{CANARY}.jsonl").write_text("{}")


def test_no_output_outside_raw_and_quarantine_has_a_name_of_a_raw_object(qol: Qol, tmp_path: Path) -> None:
    _write_every_source(tmp_path)
    ended = qol("run", "--lake", tmp_path, "--now", "2026-11-18T00:05:00Z")
    listed = qol("runs", "20261118T", "--objects", "--lake", tmp_path)
    assert (listed.code, CANARY in ended.out + ended.err + listed.out) == (0, False)
    outside = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and path.relative_to(tmp_path).parts[0] not in ("raw", "quarantine")
    ]
    assert {path.relative_to(tmp_path).parts[0] for path in outside} >= {
        "processed",
        "_objects",
        "_runs",
        "_docs",
        "_locks",
    }
    for path in outside:
        assert CANARY.encode() not in path.read_bytes(), path
        if path.suffix == ".parquet":
            assert CANARY not in repr(pl.read_parquet(path).to_dicts()), path


def test_manifests_say_folder_day_and_hash_and_operators_find_the_name(tmp_path: Path) -> None:
    write_lines(tmp_path, DAY, [daily_record()], name=f"{CANARY}.jsonl")
    write_lines(tmp_path, DAY, [daily_record()], folder=f"raw/garmin/{CANARY}")
    manifest = run_lake(tmp_path)
    read = pl.read_parquet(tmp_path / f"_objects/date={DAY}/part-00000.parquet")
    assert (read["folder"].to_list(), read["raw_object"].to_list()) == (["raw/daily"], [HASHED])
    [skipped] = manifest.skipped
    folder, _, hashed = skipped.key.rpartition("/")
    assert folder == f"raw/(other)/date={DAY}"
    found = find_raw_keys(LocalLake(tmp_path), [HASHED, hashed])
    assert found == {HASHED: OBJECT, hashed: f"raw/garmin/{CANARY}/date={DAY}/a.jsonl"}


def test_a_dry_run_writes_no_names(tmp_path: Path) -> None:
    write_lines(tmp_path, DAY, [daily_record()])
    run_lake(tmp_path, dry_run=True)
    assert published_files(tmp_path) == {}


def test_an_object_that_cannot_be_read_is_named_by_its_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lines(tmp_path, DAY, [daily_record()], name=f"{CANARY}.jsonl")
    read = LocalLake.read

    def gone(lake: LocalLake, key: str, start: int = 0, length: int | None = None) -> bytes:
        if CANARY not in key:
            return read(lake, key, start, length)
        raise LakeError(f"{key}: gone from the lake while it was needed") from FileNotFoundError(key)

    monkeypatch.setattr(LocalLake, "read", gone)
    with pytest.raises(LakeError) as caught:
        run_lake(tmp_path)
    assert str(caught.value) == f"raw/daily/date={DAY}/{HASHED}: gone from the lake while it was needed"
    assert (caught.value.__cause__, caught.value.__suppress_context__) == (None, True)
    [manifest] = (tmp_path / "_runs").iterdir()
    assert json.loads(manifest.read_bytes())["error"] == str(caught.value)


def test_a_folder_that_cannot_be_listed_is_not_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lines(tmp_path, DAY, [daily_record()], folder=f"raw/garmin/{CANARY}")
    children = LocalLake.children

    def refused(lake: LocalLake, prefix: str) -> Listing:
        if CANARY in prefix:
            raise LakeError(f"{prefix}: may not be read (permission denied); allowed: a folder")
        return children(lake, prefix)

    monkeypatch.setattr(LocalLake, "children", refused)
    with pytest.raises(LakeError, match=r"^raw/: may not be read \(permission denied\)"):
        run_lake(tmp_path)


def test_no_join_of_records_manifests_and_rejects_finds_a_vendor_id(tmp_path: Path) -> None:
    vendor = "VENDORID-7"
    good = daily_record(vendor, summaryId=f"x-{vendor}", userAccessToken=f"t-{vendor}")
    bad = {**good, "startTimeInSeconds": None, "calendarDate": "tomorrow", "User_ID": vendor}
    write_lines(
        tmp_path, DAY, [good, bad, {"dailies": [bad, vendor, good]}, f'"{vendor}"'.encode()], name=f"{vendor}.jsonl"
    )
    run_lake(tmp_path)
    joined = run_query(
        LocalLake(tmp_path),
        CONTRACTS,
        "SELECT r.*, x.*, o.*, j.* FROM records_garmin_dailies r JOIN rejects x ON r.raw_object = x.raw_object"
        " JOIN objects_read o ON o.raw_object = r.raw_object CROSS JOIN job_runs j",
    )
    rows = list(joined.rows)
    assert len(rows) == 4
    assert vendor not in repr(rows)
    assert vendor not in repr(published_files(tmp_path, "quarantine/rows", "_runs", "_objects", "processed"))


def test_a_line_that_is_no_json_is_kept_as_it_came(tmp_path: Path) -> None:
    write_lines(tmp_path, DAY, [b'{"userId": "VENDORID-7", broken'])
    run_lake(tmp_path)
    [raw] = pl.read_parquet(tmp_path / f"quarantine/rows/date={DAY}/part-00000.parquet")["raw"]
    assert raw == b'{"userId": "VENDORID-7", broken'


def test_a_rejected_record_keeps_what_names_nobody(tmp_path: Path) -> None:
    write_lines(tmp_path, DAY, [b'{"userId":"u1","steps":10.50,"summaryId":"s","deviceName":null}'])
    run_lake(tmp_path)
    rejects = pl.read_parquet(tmp_path / f"quarantine/rows/date={DAY}/part-00000.parquet")
    assert rejects.select("raw", "raw_bytes").rows() == [
        (b'{"userId":"***","steps":10.50,"summaryId":"***","deviceName":null}', 63)
    ]


@pytest.mark.parametrize(("users", "shown"), [(19, "(other)"), (20, "tanakaHanako")])
@pytest.mark.parametrize("each", [1, 40], ids=["one by one", "in columns"])
def test_an_unknown_field_is_named_once_20_users_sent_it(tmp_path: Path, users: int, shown: str, each: int) -> None:
    for user in range(users):
        records = [daily_record(f"u{user}", day % 7, tanakaHanako=1) for day in range(each)]
        write_lines(tmp_path, DAY, records, name=f"{user}.jsonl")
    issues = run_lake(tmp_path).field_issues["garmin_dailies"]
    assert issues[shown]["unknown_field"] >= users * each
    assert ("tanakaHanako" in issues) == (shown == "tanakaHanako")
