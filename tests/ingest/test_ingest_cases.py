"""Golden cases: each folder of `cases/` is a small lake with what ingest makes of it, error output included.

An input is a `.jsonl` as it stands, or a `.jsonl.txt` or `.jsonl.gz.txt` in which `\\xNN` is a byte; of a compressed
one everything after `\\cut` is lost. `expect.yaml` has all counts that are not 0, all rejects, issues and skipped
objects, and of every row the columns the case is about.
"""

import gzip
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from qol.contracts.reasons import REJECT_REASONS
from qol.identity.pseudonyms import Identities
from qol.ingest.line_reader import MAX_LINE_BYTES
from qol.ingest.listing import RawListing, Window, ingest_tasks, list_raw
from qol.ingest.parse import Reason
from qol.ingest.results import IngestContext, unpack_counts
from qol.ingest.task import ingest
from qol.lake.local import LocalLake

from .feed import CONTRACTS, KEY, KNOWN, Fed, Row, daily, feed, gathered, lines

CASES = sorted((Path(__file__).parent / "cases").iterdir())
EXPECTED = {case.name: yaml.safe_load((case / "expect.yaml").read_text(encoding="utf-8")) for case in CASES}
GZIP_HEAD = len(gzip.compress(b"", 0)) - 8


def unpack(case: Path, root: Path) -> LocalLake:
    """The case's lake with its described inputs as bytes."""
    for path in case.rglob("raw/**/*.jsonl*"):
        place = root / path.relative_to(case)
        place.parent.mkdir(parents=True, exist_ok=True)
        is_described = path.name.endswith(("l.txt", ".gz.txt"))
        target = place.with_suffix("") if is_described else place
        target.write_bytes(described(path) if is_described else path.read_bytes())
    for path in case.rglob("raw/**/*.md"):
        (root / path.relative_to(case)).write_bytes(path.read_bytes())
    return LocalLake(root)


def described(path: Path) -> bytes:
    """The bytes a text with escapes stands for, compressed and cut off if it says so."""
    text, _, lost = path.read_bytes().partition(rb"\cut")
    kept, gone = (
        re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes.fromhex(found[1].decode()), part) for part in (text, lost)
    )
    if not path.name.endswith(".gz.txt"):
        return kept
    # Level 0 stores the bytes as they are, after the head.
    packed = gzip.compress(kept + gone, 0, mtime=0)
    return packed[: GZIP_HEAD + len(kept)] if gone else packed


def read(lake: LocalLake) -> tuple[RawListing, Fed]:
    listing = list_raw(lake, CONTRACTS, Window(None, date(2026, 11, 30)))
    context = IngestContext(CONTRACTS, Identities(KEY, KNOWN), "Asia/Tokyo", ())
    return listing, gathered([ingest(lake, context, parts) for parts in ingest_tasks(listing.objects)])


def like(rows: list[Row], expected: list[Row]) -> list[Row]:
    """The rows with the columns that are expected of each; a row nobody expects stays whole."""
    wanted = [set(row) for row in expected] + [set(row) for row in rows[len(expected) :]]
    return [{name: shown(row[name]) for name in row if name in names} for row, names in zip(rows, wanted, strict=False)]


def shown(value: Any) -> Any:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_gives_what_is_expected_and_every_item_is_counted_once(case: Path, tmp_path: Path) -> None:
    expected = EXPECTED[case.name]
    assert all({"line", "item", "reason", "message"} <= reject.keys() for reject in expected.get("rejects", []))
    listing, fed = read(unpack(case, tmp_path))
    assert {name: count for name, count in fed.tally.items() if count} == expected["tally"]
    assert like(fed.rows, expected.get("rows", [])) == expected.get("rows", [])
    assert like(fed.rejects, expected.get("rejects", [])) == expected.get("rejects", [])
    assert unpack_counts({tuple(place): count for place, count in fed.issues.items()}) == expected.get("issues", {})
    assert {skipped.stored.key: skipped.reason for skipped in listing.skipped} == expected.get("skipped", {})
    assert fed.tally["lines"] == sum(fed.tally[name] for name in ("blank", "control", "rejected", "records"))
    assert (len(fed.rows), len(fed.rejects)) == (fed.tally["records"], fed.tally["rejected"])
    assert sum(fed.reasons.values()) == fed.tally["rejected"]


#: Shown by tests of their own, here and of devices that change hands.
GENERATED = {"too_deep", "line_too_long", "no_person"}


def test_every_reason_is_a_case() -> None:
    shown_reasons = {reject["reason"] for expected in EXPECTED.values() for reject in expected.get("rejects", [])}
    assert shown_reasons | GENERATED == {reason.value for reason in Reason} == set(REJECT_REASONS)


def nested(depth: int) -> bytes:
    """A daily with an unknown field that nests so deep that the line has `depth` levels."""
    return daily()[:-1] + b',"x":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


def test_a_line_100_levels_deep_is_read_and_one_of_101_is_rejected() -> None:
    fed = feed(lines(nested(100), nested(101)))
    assert [row["line"] for row in fed.rows] == [1]
    assert like(fed.rejects, [{"line": 2, "reason": "", "message": ""}]) == [
        {"line": 2, "reason": "too_deep", "message": "nests deeper than 100 levels"}
    ]


@pytest.mark.parametrize("text", [b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 5_000])
def test_a_line_too_deep_for_any_parser_is_rejected(text: bytes) -> None:
    assert feed(lines(text)).verdicts == ["too_deep"]


def long_line(length: int) -> bytes:
    """A daily with an unknown text that makes the line `length` bytes long."""
    start = daily(steps=1)[:-1] + b',"x":"'
    return start + b"a" * (length - len(start) - 2) + b'"}'


def test_a_line_of_16_mib_is_read_and_a_longer_one_is_rejected() -> None:
    fed = feed(lines(long_line(MAX_LINE_BYTES), long_line(MAX_LINE_BYTES + 1), daily(steps=3)))
    assert [(row["line"], row["steps"]) for row in fed.rows] == [(1, 1), (3, 3)]
    [reject] = fed.rejects
    assert (reject["line"], reject["reason"]) == (2, "line_too_long")
    assert reject["message"] == "the line has 16777217 bytes; allowed: 16777216"
    assert reject["raw"] == long_line(MAX_LINE_BYTES + 1)[:65_536]
    assert reject["raw_bytes"] == 16_777_217


def test_a_rejected_line_is_kept_to_64_kib() -> None:
    [reject] = feed(b"{" + b"a" * 70_000).rejects
    assert (reject["raw"], reject["raw_bytes"]) == (b"{" + b"a" * 65_535, 70_001)
