"""The user map: every mistake is named by its line and never by the id, and people who have records are not renamed."""

import json
from collections.abc import Sequence
from pathlib import Path
from traceback import format_exception

import polars as pl
import pytest

from qol.contracts.raw_values import is_zone
from qol.errors import UsageError
from qol.identity.pseudonym_key import read_key
from qol.identity.pseudonyms import Identities
from qol.identity.user_map import UserMap, keep_hashes, read_user_map
from tests.ingest.feed import KEY

GOOD = '{"source":"garmin","vendor_user_id":"u1","user_id":"P001","timezone":"Asia/Tokyo"}'
IDENTITIES = Identities(KEY, {})


def written(tmp_path: Path, *texts: str | bytes) -> Path:
    path = tmp_path / "map.jsonl"
    path.write_bytes(b"\n".join(t if isinstance(t, bytes) else t.encode() for t in texts))
    return path


def entry(vendor: str, user_id: str = "P001") -> tuple[str, str, str, str | None]:
    return ("garmin", vendor, user_id, None)


def test_entries_are_read_in_order_with_blank_lines_between(tmp_path: Path) -> None:
    second = '{"source":"garmin","vendor_user_id":12345678901234567890,"user_id":"P002"}'
    user_map = read_user_map(written(tmp_path, GOOD, "", second, ""))
    assert user_map.lines == (1, 3)
    assert user_map.entries == (
        ("garmin", "u1", "P001", "Asia/Tokyo"),
        ("garmin", "12345678901234567890", "P002", None),
    )
    assert user_map.known["garmin", "u1"] == ("P001", "Asia/Tokyo")


def test_no_file_is_an_empty_map() -> None:
    assert read_user_map(None) == UserMap(())


def test_one_person_may_have_ids_at_several_sources(tmp_path: Path) -> None:
    user_map = read_user_map(written(tmp_path, GOOD, GOOD.replace("garmin", "oura")))
    assert [user_id for _, _, user_id, _ in user_map.entries] == ["P001", "P001"]


def an_entry(source: object = "garmin", vendor: object = "SECRET", user_id: object = "P1", **rest: object) -> str:
    return json.dumps({"source": source, "vendor_user_id": vendor, "user_id": user_id, **rest})


NO_ID = "vendor_user_id must be a text or whole number"
NO_SOURCE = "source must be a source's name"
NO_USER = "user_id must match [A-Za-z0-9_.-]{1,64}"
NO_ZONE = "timezone must be an IANA time zone such as Asia/Tokyo"
KEYS_ALLOWED = (
    "allowed: source, vendor_user_id, user_id, timezone, from, to, withdrawn_at, permissions. In a line that earlier runs used, take it out:"
    " nothing was read of it"
)
TWICE = "names a vendor id that an earlier line names; allowed: one line each"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("SECRET", "not a JSON object"),
        ('["SECRET"]', "not a JSON object"),
        (b'{"vendor_user_id":"SECRET\xff"}', "not a JSON object"),
        ('{"SECRET":' * 5_000, "not a JSON object"),
        (an_entry(source=1), NO_SOURCE),
        (an_entry(source="a b"), NO_SOURCE),
        (an_entry(vendor=None), NO_ID),
        (an_entry(vendor=" "), NO_ID),
        (an_entry(vendor=1.5), NO_ID),
        (an_entry(user_id=None), NO_USER),
        (an_entry(user_id="SECRET name"), NO_USER),
        (an_entry(user_id="x" * 65), NO_USER),
        (an_entry(timezone="SECRET"), NO_ZONE),
        (an_entry(timezone=9), NO_ZONE),
        (an_entry(tz="Asia/Tokyo"), f"unknown key tz; {KEYS_ALLOWED}"),
        (an_entry(SECRET77="x"), f"an unknown key; {KEYS_ALLOWED}"),
        (GOOD, TWICE),
        (GOOD.replace('"u1"', '" u1 "').replace("P001", "P002"), TWICE),
    ],
)
def test_a_mistake_is_named_by_its_line_and_never_by_the_id(tmp_path: Path, line: str | bytes, problem: str) -> None:
    path = written(tmp_path, GOOD, "", line)
    with pytest.raises(UsageError) as caught:
        read_user_map(path)
    assert str(caught.value) == f"{path}: line 3: {problem}"
    assert "SECRET" not in "".join(format_exception(caught.value))


