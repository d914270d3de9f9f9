"""A lake of three people with unique texts in everything they sent, and a search of all that it holds."""

import gzip
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from qol.identity.user_map import read_user_map
from qol.lake import Lake
from qol.people.erase import Certificate, Erasure
from qol.people.person import People, read_people
from tests.builders import (
    CONTRACTS,
    KEY,
    daily_record,
    night_record,
    run_lake,
    without_gate,
    write_lines,
)

PEOPLE = ("anna", "ben", "cleo")
LATER = datetime(2026, 11, 19, tzinfo=UTC)
#: What no object may have after her erasure: her ids, and the text that is in all that she sent.
TRACES = (b"v-anna", b"P-anna", b"CANARY-anna")


def sent(who: str, day: int, **values: object) -> dict[str, object]:
    """A day with the person's text in values, keys and fields that no contract has."""
    text = f"CANARY-{who}"
    return daily_record(
        f"v-{who}", day, summaryId=f"{text}-{day}", deviceName=text, **{text: {"deep": [text]}}, **values
    )


def lake_of_three(folder: Path) -> Path:
    """A lake after a run; its user map, `map.jsonl`, is beside it and lacks Cleo."""
    lake = folder / "lake"
    write_lines(lake, "2026-11-17", [sent(who, day) for day in range(7) for who in PEOPLE])
    nights = [night_record(f"v-{who}", 1, summaryId=f"CANARY-{who}") for who in PEOPLE]
    messages = [{"userId": f"v-{who}", "note": f"CANARY-{who}"} for who in PEOPLE]
    envelope = {"sleeps": nights, "deregistrations": messages, "noSuchType": messages}
    broken = [f'{{"userId": "v-{who}", CANARY-{who}'.encode() for who in PEOPLE]
    rejected = [{"userId": f"v-{who}", "steps": f"CANARY-{who}"} for who in PEOPLE]
    packed = write_lines(lake, "2026-11-17", [envelope, *broken, *rejected], name="b.jsonl.gz")
    packed.write_bytes(gzip.compress(packed.read_bytes(), mtime=0))
    write_lines(lake, "2026-11-17", [sent("anna", 0, steps=7)], name="v-anna.jsonl")
    write_lines(lake, "2026-11-17", messages, folder="raw/garmin/odd")
    for who in PEOPLE:
        write_lines(
            lake, "2026-11-17", [f"v-{who} CANARY-{who} is no JSON".encode()], folder="quarantine/bodies", name=who
        )
    reports = lake / "_reports/raw_gaps/date=2026-11-18"
    reports.mkdir(parents=True)
    (reports / "raw_gaps.csv").write_text("user_id,days\nP-anna,3\nP-ben,2\n")
    entries = [{"source": "garmin", "vendor_user_id": f"v-{who}", "user_id": f"P-{who}"} for who in ("ben", "anna")]
    (folder / "map.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    with without_gate():
        run_lake(lake, user_map=read_user_map(folder / "map.jsonl"))
    return lake


def people_of(lake: Lake, user_map: Path) -> People:
    return read_people(lake, CONTRACTS, KEY, lambda: read_user_map(user_map))


def erase(lake: Lake, user_map: Path, named: str = "P-anna") -> Certificate:
    return erasure(lake, user_map, named).run()


def erasure(lake: Lake, user_map: Path, named: str = "P-anna") -> Erasure:
    people = people_of(lake, user_map)
    return Erasure(lake, people, people.person(named), "Asia/Tokyo", LATER, str(user_map), "participant")


def readable(data: bytes) -> bytes:
    """All that is in an object: gzip unpacked, Parquet decoded, beside its own bytes."""
    if data.startswith(b"\x1f\x8b"):
        return gzip.decompress(data)
    if data.startswith(b"PAR1"):
        return data + repr(pl.read_parquet(io.BytesIO(data)).to_dicts()).encode()
    return data


def traces(objects: Mapping[str, bytes]) -> list[tuple[str, bytes]]:
    """Keys of objects with traces of Anna in their names or content."""
    return [(key, trace) for key, data in objects.items() for trace in TRACES if trace in key.encode() + readable(data)]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows(lake: Path) -> dict[str, list[dict[str, object]]]:
    """Published rows of all but Anna by file."""
    tables = {key: data for key, data in files(lake).items() if key.startswith("processed/")}
    found = {key: pl.read_parquet(io.BytesIO(data)).to_dicts() for key, data in tables.items()}
    return {key: [row for row in table if row["user_id"] != "P-anna"] for key, table in found.items()}


def rejects(lake: Path) -> list[tuple[str, int, int]]:
    """Reason, line and item of the rejects."""
    frame = pl.concat(pl.read_parquet(path) for path in (lake / "quarantine/rows").rglob("*.parquet"))
    return sorted((row["reason"], row["line_number"], row["item"]) for row in frame.to_dicts())
