"""Every handler loads from its zip alone, where there is nothing else but boto3."""

import ast
import subprocess
import sys
from importlib.metadata import files
from importlib.util import find_spec
from pathlib import Path

import pytest

from qol_dev.package.archive import write_zip
from qol_dev.package.build import collector_files, collector_lock, function_files

LIB = Path(__file__).parents[3] / "lib"
HANDLERS = ("receiver", "announcement_receiver", "kick", "notifier", "watchdog", "raw_gap")
#: boto3 with what it needs, as Lambda has it, and the libraries in the zip.
LIBRARIES = (
    "boto3", "botocore", "s3transfer", "jmespath", "urllib3", "dateutil", "six", "aws_lambda_powertools", "typing_extensions", "tzdata",
)  # fmt: skip
#: What the lock of the collector adds to them, by the names of modules.
COLLECTOR_LIBRARIES = (
    "annotated_types", "anyio", "attr", "attrs", "h11", "httpcore2", "httpx2", "idna", "jsonschema", "jsonschema_specifications",
    "msgspec", "pydantic", "pydantic_core", "yaml", "referencing", "rpds", "stamina", "tenacity", "truststore", "typing_inspection",
)  # fmt: skip
ENVIRONMENT = {"AWS_DEFAULT_REGION": "ap-northeast-1", "POWERTOOLS_SERVICE_NAME": "test"}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The zip without its libraries, and a folder with links to those."""
    archive = tmp_path_factory.mktemp("zip") / "functions.zip"
    write_zip(archive, function_files(LIB, []))
    return [str(archive), str(_linked(tmp_path_factory.mktemp("libraries"), LIBRARIES))]


def _linked(folder: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        origin = origin.parent if origin.name == "__init__.py" else origin
        (folder / origin.name).symlink_to(origin)
    return folder


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_loads_from_the_zip_alone(handler: str, path: list[str]) -> None:
    code = f"import sys; sys.path[:0] = {path}; from qol_lambda import {handler} as h; print(h.__file__, callable(h.handler))"
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.stderr) == (f"{path[0]}/qol_lambda/{handler}.py True\n", "")


def test_whatever_a_function_imports_of_the_project_is_in_the_zip() -> None:
    files = function_files(LIB, [])
    nodes = [node for code in files.values() for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ImportFrom)]
    modules = {str(node.module) for node in nodes if str(node.module).partition(".")[0] in ("qol", "qol_lambda")}
    assert "qol.tables.weeks" in modules
    assert not [
        m for m in modules if not {f"{m.replace('.', '/')}.py", f"{m.replace('.', '/')}/__init__.py"} & files.keys()
    ]


def test_the_collector_loads_and_reads_its_contracts_from_its_zip_without_a_library_that_reads_tables(
    tmp_path: Path,
) -> None:
    for name, data in collector_files(LIB.parent, []).items():
        (tmp_path / "zip" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "zip" / name).write_bytes(data)
    (tmp_path / "libraries").mkdir()
    libraries = _linked(tmp_path / "libraries", (*LIBRARIES, *COLLECTOR_LIBRARIES))
    for name in ("httpx2", "httpcore2"):  # they read their own versions
        (metadata,) = {Path(str(file.locate())).parent for file in files(name) or () if file.name == "METADATA"}
        (libraries / metadata.name).symlink_to(metadata)
    code = (
        f"import sys; sys.path[:0] = [{str(tmp_path / 'zip')!r}, {str(libraries)!r}]\n"
        "from qol.collect import aws_function as h, vendor; from qol.lake import s3\n"
        "vendor.Vendor('https://127.0.0.1', vendor.Deadline(1), print)\n"
        "rules = h.read_collect_rules(h.default_root(), 'oura')\n"
        "print(h.__file__, callable(h.handler), len(rules.collected['oura']))"
    )
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.stderr) == (f"{tmp_path}/zip/qol/collect/aws_function.py True 18\n", "")


def test_the_lock_of_the_collector_is_made_from_todays_requirements() -> None:
    assert {"httpx2", "stamina", "pydantic", "aws-lambda-powertools"} <= collector_lock(LIB.parent).pins().keys()