def test_a_map_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.jsonl: cannot be read; allowed: a JSON lines file$"):
        read_user_map(tmp_path / "nowhere.jsonl")


@pytest.mark.parametrize(("text", "found"), [(None, 0), ("", 0), ("k" * 31, 31), ("é" * 15, 30)])
def test_a_key_below_32_bytes_is_refused_without_being_shown(text: str | None, found: int) -> None:
    with pytest.raises(UsageError) as caught:
        read_key(text)
    assert str(caught.value) == f"QOL_PSEUDONYM_KEY: found {found} bytes; allowed: at least 32 (UTF-8)"


@pytest.mark.parametrize("text", ["k" * 32, "é" * 16])
def test_a_key_of_32_bytes_is_taken_as_it_stands(text: str) -> None:
    assert read_key(text) == text.encode()


@pytest.mark.parametrize(
    ("name", "known"),
    [("Asia/Tokyo", True), ("UTC", True), ("JST-9", False), ("asia/tokyo", False), ("../UTC", False), (9, False)],
)
def test_a_zone_is_an_iana_name(name: object, known: bool) -> None:
    assert is_zone(name) is known


def test_the_digest_covers_the_first_entries_only() -> None:
    short, long = UserMap((entry("a"),)), UserMap((entry("a"), entry("b")))
    assert short.digest(1, KEY) == long.digest(1, KEY) != long.digest(2, KEY)
    assert UserMap((entry("a", "P002"),)).digest(1, KEY) != short.digest(1, KEY)


#: Published records of the unmapped person `old` and the mapped person P009.
OLD = IDENTITIES.user_hash("garmin", "old")
PUBLISHED = [pl.Series(["P009"]), pl.Series([OLD, "P009"])]


def used_ids(user_map: UserMap, checked: int = 0, kept: Sequence[str] = ()) -> list[str]:
    """The ids that a run uses; `checked` entries were looked up by earlier runs, which found `kept`."""
    used, hashes = keep_hashes(user_map, IDENTITIES, kept, checked, PUBLISHED)
    assert hashes == [entry[2] for entry in used.entries if entry[2] == OLD]
    assert [entry[:2] for entry in used.entries] == [entry[:2] for entry in user_map.entries]
    return [entry[2] for entry in used.entries]


def test_a_person_with_records_under_the_keyed_hash_keeps_it_whatever_an_entry_says() -> None:
    assert used_ids(UserMap((entry("new"), entry("old", "P002")))) == ["P001", OLD]
    assert used_ids(UserMap((entry("old", "P002"), entry("new"))), checked=2, kept=[OLD]) == [OLD, "P001"]


def test_people_without_records_may_be_added() -> None:
    entries = (entry("new"), entry("newer", "P002"), entry("mapped", "P009"))
    assert used_ids(UserMap(entries)) == ["P001", "P002", "P009"]


def test_an_entry_that_gives_the_keyed_hash_itself_is_no_second_id() -> None:
    used, kept = keep_hashes(UserMap((entry("old", OLD),)), IDENTITIES, (), 0, PUBLISHED)
    assert (used.entries, kept) == ((entry("old", OLD),), [])


def test_entries_an_earlier_run_found_good_are_not_looked_up_again() -> None:
    assert used_ids(UserMap((entry("old"), entry("new"))), checked=1) == ["P001", "P001"]


@pytest.mark.parametrize(("checked", "files_read"), [(1, 0), (0, 2)])
def test_published_ids_are_read_only_when_an_entry_is_new(checked: int, files_read: int) -> None:
    read: list[pl.Series] = []
    published = (read.append(ids) or ids for ids in PUBLISHED)  # type: ignore[func-returns-value]
    keep_hashes(UserMap((entry("new"),)), IDENTITIES, (), checked, published)
    assert len(read) == files_read
