"""Each handler's zip holds all of ours that it reaches, and it loads where there is nothing else but boto3."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from qol.errors import UsageError
from qol_dev.package.archive import write_zip
from qol_dev.package.lambdas import HANDLERS, handler_files, library_files

LIB = Path(__file__).parents[3] / "lib"
#: boto3 with what it needs, as Lambda has it, and what the zips bring beside our modules.
BESIDE = ("boto3", "botocore", "s3transfer", "jmespath", "urllib3", "dateutil", "six")
BROUGHT = ("aws_lambda_powertools", "typing_extensions", "tzdata")
_ENVIRONMENT = {"AWS_DEFAULT_REGION": "ap-northeast-1", "POWERTOOLS_SERVICE_NAME": "test"}


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("libraries")
    for name in (*BESIDE, *BROUGHT):
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        origin = origin.parent if origin.name == "__init__.py" else origin
        (folder / origin.name).symlink_to(origin)
    return folder


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_loads_from_its_zip_alone(handler: str, libraries: Path, tmp_path: Path) -> None:
    archive = tmp_path / f"{handler}.zip"
    write_zip(archive, handler_files(LIB, handler))
    code = (
        f"import sys; sys.path[:0] = [{str(archive)!r}, {str(libraries)!r}]\n"
        f"import qol_lambda.{handler} as loaded\n"
        "assert callable(loaded.handler)\n"
        "print(loaded.__file__)"
    )
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], env=_ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert ended.stderr == ""
    assert ended.stdout.startswith(str(archive))


def tree(root: Path, **modules: str) -> Path:
    for name in ("qol/__init__.py", "qol_lambda/__init__.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")
    for name, text in modules.items():
        (root / f"{name.replace('__', '/')}.py").write_text(text)
    return root


def test_modules_are_followed_wherever_they_are_imported(tmp_path: Path) -> None:
    lib = tree(
        tmp_path,
        qol_lambda__kick="from qol_lambda import send\nimport boto3\ndef f():\n    from qol.weeks import week\n",
        qol_lambda__send="import qol.errors\n",
        qol__errors="",
        qol__weeks="from .errors import E\n",
        qol__unused="",
    )
    assert sorted(handler_files(lib, "kick")) == [
        "qol/__init__.py", "qol/errors.py", "qol/weeks.py", "qol_lambda/__init__.py", "qol_lambda/kick.py", "qol_lambda/send.py",
    ]  # fmt: skip


def test_a_module_that_needs_compiled_code_is_refused_by_name(tmp_path: Path) -> None:
    lib = tree(tmp_path, qol_lambda__kick="import qol.plan\n", qol__plan="import polars as pl\n")
    with pytest.raises(UsageError, match="qol/plan.py: imports polars, which no Lambda zip has"):
        handler_files(lib, "kick")


def test_imports_for_types_alone_are_not_followed(tmp_path: Path) -> None:
    lib = tree(tmp_path, qol_lambda__kick="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import polars\n")
    assert "qol_lambda/kick.py" in handler_files(lib, "kick")


def test_a_handler_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="qol_lambda.kick: no such module below"):
        handler_files(tree(tmp_path), "kick")


def test_a_compiled_library_is_refused(tmp_path: Path) -> None:
    write_zip(tmp_path / "fast-1-cp313-cp313-linux_x86_64.whl", {"fast/_core.so": b""})
    with pytest.raises(UsageError, match="holds fast/_core.so; allowed: pure Python"):
        library_files([tmp_path / "fast-1-cp313-cp313-linux_x86_64.whl"])
