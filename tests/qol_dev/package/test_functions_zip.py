"""Every handler loads from the zip of the functions alone, where there is nothing else but boto3."""

import ast
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from qol_dev.package.archive import write_zip
from qol_dev.package.build import function_files

LIB = Path(__file__).parents[3] / "lib"
HANDLERS = ("receiver", "announcement_receiver", "kick", "notifier", "watchdog", "raw_gap")
#: boto3 with what it needs, as Lambda has it, and the libraries in the zip.
LIBRARIES = (
    "boto3", "botocore", "s3transfer", "jmespath", "urllib3", "dateutil", "six", "aws_lambda_powertools", "typing_extensions", "tzdata",
)  # fmt: skip
ENVIRONMENT = {"AWS_DEFAULT_REGION": "ap-northeast-1", "POWERTOOLS_SERVICE_NAME": "test"}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The zip without its libraries, and a folder with links to those."""
    folder = tmp_path_factory.mktemp("libraries")
    for name in LIBRARIES:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        origin = origin.parent if origin.name == "__init__.py" else origin
        (folder / origin.name).symlink_to(origin)
    archive = tmp_path_factory.mktemp("zip") / "functions.zip"
    write_zip(archive, function_files(LIB, []))
    return [str(archive), str(folder)]


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
