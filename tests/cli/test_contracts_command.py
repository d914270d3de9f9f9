"""`qol contracts` checks, lists, shows and documents; wrong contracts are named with place, value and what is allowed."""

import shutil
from pathlib import Path

import pytest

from tests.builders import CONTRACTS, copy_contracts, write_lines
from tests.command_line import CLOCK, Qol, manifests


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with one of the project's contracts, to break."""
    copy_contracts(tmp_path / "schemas")
    return tmp_path


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A folder with all contracts."""
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
        ("last_night_avg: 38.0", "last_night_avg: 99.0", "examples.1.expect.last_night_avg: expected 99.0, but it becomes 38.0 (offset 0"),
        ("lastNightAvg: '44'", "lastNightAvg: x", 'examples.2.nulled: expected [], but the issues are ["lastNightAvg: string wrong_type"] (numb'),
        ("reject: missing_key", "reject: missing_day", "examples.5.reject: expected it to be rejected as missing_day, but it was rejected as missing_key ("),
        ("hrv_rmssd_ms: last_night_avg", "hrv_rmssd: last_night_avg", "daily.hrv_rmssd: found hrv_rmssd; allowed: where or a daily metric: hrv_rmssd_ms"),
        ("startTimeInSeconds: '1794231000'", "startTime: 1", "examples.2.expect: expected it to be kept as a record, but it was rejected as missing_key (numb"),
        ("expect_daily: {hrv_rmssd_ms: 44}", "expect_daily: {hrv_rmssd_ms: 44.5}", "examples.0.expect_daily.hrv_rmssd_ms: expected 44.5, but it becomes 44.0 (a night)"),
        ("expect_daily: {hrv_rmssd_ms: 44}", "expect_daily: {hrv_rmssd_ms: null}", "examples.0.expect_daily.hrv_rmssd_ms: expected null, but it becomes 44.0 (a night)"),
        ("expect_daily: {hrv_rmssd_ms: 44}", "expect_daily: {steps: 44}", "examples.0.expect_daily.steps: found steps; allowed: a daily metric of this contract: hrv_rmssd_ms, "),
        ("reject: missing_key", "reject: missing_key\n    expect_daily: {hrv_rmssd_ms: 44}", "examples.5.reject: found missing_key; allowed: no nulled and no expect_daily, "),
    ],
)  # fmt: skip
def test_a_wrong_metric_or_example_is_named_with_what_is_allowed_or_what_it_becomes(
    qol: Qol, project: Path, old: str, new: str, problem: str
) -> None:
    _break(project, old, new)
    ended = qol("contracts", "check", "--schemas", project / "schemas")
    assert (ended.code, f"sources/garmin/hrv.yaml: {problem}" in ended.err) == (2, True)


def test_a_mapping_that_names_no_column_of_the_lake_is_a_mistake_and_no_mapping_is_none(qol: Qol, whole: Path) -> None:
    mapping = whole / "schemas/sinks/healthsync.yaml"
    mapping.write_text(mapping.read_text().replace("of: start_seconds", "of: start_secs"))
    ended = qol("contracts", "check", "--schemas", whole / "schemas")
    found = (
        "sinks/healthsync.yaml: tables.measurements.columns.started_at: found start_secs; allowed: a column of records_"
    )
    assert (ended.code, found in ended.err) == (2, True)
    shutil.rmtree(whole / "schemas/sinks")
    assert qol("contracts", "check", "--schemas", whole / "schemas").code == 0


#: SQL that has the right type and cannot be computed of seconds below 90000.
FAILS = "last_night_avg * power(10, duration_seconds - 90000)"
FAILED = f"{FAILS} with duration_seconds Int64, last_night_avg Float64 (InvalidOperationError)"


@pytest.mark.parametrize(
    ("daily", "place", "sql"),
    [
        (f"daily:\n  hrv_rmssd_ms: {FAILS}", "daily.hrv_rmssd_ms", FAILS),
        (f"derived:\n  scaled: {FAILS}\ndaily:\n  hrv_rmssd_ms: scaled", "derived.scaled", FAILS),
        (f"derived:\n  scaled: {{value: '{FAILS}', unit: ms, range: [0, 300]}}\ndaily:\n  hrv_rmssd_ms: scaled", "derived.scaled", FAILS),
        (f"daily:\n  where: {FAILS} > 0\n  hrv_rmssd_ms: last_night_avg", "daily.where", f"{FAILS} > 0"),
        (f"daily:\n  hrv_rmssd_ms: {{value: '{FAILS}', over: mean}}\n  resting_hr_bpm: last_night_avg", "daily.hrv_rmssd_ms.value", FAILS),
        (f"daily:\n  hrv_rmssd_ms: {{value: last_night_avg, over: mean, each: '{FAILS}'}}\n  resting_hr_bpm: last_night_avg", "daily.hrv_rmssd_ms.each", FAILS),
        (f"wear: {{minutes: '{FAILS}', limit_minutes: 1}}\ndaily:\n  hrv_rmssd_ms: last_night_avg", "wear.minutes", FAILS),
    ],
)  # fmt: skip
def test_an_expression_that_fails_on_an_example_is_named_with_its_types_and_what_the_engine_says(
    qol: Qol, project: Path, daily: str, place: str, sql: str
) -> None:
    _break(project, "daily:\n  hrv_rmssd_ms: last_night_avg", daily)
    ended = qol("contracts", "check", "--schemas", project / "schemas")
    found = (
        f"sources/garmin/hrv.yaml: {place}: found {FAILED.replace(FAILS, sql)} in example 'a night': conversion from "
    )
    assert (ended.code, found in ended.err) == (2, True)
    assert "Hint: if you were trying to raise an integer to a negative integer power" in ended.err


def test_a_result_that_cannot_be_stored_is_told_with_what_the_engine_says(qol: Qol, project: Path) -> None:
    _break(
        project,
        "daily:\n",
        "derived:\n  words: CAST(duration_seconds AS VARCHAR) || 'x'\ndaily:\n  asleep_intervals: STRING_TO_ARRAY(words, '7')\n",
    )
    ended = qol("contracts", "check", "--schemas", project / "schemas")
    assert (ended.code, "sources/garmin/hrv.yaml: daily: found conversion from `str` to `i32` failed" in ended.err) == (
        2,
        True,
    )


def test_an_expression_that_fails_in_a_run_is_a_contract_error_without_values(qol: Qol, project: Path) -> None:
    night = {"userId": "u1", "startTimeInSeconds": 1794231000, "durationInSeconds": 12345, "lastNightAvg": 44}
    _break(project, "daily:\n  hrv_rmssd_ms: last_night_avg", f"daily:\n  hrv_rmssd_ms: {FAILS}")
    write_lines(project / "lake", "2026-11-10", [night], folder="raw/garmin/hrv")
    ended = qol("run", "--lake", project / "lake", "--now", CLOCK, QOL_SCHEMAS=str(project / "schemas"))
    assert (ended.code, f"sources/garmin/hrv.yaml: daily.hrv_rmssd_ms: found {FAILED}; allowed: SQL " in ended.err) == (
        2,
        True,
    )
    assert "-77655" not in ended.out + ended.err
    assert manifests(project / "lake")[0]["error"].startswith("1 contract problem(s):")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (", start_time_offset_seconds: 32400", "", "fields.start_time_offset_seconds: found no example that expects its value"),
        ("path: lastNightAvg,", "path: [lastNightAvg, lastAvg],", "fields.last_night_avg.path: found lastAvg; allowed: a place that"),
        ("lastNightAvg: '44'", "lastNightAvg: '44', mean: 3", "examples.2.raw: found mean; allowed: a name that a field reads or drop has"),
        ("reject: missing_key", "expect: {day: 2026-11-09}", "examples: found none that is rejected (reject)"),
        ("    nulled:", "    # nulled:", "examples: found none with a value that becomes null or is corrected (nulled)"),
    ],
)  # fmt: skip
def test_what_the_examples_leave_untried_is_named(qol: Qol, project: Path, old: str, new: str, problem: str) -> None:
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


def test_docs_are_written_and_stale_ones_are_named(qol: Qol, whole: Path) -> None:
    schemas = ("--schemas", whole / "schemas")
    assert qol("contracts", "docs", *schemas).out.startswith("Wrote ")
    assert qol("contracts", "docs", "--check", *schemas).code == 0
    (whole / "docs/catalog.md").write_text("old")
    ended = qol("contracts", "docs", "--check", *schemas)
    assert (ended.code, str(whole / "docs/catalog.md") in ended.err) == (1, True)
    assert (whole / "docs/catalog.md").read_text() == "old"
    (whole / "schemas/tables/left_over.yaml").write_text("old")
    wrote, removed = qol("contracts", "docs", *schemas).out.split("Removed 1 file:")
    assert ("catalog.md" in wrote, "left_over" in wrote, "left_over.yaml" in removed) == (True, False, True)


def test_a_weekly_metric_that_comes_without_its_anchor_is_a_warning_and_no_error(qol: Qol, whole: Path) -> None:
    assert qol("contracts", "check", "--schemas", whole / "schemas").err == ""
    weekly = whole / "schemas/metrics/weekly.yaml"
    text = weekly.read_text(encoding="utf-8")
    text = text.replace("    own_days: [min_hr_bpm, max_hr_bpm, mean_hr_bpm]\n", "")
    weekly.write_text(text.replace("precedence: [sensor]", "precedence: [senser]"), encoding="utf-8")
    ended = qol("contracts", "check", "--schemas", whole / "schemas")
    assert (ended.code, ended.out.endswith("all fit.\n")) == (0, True)
    assert (
        "warning: metrics/weekly.yaml: groups.heart.metrics.mean_hr_bpm: a metric that garmin_dailies, healthkit_measurements, "
        "healthkit_health_connect, healthkit_health_auto_export, oura_heartrate can give on a day without resting_hr_bpm or hrv_rmssd_ms or "
        "hrv_sdnn_ms; better: mean_hr_bpm in own_days, an anchor that comes with it, or a group of its own\n"
    ) in ended.err
    wrong = "groups.environment.precedence.0: senser, which gives no metric of the group; better: sensor\n"
    assert f"warning: metrics/weekly.yaml: {wrong}" in ended.err


def test_a_metric_of_other_fields_than_its_anchor_is_a_warning_although_one_record_has_both(
    qol: Qol, whole: Path
) -> None:
    weekly = whole / "schemas/metrics/weekly.yaml"
    text = weekly.read_text(encoding="utf-8")
    weekly.write_text(text.replace("own_days: [stress_max, ", "own_days: ["), encoding="utf-8")
    ended = qol("contracts", "check", "--schemas", whole / "schemas")
    # stressDetails reads both from one list of samples.
    assert ended.err == (
        "warning: metrics/weekly.yaml: groups.stress.metrics.stress_max: a metric that garmin_dailies can give on a day without "
        "stress_mean or recovery_high_minutes; better: stress_max in own_days, an anchor that comes with it, or a group of its own\n"
    )
