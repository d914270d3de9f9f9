"""`qol export`: nothing of the person is missing against the lake, and nothing of others is in it."""

import json
import zipfile
from pathlib import Path

import polars as pl
import pytest

from qol.contracts.columns import table_folder
from qol.identity.user_map import read_user_map
from tests.builders import daily_record, night_record, run_lake, write_lines
from tests.command_line import Qol

CANARY = "Canary of u{0}"


def lake_of_three(folder: Path) -> Path:
    """Three users with days and nights, alone and in envelopes, of whom P1 and P2 have entries in the map; the map's path."""
    lake = folder / "lake"
    users = ("u1", "u2", "u3")
    days = [daily_record(user, day, note=CANARY.format(user)) for user in users for day in range(7)]
    write_lines(lake, "2026-11-17", [*days, b'{"userId": "u1", broken', b"", b'{"userId": "u2"}'])
    nights = [
        night_record(user, day, summaryId=f"n-{user}", note=CANARY.format(user)) for user in users for day in (1, 2)
    ]
    write_lines(
        lake,
        "2026-11-17",
        [{"sleeps": nights, "deregistrations": [{"userId": "u1"}, {"userId": "u2"}]}],
        name="e.jsonl",
    )
    user_map = folder / "map.jsonl"
    entries = [{"source": "garmin", "vendor_user_id": f"u{n}", "user_id": f"P{n}"} for n in (1, 2)]
    user_map.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    run_lake(lake, user_map=read_user_map(user_map))
    return user_map


@pytest.fixture
def exported(tmp_path: Path, qol: Qol) -> dict[str, bytes]:
    user_map = lake_of_three(tmp_path)
    (tmp_path / "ids.txt").write_text('{"vendor": "garmin:u1"}\n')
    out = [tmp_path / name for name in ("a.zip", "b.zip")]
    given = ("--lake", str(tmp_path / "lake"), "--user-map", str(user_map))
    ended = qol("export", "--file", str(tmp_path / "ids.txt"), "--out", str(out[0]), *given)
    assert (ended.code, ended.out.splitlines()[0]) == (0, f"Wrote {out[0]}: 10 raw lines and 17 rows of 1 user.")
    assert qol("export", "--user", "P1", "--out", str(out[1]), *given).code == 0
    assert out[0].read_bytes() == out[1].read_bytes()
    assert qol("export", "--user", "P7", "--out", str(out[1]), *given).code == 2
    with zipfile.ZipFile(out[0]) as archive:
        return {name.removeprefix("P1/"): archive.read(name) for name in archive.namelist()}


def test_an_export_has_every_raw_record_and_row_of_the_person_and_none_of_others(
    exported: dict[str, bytes], tmp_path: Path
) -> None:
    raw = [json.loads(line) for name, data in exported.items() if name.startswith("raw/") for line in data.splitlines()]
    nights = [night_record("u1", day, summaryId="n-u1", note=CANARY.format("u1")) for day in (1, 2)]
    days = [daily_record("u1", day, note=CANARY.format("u1")) for day in range(7)]
    assert sorted(raw, key=json.dumps) == sorted([*days, *nights, {"userId": "u1"}], key=json.dumps)
    for table in ("daily_metrics", "weekly_metrics", "records_garmin_dailies", "records_garmin_sleeps"):
        rows = pl.concat(pl.read_parquet(file) for file in (tmp_path / "lake" / table_folder(table)).rglob("*.parquet"))
        own = rows.filter(pl.col("user_id") == "P1")
        lines = [json.loads(line) for line in exported[f"tables/{table}.jsonl"].splitlines()]
        assert len(lines) == own.height > 0
        assert (
            json.loads(own.write_json())[0].items()
            >= {k: v for k, v in lines[0].items() if isinstance(v, int | str) and "T" not in str(v)}.items()
        )
        assert exported[f"tables/{table}.csv"].count(b"\n") == own.height + 1
    everything = b"".join(exported.values())
    assert [name for name in (b"u2", b"u3", b"P2") if name in everything] == []


def test_an_export_explains_itself(exported: dict[str, bytes]) -> None:
    assert b"10 raw lines, 17 rows. Left out: 1 lines" in exported["README.txt"]
    assert exported["user_map.jsonl"] == b'{"source":"garmin","vendor_user_id":"u1","user_id":"P1","timezone":null}\n'
    assert exported["data_dictionary.csv"].startswith(b"table,column,type,unit,group,")
