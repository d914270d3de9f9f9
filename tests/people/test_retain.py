"""Retention: what is older than the file says goes, under the lock; nothing else, and a week can still be rebuilt."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from qol.contracts.load import load_contracts
from qol.contracts.retention import PLACES, Retention, day_of
from qol.errors import LockedError
from qol.identity.user_map import read_user_map
from qol.lake import LocalLake
from qol.people.erase import OUTSIDE, OUTSIDE_IN_ACCOUNT
from qol.people.retain import Expiry
from qol.run.request import RunRequest
from qol.run.summary import summarize
from tests.builders import CONTRACTS, daily_record, run_lake, write_lines
from tests.command_line import Qol
from tests.people.erasing import files, people_of

NOW = datetime(2027, 1, 10, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


def test_every_day_that_a_key_can_have_is_known_and_weeks_count_from_their_end() -> None:
    assert [
        day_of(key)
        for key in (
            "raw/daily/date=2026-11-10/a.jsonl", "_runs/20261118T000500Z-1-schedule-2.json", "raw/daily/a.jsonl",
            "quarantine/objects/2026-11-10.json", "raw/daily/date=2026-13-40/a.jsonl",
        )
    ] == [date(2026, 11, 10), date(2026, 11, 18), None, date(2026, 11, 10), None]  # fmt: skip
    some = Retention(raw=60, daily=60, weekly="keep")
    assert [some.first_day(place, date(2027, 1, 10)) for place in ("raw", "daily", "weekly")] == [
        date(2026, 11, 11), date(2026, 11, 5), None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "wrong"),
    [({"weekly": 60}, "weekly"), ({"records": 60, "daily": 40}, "daily"), ({"records": 60, "daily": 60}, None)],
)
def test_what_runs_would_make_again_is_kept_as_long_as_what_they_make_it_from(given: Any, wrong: str | None) -> None:
    assert next((mistake.path for mistake in Retention(**given).mistakes()), None) == wrong


def test_terraform_has_the_same_places() -> None:
    text = (ROOT / "terraform/lake.tf").read_text().partition("retained_places = {")[2].partition("\n  }\n")[0]
    found = {
        name.strip(): tuple(json.loads(prefixes))
        for name, _, prefixes in (line.partition("=") for line in text.strip().splitlines())
    }
    assert found == PLACES


def lake_of_two_arrivals(folder: Path) -> tuple[LocalLake, Path]:
    """A lake after a run; the map's `u1` withdrew long ago and `u2` lately."""
    lake, user_map = folder / "lake", folder / "map.jsonl"
    entries = [{"source": "garmin", "vendor_user_id": f"u{n}", "user_id": f"P{n}"} for n in (1, 2)]
    left = [
        entries[0] | {"withdrawn_at": "2026-11-12T00:00:00Z"},
        entries[1] | {"withdrawn_at": "2027-01-09T00:00:00Z"},
    ]
    user_map.write_text("".join(json.dumps(entry) + "\n" for entry in left))
    for day in ("2026-11-10", "2026-11-17"):
        write_lines(lake, day, [daily_record(f"u{n}", 0, summaryId=day) for n in (1, 2)] + [b"{"], name=f"{day}.jsonl")
    run_lake(lake, user_map=read_user_map(user_map))
    return LocalLake(lake), user_map


@pytest.mark.usefixtures("no_gate")
def test_what_is_older_goes_and_its_week_is_rebuilt_from_records_which_says_so(tmp_path: Path) -> None:
    lake, user_map = lake_of_two_arrivals(tmp_path)
    before = files(lake.root)
    expiry = Expiry(lake, Retention(raw=60), NOW)
    names = [("raw", "quarantine/objects/2026-11-10.json"), ("raw", "raw/daily/date=2026-11-10/2026-11-10.jsonl")]
    assert expiry.find() == names
    assert files(lake.root) == before
    with lake.lock("another"), pytest.raises(LockedError):
        expiry.run()
    assert expiry.run() == {"raw": 2}
    gone = {key for _, key in names}
    assert {k: v for k, v in files(lake.root).items() if "_locks" not in k} == {
        key: data for key, data in before.items() if key not in gone and "_locks" not in key
    }
    rebuilt = run_lake(lake, user_map=read_user_map(user_map), command="rebuild")
    assert rebuilt.status == "nothing_to_do"
    told = "\n".join(summarize(lake, CONTRACTS, RunRequest("rebuild"), rebuilt))
    assert "No raw object that arrived in 2026-W46 is left: made from records" in told


@pytest.mark.usefixtures("no_gate")
def test_the_entry_of_a_person_who_left_long_ago_has_no_id_and_what_they_still_send_stays_out(tmp_path: Path) -> None:
    lake, user_map = lake_of_two_arrivals(tmp_path)
    expiry = Expiry(lake, Retention(map_entries=40), NOW, people_of(lake, user_map), str(user_map))
    assert (expiry.map_entries(acts=False), expiry.run()) == (1, {"map_entries": 1})
    assert ("u1" in user_map.read_text(), "u2" in user_map.read_text()) == (False, True)
    write_lines(lake.root, "2026-11-18", [daily_record("u1", 4)], name="late.jsonl")
    assert run_lake(lake, user_map=read_user_map(user_map)).totals["erased"] == 1
    assert expiry.run() == {}


def test_the_command_lists_what_goes_and_removes_it(qol: Qol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = tmp_path / "lake"
    write_lines(lake, "2026-11-10", [b"{"], folder="quarantine/rows", name="part-00000.parquet")
    monkeypatch.setattr(
        "qol.contracts.load.load_contracts", lambda _: replace(CONTRACTS, retention=Retention(quarantine=40))
    )
    given = ("retain", "--lake", lake, "--now", "2027-01-10T00:00:00Z")
    dry = qol(*given, "--dry-run")
    assert (dry.code, "quarantine/rows/date=2026-11-10/part-00000.parquet" in dry.out, "Would remove" in dry.out) == (
        0, True, True,
    )  # fmt: skip
    assert len(files(lake)) == 1
    ended = qol(*given)
    assert (ended.code, "Removed" in ended.out, files(lake / "quarantine")) == (0, True, {})
    assert "Nothing is older" in qol(*given).out


def test_the_page_says_for_how_many_days_each_place_keeps_what_it_has() -> None:
    section = (ROOT / "docs/erase-and-export.md").read_text().partition("## What is where")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    said = {row[0].strip("`"): row[-1] for row in rows}
    days = {name: str(found) for name, found in load_contracts().retention}
    assert {place: days[name] for place, name in _PLACES.items()} == {
        place: "keep" if said[place] == "no" else said[place].removesuffix(" days") for place in _PLACES
    }
    outside = OUTSIDE | OUTSIDE_IN_ACCOUNT
    assert {place: said[place] for place in outside} == outside


#: Rows of the page and what the file calls them.
_PLACES = {
    "raw/": "raw", "quarantine/bodies/": "bodies", "quarantine/rows/": "quarantine", "processed/": "weekly",
    "_runs/": "manifests", "user map": "map_entries", "old versions in a bucket": "old_versions",
}  # fmt: skip
