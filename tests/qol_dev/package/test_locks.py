"""The locks are fresh, hold every wheel the project pins and nothing that would stand before what AWS brings."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from qol.errors import UsageError
from qol_dev.package.build import Project
from qol_dev.package.lock import NEVER, Lock, Pin, normal, read_list
from qol_dev.package.pip import Target

ROOT = Path(__file__).parents[3]
PROJECT = Project(ROOT)


def test_the_wheelhouse_is_locked_with_what_the_job_pins_and_glue_lacks() -> None:
    pins = {pin.name: pin.version for pin in PROJECT.glue_lock().pins()}
    for requirement in PROJECT.glue_lock().requirements:
        name, _, version = requirement.partition("==")
        assert pins[normal(name)] == version
    assert {"polars", "msgspec", "great-expectations", "pyyaml", "jsonschema", "typer", "rich"} <= pins.keys()


def test_the_wheelhouse_repeats_nothing_of_glue_but_time_zones() -> None:
    pins = {pin.name for pin in PROJECT.glue_lock().pins()}
    of_glue = {normal(line.partition("==")[0]) for line in read_list(ROOT / "glue_jobs" / "glue-5.1.txt")}
    assert pins & of_glue == {"tzdata"}
    assert not pins & NEVER
    assert of_glue >= NEVER


def test_what_glue_brings_is_what_the_project_pins() -> None:
    of_glue = set(read_list(ROOT / "glue_jobs" / "glue-5.1.txt"))
    assert {"boto3==1.40.61", "numpy==2.3.4", "pandas==2.3.3", "pyarrow==22.0.0", "pyspark==3.5.6"} <= of_glue


def test_lambdas_get_powertools_and_time_zones() -> None:
    assert {pin.name for pin in PROJECT.lambda_lock().pins()} == {
        "aws-lambda-powertools",
        "typing-extensions",
        "tzdata",
    }


def lock(path: Path, *lines: str, requirements: tuple[str, ...] = ("a==1",)) -> Lock:
    made = Lock(path, requirements, (), Target("311", "any"))
    path.write_text("\n".join(["# Written.", f"# made from sha256:{made.digest}", *lines]) + "\n")
    return made


def test_a_lock_is_read(tmp_path: Path) -> None:
    found = lock(tmp_path / "r.lock", f"a==1 --hash=sha256:{'0' * 64}")
    assert found.pins() == [Pin("a", "1", "0" * 64)]


def test_a_lock_made_from_other_requirements_is_stale(tmp_path: Path) -> None:
    found = lock(tmp_path / "r.lock")
    for changed in (
        replace(found, requirements=("a==2",)),
        replace(found, provided=("b==1",)),
        replace(found, target=Target("313", "any")),
        replace(found, path=tmp_path / "absent.lock"),
    ):
        with pytest.raises(UsageError, match="not made from today's requirements; allowed: what `make lock` writes"):
            changed.pins()


def test_a_line_without_a_hash_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 4 is no pin"):
        lock(tmp_path / "r.lock", f"a==1 --hash=sha256:{'0' * 64}", "b==1").pins()


def test_a_lock_with_sparks_neighbours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=re.escape("found numpy; allowed: nothing that AWS brings itself")):
        lock(tmp_path / "r.lock", f"numpy==2.3.4 --hash=sha256:{'0' * 64}").pins()
