"""Vendor ids become pseudonyms: the user map's entry, else a keyed hash; buckets cut the sorted pseudonyms."""

import hmac
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qol.identity.pseudonyms import Identities, UserIndex, bucket_limits, bucket_of
from tests.ingest.feed import KEY, both_readers, daily, feed, lines

#: Computed with openssl, not with the code under test:
#: printf user:garmin:u1 | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f, the first 128 bits.
HASH_OF_U1 = "af8f487f2b50987ce8d0642d7f892fb0"
#: printf document | openssl dgst -sha256 -mac HMAC … is the key of:
#: printf garmin:dailies:x-1-15180 | openssl mac -macopt hexkey:78ad4f…8638 -macopt size:16 BLAKE2BMAC
HASH_OF_DOCUMENT = "db28490202a216508effed731f97c168"
IDENTITIES = Identities(KEY, {("garmin", "u2"): ("P002", "Europe/Berlin")})


def test_an_unmapped_person_is_a_keyed_hash() -> None:
    assert IDENTITIES.user_hash("garmin", "u1") == HASH_OF_U1
    assert feed(daily(), known={}).row["user_id"] == HASH_OF_U1


@pytest.mark.parametrize("size", [1, 32, 64, 65, 200])
def test_the_hash_of_a_person_is_the_start_of_an_hmac_whatever_the_keys_length(size: int) -> None:
    key = bytes(range(size))
    expected = hmac.digest(key, b"user:garmin:u1", "sha256").hex()[:32]
    assert Identities(key, {}).user_hash("garmin", "u1") == expected


def test_a_document_id_is_a_keyed_hash_of_its_own() -> None:
    assert IDENTITIES.document_hash("garmin", "dailies", "x-1-15180") == HASH_OF_DOCUMENT
    for fast in (True, False):
        assert feed(daily(summaryId=" x-1-15180"), fast=fast).row["summary_id"] == HASH_OF_DOCUMENT


def test_a_key_is_recognised_by_a_hash_that_is_no_use_without_it() -> None:
    assert IDENTITIES.key_check == "2164625b589f20c4807386d5162b926e"
    assert Identities(bytes(32), {}).key_check != IDENTITIES.key_check


def test_another_key_source_or_kind_gives_another_hash() -> None:
    other = Identities(bytes(32), {})
    hashes = {
        HASH_OF_U1,
        other.user_hash("garmin", "u1"),
        IDENTITIES.user_hash("oura", "u1"),
        IDENTITIES.document_hash("garmin", "dailies", "u1"),
        IDENTITIES.document_hash("garmin", "sleeps", "u1"),
        other.document_hash("garmin", "dailies", "u1"),
    }
    assert len(hashes) == 6


def test_an_entry_of_the_user_map_wins_and_brings_its_zone() -> None:
    people = UserIndex(IDENTITIES, "garmin", ())
    assert people["u2"] == ("P002", 0, "Europe/Berlin", None)
    assert people["u1"] == (HASH_OF_U1, 0, None, None)


def test_an_entry_holds_for_its_own_source_only() -> None:
    assert UserIndex(IDENTITIES, "oura", ())["u2"].user_id != "P002"


@both_readers
def test_an_integer_and_its_digits_are_one_person(fast: bool) -> None:
    digits = "12345678901234567890123"
    data = lines(daily(userId=int(digits)), daily(userId=digits), daily(userId=f" {digits} "))
    rows = feed(data, known={("garmin", digits): ("P7", None)}, fast=fast).rows
    assert [row["user_id"] for row in rows] == ["P7"] * 3


def test_identities_print_neither_key_nor_ids() -> None:
    assert repr(IDENTITIES) == "Identities(1 mapped)"


def test_people_travel_to_a_worker() -> None:
    assert pickle.loads(pickle.dumps(IDENTITIES)) == IDENTITIES


def test_many_people_are_forgotten_and_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qol.identity.pseudonyms.MAX_CACHED_USERS", 2)
    people = UserIndex(IDENTITIES, "garmin", ())
    found = [people[f"u{n}"].user_id for n in (1, 2, 3, 1, 2)]
    assert len(people) <= 2
    assert (found[0], found[1]) == (found[3], found[4]) == (HASH_OF_U1, "P002")


def test_many_people_together_are_what_each_is_alone() -> None:
    people = UserIndex(IDENTITIES, "garmin", ("9",))
    together = zip(*people.columns(["u1", "u2", "u1", ""]), strict=True)
    assert list(together) == [people["u1"][:3], people["u2"][:3], people["u1"][:3], ("", 0, None)]


def test_one_bucket_needs_no_limits() -> None:
    assert bucket_limits(1, ["P1", "P2"]) == bucket_limits(0, []) == ()


def test_hashes_are_split_by_their_first_digits() -> None:
    assert bucket_limits(4, []) == ("40000000", "80000000", "c0000000")


def test_a_limit_belongs_to_the_bucket_above_it() -> None:
    limits = ("40000000", "80000000")
    ids = ["3" + "f" * 31, "40000000", "4" + "0" * 31, "80000000", "P001", ""]
    assert [bucket_of(user_id, limits) for user_id in ids] == [0, 1, 1, 2, 2, 0]


def test_mapped_ids_are_split_by_their_quantiles() -> None:
    limits = bucket_limits(2, [f"P{n:03d}" for n in range(100)])
    assert limits == ("80000000", "P050")
    assert [bucket_of(user_id, limits) for user_id in ("P049", "P050", "p")] == [1, 2, 2]


@pytest.mark.parametrize("count", [2, 7, 32])
def test_both_kinds_of_ids_are_spread_over_the_buckets(count: int) -> None:
    mapped = [f"P{n:04d}" for n in range(1_000)]
    hashed = [IDENTITIES.user_hash("garmin", str(n)) for n in range(1_000)]
    limits = bucket_limits(count, mapped)
    for ids in (mapped, hashed):
        sizes = [0] * (len(limits) + 1)
        for user_id in ids:
            sizes[bucket_of(user_id, limits)] += 1
        assert max(sizes) <= 2 * 1_000 / count


@given(st.lists(st.text(st.characters(codec="ascii"), max_size=4)), st.integers(0, 9), st.lists(st.text(max_size=4)))
def test_buckets_one_after_the_other_are_sorted_by_user_id(ids: list[str], count: int, mapped: list[str]) -> None:
    limits = bucket_limits(count, mapped)
    assert list(limits) == sorted(set(limits))
    assert sorted(ids, key=lambda user_id: (bucket_of(user_id, limits), user_id)) == sorted(ids)


@both_readers
def test_a_row_carries_its_persons_bucket(fast: bool) -> None:
    rows = feed(
        lines(daily(userId="u1"), daily(userId="u2"), daily(userId="u3")), bucket_limits=("P2", "P3"), fast=fast
    ).rows
    assert [(row["user_id"], row["bucket"]) for row in rows] == [("P1", 0), ("P2", 1), ("P3", 2)]


def test_nobody_without_the_key_can_tell_which_object_a_hash_stands_for() -> None:
    assert Identities(b"k" * 32, {}).object_hash("raw/a.jsonl") == "613d8305a83e5beb8d518643936bea1e"
    assert Identities(b"l" * 32, {}).object_hash("raw/a.jsonl") == "7310d7a6a22169219baed02be7e1dbfb"
