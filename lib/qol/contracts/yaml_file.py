"""One YAML file to plain data: dates stay ISO text, and a key that stands twice is a problem."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import yaml

from qol.errors import Problem

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class _Loader(_Base):  # type: ignore[misc]
    """Safe loader that leaves dates alone."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in _Base.yaml_implicit_resolvers.items()
    }


def read_yaml(path: Path, file: str) -> tuple[Any, list[Problem]]:
    """The data of a file, or None, and what is wrong with it as YAML; `file` is its name in problems."""
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
        try:
            node = loader.get_single_node()
            problems = _twice(node, (), file)
            return loader.construct_document(node) if node else None, problems
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as err:
        line = err.problem_mark.line + 1 if err.problem_mark else 1
        return None, [Problem(file, f"line {line}", f"no valid YAML ({err.problem})", "valid YAML")]
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as err:
        return None, [Problem(file, "", str(err).splitlines()[0], "valid YAML in UTF-8")]


def _twice(node: yaml.Node | None, at: tuple[str, ...], file: str) -> list[Problem]:
    problems: list[Problem] = []
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            problems += _twice(item, (*at, str(index)), file)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                line = key.start_mark.line + 1
                problems.append(Problem(file, ".".join((*at, name)), f"a second time in line {line}", "each key once"))
            seen.add(name)
            problems += _twice(value, (*at, name), file)
    return problems
