"""The locks hold what the project pins and nothing that would replace what AWS brings."""

from dataclasses import replace
from pathlib import Path

import pytest

from qol.errors import UsageError
from qol_dev.package.build import glue_lock, lambda_lock
from qol_dev.package.locks import Lock, name_of, read_list

ROOT = Path(__file__).parents[3]
OF_GLUE = read_list(ROOT / "glue_jobs" / "glue-5.1.txt")


def test_the_wheelhouse_has_what_the_job_needs_and_not_the_command_line() -> None:
    pins = glue_lock(ROOT).pins()
    assert {"polars", "msgspec", "great-expectations", "pyyaml", "jsonschema", "aws-lambda-powertools"} <= pins.keys()
    assert not {"typer", "rich", "shellingham", "markdown-it-py", "mdurl", "matplotlib"} & pins.keys()


def test_the_wheelhouse_repeats_nothing_of_glue_but_time_zones() -> None:
    assert glue_lock(ROOT).pins().keys() & {name_of(line) for line in OF_GLUE} == {"tzdata"}


def test_what_glue_brings_is_what_the_project_pins() -> None:
    assert {"boto3==1.40.61", "numpy==2.3.4", "pandas==2.3.3", "pyarrow==22.0.0", "pyspark==3.5.6"} <= set(OF_GLUE)


def test_functions_get_powertools_and_time_zones() -> None:
    assert lambda_lock(ROOT).pins().keys() == {"aws-lambda-powertools", "typing-extensions", "tzdata"}


@pytest.fixture
def lock(tmp_path: Path) -> Lock:
    """A lock of one requirement for a runtime that provides one."""
    path = tmp_path / "requirements.lock"
    path.write_text("# by hand\na==1 \\\n    --hash=sha256:00\nc-d==3 --hash=sha256:11\n")
    return Lock(path, ("A==1",), ("b==2",), "3.11", ("any",))


def test_a_lock_is_read(lock: Lock) -> None:
    assert lock.pins() == {"a": "1", "c-d": "3"}


def test_a_lock_made_from_other_requirements_is_refused(lock: Lock) -> None:
    for changed in (
        replace(lock, needed=("a==2",)),
        replace(lock, needed=("a==1", "e==1")),
        replace(lock, provided=("c.d==2",)),
    ):
        with pytest.raises(
            UsageError, match=r"not made from today's requirements \(.+\); allowed: what `make lock` writes"
        ):
            changed.pins()
