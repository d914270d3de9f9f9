"""`qol contracts` checks, lists, shows and documents; wrong contracts are named with place, value and what is allowed."""

import shutil
from pathlib import Path

import pytest

from tests.builders import CONTRACTS
from tests.command_line import Qol


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project's contracts, to break."""
    shutil.copytree(CONTRACTS.root, tmp_path / "schemas")
    return tmp_path


def _break(project: Path, old: str, new: str) -> None:
    file = project / "schemas/sources/garmin/hrv.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_shipped_contracts_fit_and_are_listed(qol: Qol) -> None:
    ended = qol("contracts", "check")
    assert (ended.code, ended.out.endswith("all fit.\n")) == (0, True)
    out = qol("contracts", "list").out
    assert all(contract.name in out for contract in CONTRACTS.sources)


def test_every_problem_is_named_at_once_and_exits_2(qol: Qol, project: Path) -> None:
    _break(project, "hrv_rmssd_ms: last_night_avg", "hrv_rmssd: last_night_avg")
    _break(project, "type: epoch_seconds", "type: epoch")
    problem = "sources/garmin/hrv.yaml: fields.start_time_seconds.type: found \"epoch\"; allowed: 'integer', 'number'"
    for words, env in ((["--schemas", project / "schemas"], {}), ([], {"QOL_SCHEMAS": str(project / "schemas")})):
        ended = qol("contracts", "check", *words, **env)
        assert (ended.code, problem in ended.err) == (2, True)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("last_night_avg: 38.0", "last_night_avg: 99.0", "examples.1.expect.last_night_avg: found 99.0; allowed: 38.0 (offset 0"),
        ("lastNightAvg: '44'", "lastNightAvg: x", 'examples.2.nulled: found []; allowed: ["lastNightAvg: string wrong_type"] (numb'),
        ("reject: missing_key", "reject: missing_day", "examples.5.reject: found missing_day; allowed: rejected as missing_key ("),
        ("hrv_rmssd_ms: last_night_avg", "hrv_rmssd: last_night_avg", "daily.hrv_rmssd: found hrv_rmssd; allowed: where or a daily metric: hrv_rmssd_ms"),
        ("startTimeInSeconds: '1794231000'", "startTime: 1", "examples.2.expect: found a record; allowed: rejected as missing_key"),
    ],
)  # fmt: skip
def test_a_wrong_metric_or_example_is_named_with_what_is_allowed_or_what_it_becomes(
    qol: Qol, project: Path, old: str, new: str, problem: str
) -> None:
    _break(project, old, new)
    ended = qol("contracts", "check", "--schemas", project / "schemas")
    assert (ended.code, f"sources/garmin/hrv.yaml: {problem}" in ended.err) == (2, True)


def test_a_run_with_wrong_contracts_exits_2(qol: Qol, project: Path) -> None:
    _break(project, "type: epoch_seconds", "type: epoch")
    ended = qol("run", "--lake", project, QOL_SCHEMAS=str(project / "schemas"))
    assert (ended.code, "contract problem(s):" in ended.err) == (2, True)


def test_a_folder_without_contracts_is_named_with_both_options_to_name_one(qol: Qol, tmp_path: Path) -> None:
    for ended in (
        qol("contracts", "check", QOL_SCHEMAS=str(tmp_path)),
        qol("contracts", "check", "--schemas", tmp_path),
    ):
        assert ended.code == 2
        assert ended.err.startswith(f"--schemas (or QOL_SCHEMAS) {tmp_path}: no metrics/daily.yaml there; allowed: ")


def test_a_contract_is_shown_with_fields_and_examples_and_a_table_with_its_columns(qol: Qol) -> None:
    out = qol("contracts", "show", "garmin_hrv").out
    assert "lastNightAvg" in out
    assert "5 to 250, 0 = no value" in out
    assert "Example: a night (arrives 2026-11-10)" in out
    assert "  became null or was corrected: lastNightAvg: 0 sentinel" in out
    assert "  rejected: missing_key" in out
    table = qol("contracts", "show", "weekly_metrics").out
    assert "Mean of steps (count) over the valid days of the week that have it." in table


def test_an_unknown_contract_exits_2(qol: Qol) -> None:
    ended = qol("contracts", "show", "fitbit")
    assert (ended.code, ended.err.partition("; nearest: ")[0]) == (2, "fitbit: no such contract")
    assert ended.err.endswith("; see qol contracts list\n")


def test_docs_are_written_and_stale_ones_are_named(qol: Qol, project: Path) -> None:
    schemas = ("--schemas", project / "schemas")
    assert qol("contracts", "docs", *schemas).out.startswith("Wrote ")
    assert qol("contracts", "docs", "--check", *schemas).code == 0
    (project / "docs/catalog.md").write_text("old")
    ended = qol("contracts", "docs", "--check", *schemas)
    assert (ended.code, str(project / "docs/catalog.md") in ended.err) == (1, True)
    assert (project / "docs/catalog.md").read_text() == "old"


def test_a_weekly_metric_that_comes_without_its_anchor_is_a_warning_and_no_error(qol: Qol, project: Path) -> None:
    assert qol("contracts", "check", "--schemas", project / "schemas").err == ""
    weekly = project / "schemas/metrics/weekly.yaml"
    text = weekly.read_text(encoding="utf-8")
    weekly.write_text(text.replace("    own_days: [min_hr_bpm, max_hr_bpm, mean_hr_bpm]\n", ""), encoding="utf-8")
    ended = qol("contracts", "check", "--schemas", project / "schemas")
    assert (ended.code, ended.out.endswith("all fit.\n")) == (0, True)
    assert (
        "warning: metrics/weekly.yaml: groups.heart.metrics.mean_hr_bpm: a metric that garmin_dailies, healthkit_measurements, "
        "healthkit_health_auto_export, oura_heartrate can give on a day without resting_hr_bpm or hrv_rmssd_ms or "
        "hrv_sdnn_ms; better: mean_hr_bpm in own_days, an anchor that comes with it, or a group of its own\n"
    ) in ended.err


def test_a_metric_of_other_fields_than_its_anchor_is_a_warning_although_one_record_has_both(
    qol: Qol, project: Path
) -> None:
    weekly = project / "schemas/metrics/weekly.yaml"
    text = weekly.read_text(encoding="utf-8")
    weekly.write_text(text.replace("own_days: [stress_max, ", "own_days: ["), encoding="utf-8")
    ended = qol("contracts", "check", "--schemas", project / "schemas")
    # stressDetails reads both from one list of samples.
    assert ended.err == (
        "warning: metrics/weekly.yaml: groups.stress.metrics.stress_max: a metric that garmin_dailies can give on a day without "
        "stress_mean or recovery_high_minutes; better: stress_max in own_days, an anchor that comes with it, or a group of its own\n"
    )
