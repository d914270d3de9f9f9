"""A request becomes an outcome: an exit code, the manifest, and sentences that say where to look; no error leaves the job."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from qol.errors import LakeError, RefusedError, UsageError
from qol.run.job import RunOutcome, run_job
from qol.run.request import OPTIONS, RunRequest, read_request
from tests.builders import CONTRACTS, KEY, NOW, daily_record, write_lines

pytestmark = pytest.mark.usefixtures("no_gate")


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QOL_PSEUDONYM_KEY", KEY.decode())
    write_lines(tmp_path, "2026-11-10", [daily_record()])
    return tmp_path


def outcome_of(lake: Path, **changes: Any) -> RunOutcome:
    return run_job(RunRequest(lake=str(lake), now=NOW, no_docs=True, **changes), CONTRACTS)


def test_every_field_of_a_request_but_its_command_has_an_option() -> None:
    assert ["command", *OPTIONS] == [field.name for field in fields(RunRequest)]


def test_a_run_that_ends_well_has_its_manifest_and_says_what_it_did(lake: Path) -> None:
    stages: list[str] = []
    outcome = run_job(RunRequest(lake=str(lake), now=NOW, no_docs=True), CONTRACTS, stages.append)
    assert (outcome.exit_code, outcome.error) == (0, None)
    assert outcome.manifest is not None
    assert stages == list(outcome.manifest.stages) == ["list", "ingest", "reduce", "assemble", "gate", "publish"]
    run_id = outcome.manifest.run_id
    assert outcome.notes[:3] == (
        f"Run {run_id}: published 3 files of 1 week.",
        "Read 1 raw object of arrival days 2026-11-10 to 2026-11-18, 1 line.",
        "1 item = 0 blank + 0 control + 0 rejected + 1 kept + 0 superseded",
    )
    assert outcome.manifest.unstamped == 1
    assert outcome.notes[3].startswith("1 record without _received_at: of versions that arrived on one day ")
    assert outcome.notes[-1] == f"Manifest   {lake}/_runs/{run_id}.json"


def test_a_refused_run_names_its_stage_its_manifest_and_the_results(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RefusedError("people_kept")

    monkeypatch.setattr("qol.run.pipeline.run_gate", refuse)
    outcome = run_job(RunRequest(lake=str(lake), now=NOW), CONTRACTS)
    assert outcome.manifest is not None
    assert (outcome.exit_code, outcome.manifest.status) == (3, "refused")
    run_id = outcome.manifest.run_id
    assert outcome.notes == (
        "Stage: gate.",
        f"Run {run_id}; its manifest is at {lake}/_runs/{run_id}.json",
        f"All results: {lake}/_docs/index.html",
    )


def test_a_dry_run_that_fails_says_that_it_writes_no_manifest(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise LakeError("down")

    monkeypatch.setattr("qol.run.pipeline.list_raw", fail)
    outcome = outcome_of(lake, dry_run=True)
    assert outcome.exit_code == 1
    assert outcome.notes == ("Stage: list.", "No manifest was written. A dry run writes none.")
    assert not (lake / "_runs").exists()


def test_what_cannot_be_asked_for_ends_the_job_before_its_run_begins(lake: Path) -> None:
    outcome = outcome_of(lake, accept=("steps",))
    assert (outcome.exit_code, outcome.manifest, outcome.notes) == (2, None, ())
    assert str(outcome.error).startswith("--accept steps: no such check; allowed: rows_as_expected,")
    assert isinstance(outcome_of(lake / "nowhere").error, UsageError)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"raw-days": "0"}, "--raw-days 0: out of range; allowed: a whole number from 1 to 36500"),
        ({"raw-days": "36501"}, "--raw-days 36501: out of range; allowed: a whole number from 1 to 36500"),
        ({"workers": "two"}, "--workers two: out of range; allowed: a whole number from 1 on"),
        ({"engine": "flink"}, "--engine flink: unknown; allowed: local, spark"),
        ({"trigger": "backfill"}, "--trigger backfill: unknown; allowed: schedule, manual"),
    ],
)
def test_a_text_that_an_option_does_not_take_is_told_with_what_it_takes(given: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_request("run", given)
    assert str(raised.value) == message
