"""I5: nothing planted in raw lines is ever seen outside raw/ and quarantine/."""

import logging
import re
from pathlib import Path

import polars as pl
import pytest

from tests.builders import KEY, daily_record, night_record, run_lake, write_lines

CANARIES = [f"CANARY{i:04d}" for i in range(200)]


def _planted() -> list[dict[str, object] | bytes]:
    """Canaries as ids, tokens, names, free text, keys, in values of wrong types, in broken lines and in envelopes."""
    names = iter(CANARIES)
    lines: list[dict[str, object] | bytes] = []
    for number in range(20):
        day = number % 7
        lines += [
            daily_record(f"id-{next(names)}", day, userAccessToken=next(names), summaryId=f"x-{next(names)}"),
            daily_record("plain", day, steps=f"{next(names)} steps", stressQualifier=f"free text {next(names)}"),
            daily_record(f"u-{next(names)}", day, **{next(names): {"mail": f"{next(names)}@example.org"}}),
            f'{{"userId": "{next(names)}", broken'.encode(),
        ]
    return lines


def _seen(text: bytes) -> list[str]:
    return [name for name in CANARIES if name.encode() in text]


def test_no_planted_value_reaches_published_files_manifests_docs_or_logs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    write_lines(tmp_path, "2026-11-16", _planted())
    nights = [night_record(f"n-{name}", summaryId=name) for name in CANARIES[:5]]
    write_lines(tmp_path, "2026-11-16", nights, folder="raw/garmin/sleeps")
    run_lake(tmp_path, docs=tmp_path / "_docs")
    outside = [
        p for p in tmp_path.rglob("*") if p.is_file() and p.relative_to(tmp_path).parts[0] not in {"raw", "quarantine"}
    ]
    assert len(outside) > 10
    for file in outside:
        assert _seen(file.read_bytes()) == [], file
        if file.suffix == ".parquet":
            assert _seen(repr(pl.read_parquet(file).to_dicts()).encode()) == [], file
    printed = capfd.readouterr()
    assert _seen((printed.out + printed.err + caplog.text).encode()) == []
    assert KEY.decode() not in printed.out + printed.err + caplog.text


def test_every_published_string_is_a_short_code(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-16", _planted())
    run_lake(tmp_path)
    code = re.compile(r"[A-Za-z0-9_.|-]{1,64}")
    files = list(tmp_path.glob("processed/*/**/*.parquet"))
    assert len(files) >= 3
    for file in files:
        rows = pl.read_parquet(file, hive_partitioning=False)
        for column in rows.select(pl.col(pl.String)):
            assert all(value is None or code.fullmatch(value) for value in column.to_list()), (file, column.name)
