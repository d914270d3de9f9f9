"""Nothing of what raw data says about a user leaves `raw/`, `quarantine/` and the user map, whatever is run or goes wrong."""

import html
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qol.contracts.columns import table_folder, table_schemas
from qol.contracts.model import Contracts
from qol.glue.run_metrics import emf_lines
from qol.lake import LocalLake
from qol.run.job import RunOutcome
from qol.tables.manifest import read_manifests
from qol_lambda.run_messages import Ended, run_failed, run_warned
from qol_lambda.runs import _parsed
from qol_lambda.settings import Installation
from tests.builders import KEY
from tests.canaries import IDENTIFIED, Canaries, outside, plant
from tests.command_line import CLOCK, WEEK, Qol

pytestmark = pytest.mark.xdist_group("canaries")


#: Single words that vendors' open lists may have one day (docs/adr/0016-open-vocabularies.md); texts with blanks never pass.
OPEN = {
    f"{place} as {{}}"
    for place in (
        "garmin_activities: activityType",
        "garmin_activityDetails: summary.activityType",
        "garmin_epochs: activityType",
        "garmin_moveIQActivities: activityType",
        "garmin_moveIQActivities: activitySubType",
        "oura_enhanced_tag: tag_type_code",
        "oura_workout: activity",
    )
}


@dataclass(frozen=True)
class Planted:
    """A lake with canaries, the user map of half of its users, and what the run printed."""

    lake: Path
    user_map: Path
    canaries: Canaries
    printed: str = ""

    def run(self, qol: Qol, lake: Path, *more: object) -> str:
        """A run of the job: its exit code and everything it prints."""
        return printed_by(qol, "run", "--lake", lake, "--now", CLOCK, "--user-map", self.user_map, *more)

    def assert_none_in(self, texts: Mapping[str, str]) -> None:
        """No canary is in the texts, nor the key of the pseudonyms; a failure names the text and the canary's place."""
        assert len(texts) > 0
        found = [(name, place) for name, text in texts.items() for place in self.canaries.found(text)]
        assert [f"{name}: {place}" for name, place in found if place not in OPEN] == []
        assert [name for name, text in texts.items() if KEY.decode() in text] == []


def printed_by(qol: Qol, *words: object) -> str:
    """Exit code and both outputs of a command, wide enough to cut nothing."""
    ended = qol(*words, COLUMNS="400")
    return f"exit {ended.code}\n{ended.out}\n{ended.err}"


def asked(qol: Qol, lake: Path, *commands: tuple[object, ...]) -> dict[str, str]:
    """What each command prints about a lake."""
    return {" ".join(map(str, words)): printed_by(qol, *words, "--lake", lake) for words in commands}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory, qol_session: Qol, contracts: Contracts) -> Planted:
    """One run over canaries in every place of every contract's fullest example."""
    folder = tmp_path_factory.mktemp("canaries")
    new = Planted(folder / "lake", folder / "map.jsonl", Canaries())
    owners = plant(new.lake, contracts, new.canaries)
    mapped = [owner for number, owner in enumerate(owners) if number % 2 or owner["source"] == "sensor"]
    new.user_map.write_text("".join(json.dumps(owner) + "\n" for owner in mapped))
    printed = new.run(qol_session, new.lake)
    assert printed.startswith("exit 0"), printed
    assert len(new.canaries.places) > 4_000
    return replace(new, printed=printed)


@pytest.fixture(scope="module")
def of_analysts(planted: Planted) -> Path:
    """The part of the lake that analysts may read."""
    lake = planted.lake.with_name("of-analysts")
    shutil.copytree(planted.lake, lake, ignore=shutil.ignore_patterns(*IDENTIFIED))
    return lake


def manifests(lake: Path) -> list[bytes]:
    return [file.read_bytes() for file in sorted((lake / "_runs").glob("*.json"))]


def test_the_lake_outside_raw_and_quarantine_and_what_the_run_prints(planted: Planted) -> None:
    texts = dict(outside(planted.lake))
    assert {key.split("/")[0] for key in texts} == {"_docs", "_locks", "_objects", "_runs", "processed"}
    assert sum(key.endswith(".parquet") for key in texts) > 40
    planted.assert_none_in(texts | {"the run": planted.printed})


def test_lists_of_runs_and_fields_and_the_check_of_the_machine(planted: Planted, of_analysts: Path, qol: Qol) -> None:
    run = json.loads(manifests(planted.lake)[0])["run_id"]
    commands = [("runs",), ("runs", run), ("runs", run, "--objects"), ("rejects",), ("doctor",), ("contracts", "drift")]
    planted.assert_none_in(asked(qol, of_analysts, *commands, ("contracts", "drift", "--format", "csv")))


def test_lists_of_rejects_name_places_and_no_values(planted: Planted, qol: Qol) -> None:
    reasons = json.loads(manifests(planted.lake)[0])["rejects_by_reason"]
    assert {"not_json", "not_an_object", "missing_key"} <= set(reasons)
    commands = [("rejects",), *(("rejects", "--reason", reason, "--limit", "9999") for reason in reasons)]
    texts = asked(qol, planted.lake, *commands)
    assert [place for text in texts.values() for place in planted.canaries.found(text) if "name of" not in place] == []


