"""Glue's arguments become words of the command line: full names, one value each, nothing unknown passes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from awsglue.utils import getResolvedOptions

from qol.errors import UsageError
from qol.glue.arguments import _FAMILIES, OF_GLUE, JobCall, Known, read_call
from qol.glue.job import known_options

KNOWN = Known(
    values=frozenset({"lake", "week", "from", "from-week", "engine", "master", "accept", "job-run-id", "user-map"}),
    flags=frozenset({"dry-run"}),
    lists=frozenset({"accept"}),
)


def call(*words: str) -> JobCall:
    return read_call(["weekly_etl.py", *words], getResolvedOptions, KNOWN)


def test_a_scheduled_start_is_a_run_on_spark_of_the_cluster() -> None:
    found = call("--JOB_NAME", "qol-weekly-etl", "--lake", "s3://b/p", "--week", "2026-W46", "--JOB_RUN_ID", "jr_1")
    assert found == JobCall(
        "run",
        (
            "--engine", "spark", "--master", "none", "--lake", "s3://b/p", "--week", "2026-W46", "--job-run-id", "jr_1",
        ),
        "qol-weekly-etl",
    )  # fmt: skip


def test_a_job_run_id_of_ones_own_stays() -> None:
    words = call("--job-run-id", "mine", "--JOB_RUN_ID", "jr_1").words
    assert words[words.index("--job-run-id") :] == ("--job-run-id", "mine")


def test_the_command_is_chosen() -> None:
    assert call("--command", "rebuild", "--from-week", "2026-W40").command == "rebuild"
    with pytest.raises(UsageError, match="--command publish: unknown; allowed: run, backfill, rebuild"):
        call("--command", "publish")


def test_another_engine_and_master_are_taken() -> None:
    found = call("--engine", "local", "--master", "local[2]")
    assert (found.uses_spark, found.spark_master) == (False, "local[2]")


def test_what_glue_adds_is_passed_over() -> None:
    glue = [
        "true", "--job-bookmark-option", "job-bookmark-disable", "--TempDir", "s3://b/tmp/", "--JOB_ID", "j_1", "true",
        "--enable-metrics", "--enable-continuous-cloudwatch-log", "true", "--conf", "spark.a=1 --conf spark.b=2",
        "--python-modules-installer-option", "--no-index", "--extra-py-files", "s3://b/x.whl", "--job-language", "python",
        "--custom-logGroup-prefix", "/qol/job", "--scriptLocation", "s3://b/weekly_etl.py",
    ]  # fmt: skip
    assert call(*glue, "--lake", "s3://b").words == ("--engine", "spark", "--master", "none", "--lake", "s3://b")


@pytest.mark.parametrize("name", ["wee", "lak", "from-wee", "commands", "no-index", "JOB"])
def test_the_start_of_a_name_is_not_the_name(name: str) -> None:
    with pytest.raises(UsageError, match=f"--{name}: unknown argument; allowed: --accept, --command"):
        call("--lake", "s3://b", f"--{name}", "x")


def test_names_with_an_equals_sign_and_empty_values_of_glue_are_read() -> None:
    assert call("--enable-metrics", "", "--lake=s3://b", "--JOB_NAME=n").words[-2:] == ("--lake", "s3://b")
    assert call("--lake=s3://b", "--JOB_NAME=n").job == "n"


def test_a_name_and_its_longer_sister_are_kept_apart() -> None:
    words = call("--command", "backfill", "--from-week", "2026-W40", "--from", "2026-11-01").words
    assert words[-4:] == ("--from-week", "2026-W40", "--from", "2026-11-01")


def test_switches_say_true_or_false() -> None:
    assert "--dry-run" in call("--dry-run", "true").words
    assert "--dry-run" not in call("--dry-run", "false").words
    with pytest.raises(UsageError, match="--dry-run yes: not a switch; allowed: true or false"):
        call("--dry-run", "yes")


def test_several_checks_are_accepted_in_one_argument() -> None:
    assert call("--accept", "people_kept, rejected_share").words[-4:] == (
        "--accept", "people_kept", "--accept", "rejected_share",
    )  # fmt: skip


def test_a_value_that_is_missing_or_too_much_is_told() -> None:
    with pytest.raises(UsageError, match="--week.*expected one argument; allowed: every argument with its value"):
        call("--lake", "s3://b", "--week")
    with pytest.raises(UsageError, match="a value without a name after --lake"):
        call("--lake", "s3://b", "s3://c")
    with pytest.raises(UsageError, match="--week: 2 times there; allowed: once"):
        call("--week", "2026-W45", "--week", "2026-W46")


def test_glues_function_is_asked_for_what_is_there_and_nothing_else() -> None:
    asked: list[str] = []

    def resolve(argv: list[str], names: list[str]) -> Mapping[str, Any]:
        asked.extend(names)
        found: Mapping[str, Any] = getResolvedOptions(argv, names)
        return found

    read_call(["x", "--lake", "s3://b", "--JOB_NAME", "n", "--TempDir", "s3://t", "--JOB_RUN_ID", "jr"], resolve, KNOWN)
    assert asked == ["lake", "JOB_NAME"]


def test_every_option_of_the_three_commands_is_known() -> None:
    known = known_options()
    assert known.flags == {"dry-run", "no-docs"}
    assert known.lists == {"accept"}
    ours = known.names | {"command"}
    assert not ours & OF_GLUE
    assert not [name for name in ours if name.startswith(_FAMILIES)]
    assert {"lake", "user-map", "key-secret", "kms-key", "database", "raw-days", "from", "to-week"} <= known.values
