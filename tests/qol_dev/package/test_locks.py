"""The locks hold what the project pins and nothing that would replace what AWS brings."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from qol.errors import UsageError
from qol_dev.package.build import glue_lock, lambda_lock, locks
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


def test_every_package_of_every_lock_has_its_hashes() -> None:
    for lock in locks(ROOT):
        entries = [entry for entry in lock.path.read_text(encoding="utf-8").split("\n") if "==" in entry]
        assert len(entries) == len(lock.pins()) > 0
        assert all(entry.endswith(" \\") for entry in entries), lock.path


def test_a_build_imports_nothing_but_python_and_the_project() -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'lib')!r}); import qol_dev.package.__main__"
    ended = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_make_package_runs_outside_the_developers_environment() -> None:
    ended = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "PYTHON=python3.11", "package"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "PYTHONPATH=lib python3.11 -s -m qol_dev.package\n"


@pytest.mark.parametrize("job", ["build", "plan", "apply"])
def test_only_main_builds_plans_and_applies(job: str) -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "deploy.yml").read_text(encoding="utf-8"))
    assert "github.ref == 'refs/heads/main'" in workflow["jobs"][job]["if"].split(" && ")


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


def test_collecting_without_aws_is_off_until_a_source_is_named_and_every_action_is_pinned() -> None:
    collect = yaml.safe_load((ROOT / ".github/workflows/collect.yml").read_text(encoding="utf-8"))
    job = collect["jobs"]["collect"]
    assert collect[True] == {"schedule": [{"cron": "0 21 * * *"}], "workflow_dispatch": {}}  # YAML 1.1 reads `on` so
    assert job["if"] == "vars.COLLECT_SOURCE != '' && github.ref == 'refs/heads/main'"
    assert collect["concurrency"] == {"group": "collect", "cancel-in-progress": False}
    for file in (ROOT / ".github" / "workflows").glob("*.yml"):
        used = re.findall(r"uses: (\S+)", file.read_text(encoding="utf-8"))
        assert [action for action in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)] == []