def test_rejects_have_no_account_id_and_nothing_that_a_contract_drops_where_the_line_is_json(
    planted: Planted, qol: Qol
) -> None:
    rows = qol("query", "SELECT * FROM rejects WHERE reason <> 'not_json'", "--lake", planted.lake, "--format", "json")
    assert json.loads(rows.out)
    kinds = {place.partition(": ")[2] for place in planted.canaries.found(rows.out)}
    assert {kind for kind in kinds if kind == "user" or kind.startswith("dropped")} == set()


def test_mails_and_metrics_about_the_run(planted: Planted) -> None:
    now = datetime(2026, 11, 18, tzinfo=UTC)
    [record] = [_parsed(manifest, now) for manifest in manifests(planted.lake)]
    assert record is not None
    assert record.failed_checks
    ended = Ended("jr_1", "FAILED", "1 of 1", WEEK, "schedule", "", record, "nothing")
    mails = [message(Installation("prod", "qol-weekly-etl"), ended) for message in (run_failed, run_warned)]
    [manifest] = read_manifests(LocalLake(planted.lake))
    metrics = "\n".join(emf_lines("qol-weekly-etl", now, 1.0, RunOutcome(manifest, 0)))
    assert '"reason"' in metrics
    planted.assert_none_in({"metrics": metrics} | {mail.subject: str(mail) for mail in mails})


@pytest.mark.acceptance
def test_what_analysts_query_and_export(planted: Planted, of_analysts: Path, qol: Qol, contracts: Contracts) -> None:
    tables = [name for name in sorted(table_schemas(contracts)) if not table_folder(name).startswith(IDENTIFIED)]
    texts = asked(
        qol,
        of_analysts,
        *(
            ("query", f"SELECT * FROM {table}", "--format", ("table", "csv", "json")[number % 3])
            for number, table in enumerate(tables)
        ),
    )
    assert [name for name, text in texts.items() if not text.startswith("exit 0")] == []
    planted.assert_none_in(texts)


@pytest.mark.acceptance
def test_reports_and_explanations_of_values(planted: Planted, of_analysts: Path, qol: Qol, tmp_path: Path) -> None:
    listed = json.loads(qol("query", "SELECT * FROM daily_metrics", "--lake", of_analysts, "--format", "json").out)
    measured = [(row, [name for name, value in row.items() if isinstance(value, int | float)]) for row in listed]
    of_source = {row["source"]: (row["user_id"], names) for row, names in measured if len(names) > 1}
    assert len(of_source) >= 4
    texts = asked(
        qol,
        of_analysts,
        ("report", "--week", WEEK, "--out", tmp_path / "all.html"),
        *(("report", "--week", WEEK, "--person", u, "--out", tmp_path / f"{u}.html") for u, _ in of_source.values()),
        *(("why", "--user", u, "--week", WEEK, "--metric", names[-1]) for u, names in of_source.values()),
    )
    pages = {page.name: html.unescape(page.read_text()) for page in tmp_path.glob("*.html")}
    assert len(pages) == 1 + len(of_source)
    planted.assert_none_in(texts | pages)


#: Damages a lake, its user map, or how objects are read.
Damage = Callable[[pytest.MonkeyPatch, Path, Path], None]


def _user_with_two_ids(_: pytest.MonkeyPatch, __: Path, user_map: Path) -> None:
    first = json.loads(user_map.read_text().splitlines()[0])
    user_map.write_text(user_map.read_text() + json.dumps({**first, "user_id": "another"}))


def _changed_user_id(_: pytest.MonkeyPatch, __: Path, user_map: Path) -> None:
    user_map.write_text(user_map.read_text().replace('"P00001"', '"another"'))


def _no_json(_: pytest.MonkeyPatch, __: Path, user_map: Path) -> None:
    user_map.write_text(user_map.read_text().replace("}", "", 1))


def _gone(patch: pytest.MonkeyPatch, _: Path, __: Path) -> None:
    read = LocalLake.read

    def read_late(self: LocalLake, key: str, *where: int) -> bytes:
        if key.startswith("raw/"):
            self.path(key).unlink(missing_ok=True)
        return read(self, key, *where)

    patch.setattr(LocalLake, "read", read_late)


def _unknown_error(patch: pytest.MonkeyPatch, _: Path, __: Path) -> None:
    read = LocalLake.read

    def fail(self: LocalLake, key: str, *where: int) -> bytes:
        data = read(self, key, *where)
        if key.startswith("raw/"):
            raise ValueError(key, data)
        return data

    patch.setattr(LocalLake, "read", fail)


def _corrupt(_: pytest.MonkeyPatch, lake: Path, __: Path) -> None:
    for file in (lake / "processed").rglob("*.parquet"):
        file.write_bytes(b"PAR1 no more")


@pytest.mark.parametrize("damage", [_user_with_two_ids, _changed_user_id, _no_json, _gone, _unknown_error, _corrupt])
def test_errors_made_on_purpose(
    planted: Planted, qol: Qol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Damage
) -> None:
    lake, user_map = tmp_path / "lake", tmp_path / "map.jsonl"
    shutil.copytree(planted.lake, lake, symlinks=True)
    shutil.rmtree(lake / "_runs")
    shutil.copy(planted.user_map, user_map)
    damage(monkeypatch, lake, user_map)
    printed = replace(planted, user_map=user_map).run(qol, lake, "--no-docs", "--workers", 1)
    monkeypatch.undo()
    assert not printed.startswith("exit 0"), printed
    manifest = {file.name: file.read_text() for file in (lake / "_runs").glob("*")}
    planted.assert_none_in({"the run": printed, **manifest, **asked(qol, lake, ("runs",), ("doctor",))})
