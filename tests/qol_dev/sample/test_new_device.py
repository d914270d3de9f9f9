"""A device that nobody has described to the sample: its contract alone gives data that a run publishes."""

import re
import shutil
from pathlib import Path

import polars as pl
import pytest

from qol.contracts.load import load_contracts
from qol_dev.sample import SampleOptions, write_sample
from tests.builders import CONTRACTS, run_lake

DOC = Path(__file__).parents[3] / "docs" / "add-a-device.md"
NIGHTS = """
source: acme
record: nights
description: A night.
person: [userId]
key: [begin_seconds]
day: {date: night_of, start: begin_seconds}
fields:
  night_of: {path: nightOf, type: date, description: The day of waking.}
  begin_seconds: {path: sleep.begin, type: instant, unit: s, description: Falling asleep.}
  end_seconds: {path: sleep.end, type: instant, unit: s, description: Waking up.}
  deep_seconds: {path: sleep.deepSeconds, type: integer, unit: s, range: [0, 40000], description: Deep sleep.}
  asleep_seconds: {path: sleep.asleepSeconds, type: integer, unit: s, range: [0, 80000], description: Time asleep.}
  pulse_mean: {path: pulse, type: number, unit: bpm, decimals: 1, samples: {reduce: mean, range: [25, 240]}, description: Pulse.}
daily:
  sleep_minutes: asleep_seconds / 60
  deep_minutes: deep_seconds / 60
examples:
  - name: a night
    arrival: 2026-11-10
    raw: {userId: u1, nightOf: '2026-11-10', sleep: {begin: '2026-11-09T23:00:00+09:00', end: '2026-11-10T07:00:00+09:00', deepSeconds: 5400, asleepSeconds: 26000}, pulse: {'0': 55, '600': 56}}
    expect: {day: 2026-11-10, deep_seconds: 5400, pulse_mean: 55.5}
  - name: too much of it
    arrival: 2026-11-10
    raw: {userId: u1, nightOf: '2026-11-10', sleep: {begin: '2026-11-09T23:00:00+09:00', deepSeconds: 90000}}
    expect: {day: 2026-11-10, deep_seconds: null}
    nulled: ['sleep.deepSeconds: 90000 out_of_range']
  - name: no beginning
    arrival: 2026-11-10
    raw: {userId: u1, nightOf: '2026-11-10'}
    reject: missing_key
"""


@pytest.fixture
def schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped contracts, the scale of the page on devices, and a band that measures nights."""
    folder = tmp_path / "schemas"
    shutil.copytree(CONTRACTS.root, folder)
    (folder / "sources/acme").mkdir(exist_ok=True)
    scale = re.search(r"```yaml\n(.*?source: acme.*?)```", DOC.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert scale is not None
    (folder / "sources/acme/weighings.yaml").write_text(scale[1], encoding="utf-8")
    (folder / "sources/acme/nights.yaml").write_text(NIGHTS, encoding="utf-8")
    monkeypatch.setenv("QOL_SCHEMAS", str(folder))
    return folder


@pytest.mark.usefixtures("no_gate")
def test_a_new_device_has_sample_data_from_its_yaml_alone(schemas: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    made = write_sample(lake, SampleOptions(users=6, weeks=2, sources=("acme",)))
    assert made.people == 6
    manifest = run_lake(lake, load_contracts(schemas))
    # Of 14 days and 6 users some are never synced.
    assert manifest.totals["kept"] > 100
    weekly = pl.concat([pl.read_parquet(file) for file in (lake / "processed/weekly").rglob("*.parquet")])
    weights, deep = weekly["weight_kg_last"].drop_nulls(), weekly["deep_minutes_mean"].drop_nulls()
    assert weights.n_unique() >= 6
    assert (weights.min(), weights.max()) > (35, 35)
    assert 30 < float(deep.min()) < float(deep.max()) < 240  # type: ignore[arg-type]
    nights = pl.concat([pl.read_parquet(file) for file in (lake / "processed/records/acme_nights").rglob("*.parquet")])
    assert ((nights["end_seconds"] - nights["begin_seconds"]) > 3 * 3_600).all()
    assert nights["pulse_mean"].is_between(40, 110).all()
    assert nights["day"].n_unique() == 14


def test_without_a_habit_the_whole_sample_still_knows_the_device(schemas: Path, tmp_path: Path) -> None:
    write_sample(tmp_path / "lake", SampleOptions(users=6, weeks=1, sources=("garmin", "acme")))
    assert {path.name for path in (tmp_path / "lake/raw/acme").iterdir()} == {"weighings", "nights"}
    assert (schemas / "sources/acme").is_dir()
