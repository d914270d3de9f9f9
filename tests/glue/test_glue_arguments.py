"""Glue's arguments become a request: full names, one value each, nothing unknown passes."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
from awsglue.utils import getResolvedOptions

from qol.errors import UsageError
from qol.glue.arguments import _FAMILIES, OF_GLUE, read_call
from qol.run.request import OPTIONS, RunRequest

NOW = "2026-11-18T00:05:00Z"


def call(*words: str) -> tuple[RunRequest, str]:
    return read_call(["weekly_etl.py", *words], getResolvedOptions)


def request(*words: str) -> RunRequest:
    return call(*words)[0]


def test_a_scheduled_start_is_a_run_on_spark_of_the_cluster() -> None:
    found = call(
        "--JOB_NAME", "qol-etl", "--lake", "s3://b/p", "--week", "2026-W46", "--JOB_RUN_ID", "jr_1", "--now", NOW
    )
    assert found == (
        RunRequest(
            "run",
            lake="s3://b/p",
            week=date(2026, 11, 9),
            engine="spark",
            master="none",
            job_run_id="jr_1",
            now=datetime(2026, 11, 18, 0, 5, tzinfo=UTC),
        ),
        "qol-etl",
    )


def test_a_job_run_id_of_ones_own_stays() -> None:
    assert request("--job-run-id", "mine", "--JOB_RUN_ID", "jr_1").job_run_id == "mine"


def test_the_command_is_chosen() -> None:
    found = request("--command", "rebuild", "--from-week", "2026-W40")
    assert (found.command, found.first_week) == ("rebuild", date(2026, 9, 28))
    with pytest.raises(UsageError, match="--command publish: unknown; allowed: run, backfill, rebuild"):
        call("--command", "publish")


def test_another_engine_and_master_are_taken() -> None:
    found = request("--engine", "local", "--master", "local[2]")
    assert (found.engine, found.spark_master) == ("local", "local[2]")


def test_what_glue_adds_is_passed_over() -> None:
    glue = [
        "true", "--job-bookmark-option", "job-bookmark-disable", "--TempDir", "s3://b/tmp/", "--JOB_ID", "j_1", "true",
        "--enable-metrics", "--enable-continuous-cloudwatch-log", "true", "--conf", "spark.a=1 --conf spark.b=2",
        "--python-modules-installer-option", "--no-index", "--extra-py-files", "s3://b/x.whl", "--job-language", "python",
        "--custom-logGroup-prefix", "/qol/job", "--scriptLocation", "s3://b/weekly_etl.py",
    ]  # fmt: skip
    found = request(*glue, "--lake", "s3://b", "--now", NOW)
    assert found == request("--lake", "s3://b", "--now", NOW)


@pytest.mark.parametrize("name", ["wee", "lak", "from-wee", "commands", "no-index", "JOB"])
def test_the_start_of_a_name_is_not_the_name(name: str) -> None:
    with pytest.raises(UsageError, match=f"--{name}: unknown argument; allowed: --accept, --command"):
        call("--lake", "s3://b", f"--{name}", "x")


def test_names_with_an_equals_sign_and_empty_values_of_glue_are_read() -> None:
    found, job = call("--enable-metrics", "", "--lake=s3://b", "--JOB_NAME=n")
    assert (found.lake, job) == ("s3://b", "n")


def test_a_name_and_its_longer_sister_are_kept_apart() -> None:
    found = request("--command", "backfill", "--from", "2026-11-01", "--to", "2026-11-02")
    assert (found.first_day, found.last_day) == (date(2026, 11, 1), date(2026, 11, 2))
    with pytest.raises(UsageError, match="--from: not an option of rebuild; allowed: --from-week, --to-week, "):
        request("--command", "rebuild", "--from-week", "2026-W40", "--from", "2026-11-01")


def test_an_argument_that_a_command_needs_is_asked_for() -> None:
    with pytest.raises(UsageError, match="--to: not given; allowed: last arrival day to read"):
        request("--command", "backfill", "--from", "2026-11-01")


def test_switches_say_true_or_false() -> None:
    assert request("--dry-run", "true").dry_run is True
    assert request("--dry-run", "false").dry_run is False
    with pytest.raises(UsageError, match="--dry-run yes: unknown; allowed: true, false"):
        request("--dry-run", "yes")


def test_several_checks_are_accepted_in_one_argument() -> None:
    assert request("--accept", "people_kept, rejected_share").accept == ("people_kept", "rejected_share")


def test_a_value_that_is_missing_or_too_much_is_told() -> None:
    with pytest.raises(UsageError, match="--week.*expected one argument; allowed: every argument with its value"):
        call("--lake", "s3://b", "--week")
    with pytest.raises(UsageError, match="a value without a name after --lake"):
        call("--lake", "s3://b", "s3://c")
    with pytest.raises(UsageError, match="--week: given 2 times; allowed: once"):
        call("--week", "2026-W45", "--week", "2026-W46")


def test_glues_function_is_asked_for_what_is_there_and_nothing_else() -> None:
    asked: list[str] = []

    def resolve(argv: list[str], names: list[str]) -> Mapping[str, Any]:
        asked.extend(names)
        found: Mapping[str, Any] = getResolvedOptions(argv, names)
        return found

    read_call(["x", "--lake", "s3://b", "--JOB_NAME", "n", "--TempDir", "s3://t", "--JOB_RUN_ID", "jr"], resolve)
    assert asked == ["lake", "JOB_NAME"]


def test_no_option_of_ours_is_one_of_glues() -> None:
    names = {option.name for option in OPTIONS.values()} | {"command"}
    assert not names & OF_GLUE
    assert not [name for name in names if name.startswith(_FAMILIES)]
