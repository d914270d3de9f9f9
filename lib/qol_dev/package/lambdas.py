"""Lambda zips: a handler, the modules of ours that it reaches, and pure Python libraries; boto3 is Lambda's own."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from qol.errors import UsageError
from qol_dev.package.archive import read_zip

HANDLERS = ("receiver", "kick", "notifier", "watchdog", "raw_gap")
OURS = frozenset({"qol", "qol_lambda"})
#: Needs Spark, or compiled code, or both.
FORBIDDEN = frozenset(
    {
        "pyspark",
        "polars",
        "pyarrow",
        "msgspec",
        "numpy",
        "pandas",
        "yaml",
        "great_expectations",
        "jsonschema",
        "typer",
        "rich",
    }
)
_COMPILED = (".so", ".pyd", ".dylib")


def handler_files(lib: Path, handler: str) -> dict[str, bytes]:
    """Our modules for a handler by their place in the zip; UsageError names the module that reaches too far."""
    start = f"qol_lambda.{handler}"
    waiting, files = [start], dict[str, bytes]()
    while waiting:
        module = waiting.pop()
        path = _file(lib, module)
        if path is None:
            if module == start:
                raise UsageError(f"{module}: no such module below {lib}; allowed: one module per handler")
            continue
        name = path.relative_to(lib).as_posix()
        if name in files:
            continue
        files[name] = path.read_bytes()
        waiting += [module.rpartition(".")[0]] if "." in module else []
        for reached in _imports(ast.parse(files[name]), module, is_package=path.name == "__init__.py"):
            if reached.partition(".")[0] in FORBIDDEN:
                raise UsageError(
                    f"{name}: imports {reached}, which no Lambda zip has; allowed: the standard library, boto3"
                )
            if reached.partition(".")[0] in OURS:
                waiting.append(reached)
    return files


def library_files(wheels: Sequence[Path]) -> dict[str, bytes]:
    """Files of pure Python wheels; UsageError when one is compiled."""
    files: dict[str, bytes] = {}
    for wheel in wheels:
        for name, data in read_zip(wheel).items():
            if name.endswith(_COMPILED):
                raise UsageError(
                    f"{wheel.name}: holds {name}; allowed: pure Python, Lambda may run on another processor"
                )
            files[name] = data
    return files


def _file(lib: Path, module: str) -> Path | None:
    place = lib.joinpath(*module.split("."))
    return next((path for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file()), None)


def _imports(tree: ast.AST, module: str, *, is_package: bool) -> Iterator[str]:
    """Modules that code imports when it runs, at its top or later; names imported from a package may be modules too."""
    for node in _that_run(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parent = module.split(".")[: len(module.split(".")) - node.level + is_package]
                base = ".".join([*parent, *([node.module] if node.module else [])])
            yield base
            if base.partition(".")[0] in OURS:
                yield from (f"{base}.{name.name}" for name in node.names)


def _that_run(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those under `if TYPE_CHECKING`."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING"):
            yield from _that_run(child)
