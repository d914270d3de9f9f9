"""`qol erase` on the command line: what it prints, how it ends, and that no id is ever said."""

from pathlib import Path

import pytest

from tests.collect.conftest import write_tokens
from tests.command_line import Qol
from tests.people.erasing import files, lake_of_three, traces

pytestmark = pytest.mark.usefixtures("no_gate")


def test_erase_shows_what_there_is_removes_it_proves_it_and_lifts_it(qol: Qol, tmp_path: Path) -> None:
    lake, tokens = lake_of_three(tmp_path), write_tokens(tmp_path / "tokens", "v-anna", "v-ben")
    with (tmp_path / "map.jsonl").open("a") as user_map:
        user_map.write('{"source": "oura", "vendor_user_id": "v-anna", "user_id": "P-anna"}\n')
    given = ("--lake", lake, "--user-map", tmp_path / "map.jsonl", "--tokens", tokens)
    ids = tmp_path / "ids.txt"
    ids.write_text("P-anna\n")
    before = files(tmp_path)
    dry = qol("erase", "--file", ids, "--dry-run", *given)
    assert (dry.code, "weekly_metrics" in dry.out, files(tmp_path)) == (0, True, before)
    searched = qol("erase", "--file", ids, "--verify", *given)
    assert (searched.code, "no erasure has ended here" in searched.out) == (1, True)
    ended = qol("erase", "--file", ids, "--asked-by", "participant", *given)
    assert (ended.code, "Person 1: nothing found in" in ended.out, "raw items" in ended.out) == (0, True, True)
    assert ("the vendor's own servers" in ended.out, "recovery points" in ended.out) == (True, False)
    proved = qol("erase", "--file", ids, "--verify", *given)
    assert (proved.code, "Tombstone  _erasures/" in proved.out) == (0, True)
    ids.unlink()
    assert traces(files(tmp_path)) == []
    lifted = qol("erase", "--user", "P-anna", "--lift", *given)
    assert (lifted.code, lifted.out.startswith("Erasure ")) == (0, True)
    for one in (dry, ended, lifted):
        assert "anna" not in (one.out + one.err).replace(str(tmp_path), "")


def test_an_unknown_id_among_others_stops_none_of_them_and_a_source_without_a_contract_all(
    qol: Qol, tmp_path: Path
) -> None:
    given = ("--lake", lake_of_three(tmp_path), "--user-map", tmp_path / "map.jsonl")
    ids = tmp_path / "ids.txt"
    ids.write_text("P-anna\ngramin:1\n")
    assert qol("erase", "--file", ids, *given).code == 2
    assert len(traces(files(tmp_path / "lake"))) > 10
    ids.write_text("P-nobody\nP-anna\n")
    ended = qol("erase", "--file", ids, *given)
    assert (ended.code, "person 1: the lake holds nothing on this id" in ended.err) == (2, True)
    assert traces(files(tmp_path / "lake")) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "no id; allowed: one of --user ID, --vendor SOURCE:ID, --file FILE, --file - (standard input)"),
        (("--user", "P-ana"), "the lake holds nothing on this id"),
        (("--vendor", "gramin:1"), "--vendor: not <source>:<vendor id>; allowed: a source of garmin, healthkit"),
        (("--user", "P-ben", "--lift"), "--lift: no erasure of this person is in force"),
        (("--user", "P-ben", "--lift", "--verify"), "--dry-run, --verify, --lift: more than one given"),
    ],
)
def test_what_cannot_be_meant_is_said_and_changes_nothing(
    qol: Qol, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    given = ("--lake", lake_of_three(tmp_path), "--user-map", tmp_path / "map.jsonl")
    before = {key: data for key, data in files(tmp_path).items() if "_locks" not in key}
    ended = qol("erase", *words, *given)
    assert (ended.code, says in ended.err) == (2, True)
    assert {key: data for key, data in files(tmp_path).items() if "_locks" not in key} == before
