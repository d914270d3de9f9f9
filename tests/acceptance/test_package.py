"""What `make package` builds is the same each time, and runs where there is only what Glue brings."""

import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

from qol.errors import QolError
from qol_dev.package.archive import sha256
from qol_dev.package.build import build, build_lock
from qol_dev.package.locks import name_of, read_list
from qol_dev.sample import CORE, SampleOptions, write_sample
from tests.acceptance.processes import NOW, ROOT, finish, missing, start_run
from tests.builders import published_files

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("package")]
#: Of what Glue brings, that which our job and its wheels touch; the rest is for charts and tests.
TOUCHED = frozenset(
    {
        "attrs", "boto3", "botocore", "certifi", "charset-normalizer", "idna", "jmespath", "narwhals", "numpy", "packaging",
        "pandas", "py4j", "pyarrow", "pygments", "pyparsing", "pyspark", "python-dateutil", "pytz", "requests",
        "s3transfer", "six", "typing-extensions", "tzdata", "urllib3",
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package") / "dist"
    try:
        build(ROOT, folder)
    except QolError as err:
        missing(f"wheels cannot be had: {err}")
    return folder


def test_the_manifest_names_every_file_with_its_hash(dist: Path) -> None:
    manifest = json.loads((dist / "manifest.json").read_text())
    assert list(manifest) == [
        "glue/empty.jar", "glue/qol-wheels-0.2.0.gluewheels.zip", "glue/qol_lake-0.2.0-py3-none-any.whl", "glue/weekly_etl.py",
        "lambda/collector.zip", "lambda/functions.zip",
    ]  # fmt: skip
    assert manifest == {path: sha256(dist / path) for path in manifest}


def test_a_second_build_is_the_same_to_the_byte(dist: Path, tmp_path: Path) -> None:
    again = build(ROOT, tmp_path / "dist")
    assert again == json.loads((dist / "manifest.json").read_text())


def test_the_wheel_carries_the_contracts_and_no_tools_of_developers(dist: Path) -> None:
    names = zipfile.ZipFile(next((dist / "glue").glob("*.whl"))).namelist()
    there = {path.relative_to(ROOT / "schemas").as_posix() for path in (ROOT / "schemas").rglob("*") if path.is_file()}
    assert {name.partition("/")[0] for name in names} == {"qol", "qol_lambda", "qol_lake-0.2.0.dist-info"}
    assert there == {name.removeprefix("qol/_schemas/") for name in names if name.startswith("qol/_schemas/")}
    assert "qol_lake-0.2.0.dist-info/licenses/LICENSE" in names


def test_the_zip_of_the_functions_is_pure_python(dist: Path) -> None:
    names = zipfile.ZipFile(dist / "lambda" / "functions.zip").namelist()
    assert {"qol_lambda/receiver.py", "qol/errors.py", "aws_lambda_powertools/__init__.py", "tzdata/zones"} <= set(
        names
    )
    assert not [name for name in names if name.endswith((".so", ".pyd", ".dylib"))]


def test_the_zip_of_the_collector_is_for_lambdas_machines_and_reads_no_tables(dist: Path) -> None:
    names = zipfile.ZipFile(dist / "lambda" / "collector.zip").namelist()
    compiled = [name for name in names if name.endswith(".so")]
    assert {"qol/collect/aws_function.py", "qol/_schemas/sources/oura/_rules.yaml", "httpx2/__init__.py"} <= set(names)
    assert compiled
    assert all(".cpython-313-aarch64-linux-gnu." in name for name in compiled)
    assert not {"polars", "pyarrow", "pandas", "numpy", "pyspark", "boto3"} & {name.partition("/")[0] for name in names}


def test_the_wheelhouse_holds_wheels_that_need_no_compiler_and_nothing_of_sparks(dist: Path) -> None:
    names = zipfile.ZipFile(next((dist / "glue").glob("*.gluewheels.zip"))).namelist()
    wheels = [name.removeprefix("wheels/") for name in names if name.endswith(".whl")]
    assert set(names) == {f"wheels/{name}" for name in [*wheels, "requirements.txt"]}
    of_glue = {name_of(line) for line in read_list(ROOT / "glue_jobs" / "glue-5.1.txt")}
    assert {name_of(name.split("-")[0]) for name in wheels} & of_glue == {"tzdata"}
    for name in wheels:
        python, abi, platform = name.removesuffix(".whl").split("-")[-3:]
        assert platform == "any" or ("cp311" in python and abi in ("cp311", "abi3") and "manylinux" in platform), name


@pytest.fixture(scope="module")
def glue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with Glue's own modules of Glue's versions; the path of its interpreter."""
    folder = tmp_path_factory.mktemp("glue") / "venv"
    venv.create(folder, with_pip=True)
    pins = [line for line in read_list(ROOT / "glue_jobs" / "glue-5.1.txt") if name_of(line) in TOUCHED]
    ended = pip(folder / "bin" / "python", "install", *pins, "AWSGlueDataplanePython==5.1.0")
    if ended.returncode:
        missing(f"wheels cannot be had: {ended.stderr[-300:]}")
    return folder / "bin" / "python"


def pip(python: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def installed(python: Path) -> dict[str, str]:
    return {line["name"]: line["version"] for line in json.loads(pip(python, "list", "--format", "json").stdout)}


@pytest.mark.usefixtures("dist")
def test_what_builds_the_wheel_is_what_the_lock_names_and_pip() -> None:
    there = installed(build_lock(ROOT).environment(ROOT / ".package"))
    assert there == {"pip": there["pip"], **build_lock(ROOT).pins()}


def test_the_job_runs_from_its_package_on_what_glue_brings(dist: Path, glue: Path, tmp_path: Path) -> None:
    before = installed(glue)
    with zipfile.ZipFile(next((dist / "glue").glob("*.gluewheels.zip"))) as wheelhouse:
        wheelhouse.extractall(tmp_path)
    wheels = tmp_path / "wheels"
    ended = pip(glue, "install", "--no-index", "--find-links", str(wheels), "-r", str(wheels / "requirements.txt"))
    assert ended.returncode == 0, ended.stderr
    after = installed(glue)
    assert {name for name in before if after[name] != before[name]} == {"tzdata"}

    lake, local = tmp_path / "lake", tmp_path / "local"
    write_sample(lake, SampleOptions(users=5, weeks=2, seed=4, sources=CORE))
    shutil.copytree(lake, local)
    script = (glue, dist / "glue" / "weekly_etl.py")
    job = ended_in(
        tmp_path, *script, "--JOB_NAME", "qol-weekly-etl", "--JOB_RUN_ID", "jr_1", "--JOB_ID", "j_1", "--lake", lake,
        "--master", "local[2]", "--now", NOW, "--trigger", "schedule", "--enable-metrics", "true",
        "--python-modules-installer-option", "--no-index",
    )  # fmt: skip
    assert job.returncode == 0, job.stdout + job.stderr
    assert "boto3 1.40.61" in job.stdout.splitlines()[0]
    metrics = [json.loads(line) for line in job.stdout.splitlines() if line.startswith('{"_aws"')]
    assert (metrics[0]["job"], metrics[0]["succeeded"]) == ("qol-weekly-etl", [1.0])
    assert finish(start_run(local))[0] == 0
    assert published_files(lake) == published_files(local)

    refused = ended_in(tmp_path, *script, "--wek", "2026-W46")
    assert refused.returncode == 2
    assert "JobFailedError: exit code 2 (usage or contract error): --wek: unknown argument" in refused.stderr


def ended_in(folder: Path, *command: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """A command that ended, without what would let it find this checkout."""
    environment = {**os.environ, **settings}
    for name in ("PYTHONPATH", "QOL_SCHEMAS", "VIRTUAL_ENV"):
        environment.pop(name, None)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_this_python_is_the_one_glue_has() -> None:
    assert sys.version_info[:2] == (3, 11)


def test_what_the_docker_demo_does_works_on_a_lake_in_a_bucket(dist: Path, glue: Path, tmp_path: Path) -> None:
    from moto.server import ThreadedMotoServer

    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "docker", checkout / "docker")
    shutil.copytree(dist, checkout / "dist")
    write_sample(checkout / ".demo" / "docker", SampleOptions(users=20, weeks=2, sources=CORE))
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]["glue"]["environment"]
    settings |= {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "PIP_USER": "0", "HOME": str(tmp_path)}
    settings["PATH"] = f"{glue.parent}:{os.environ['PATH']}"
    try:
        demo = ended_in(checkout, "bash", "docker/demo.sh", **settings)
    finally:
        server.stop()
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert re.search(r"published \d+ files of 2 weeks\.\n", demo.stdout)
    assert "s3://qol-lake/_docs/index.html" in demo.stdout
    assert "S3A region: ap-northeast-1\n" in demo.stdout


def test_the_docker_demo_pins_its_images() -> None:
    services = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]
    assert {name: service["image"] for name, service in services.items()} == {
        "aws": "motoserver/moto:5.2.5", "glue": "public.ecr.aws/glue/aws-glue-libs:5.1.0",
    }  # fmt: skip
