"""One YAML file to plain data: dates stay ISO text, and a key that stands twice is a problem."""

from pathlib import Path
from typing import Any, ClassVar

import yaml

from qol.errors import Problem

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TIMESTAMP, _TEXT = "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"


_VALID = "valid YAML; a text with a colon and a blank, or with a comma or bracket inside {} or [], stands in quotes"
_QUOTED = "text in quotes: a comma inside {} that is not in quotes ends the value before it"


class _Loader(_Base):  # type: ignore[misc]
    """Safe loader that leaves dates alone."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in _Base.yaml_implicit_resolvers.items()
    }


class _Data:
    """Plain data of one file's nodes, and the keys that stand twice; PyYAML's own constructors take twice the time."""

    def __init__(self, loader: Any, file: str) -> None:
        self._loader, self._file = loader, file
        self.problems: list[Problem] = []

    def of(self, node: Any, at: tuple[str, ...] = ()) -> Any:
        """The data of a node at a place."""
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, at)
        if isinstance(node, yaml.SequenceNode):
            return [self.of(item, (*at, str(index))) for index, item in enumerate(node.value)]
        return node.value if node.tag == _TEXT else self._loader.construct_object(node)

    def _mapping(self, node: yaml.MappingNode, at: tuple[str, ...]) -> dict[Any, Any]:
        merged: dict[Any, Any] = {}
        own: dict[Any, Any] = {}
        for key, value in node.value:
            name = key.value
            if key.tag == _MERGE:
                merged |= self.of(value, at)
                continue
            if name in own:
                line = key.start_mark.line + 1
                place = ".".join((*at, name))
                self.problems.append(Problem(self._file, place, f"a second time in line {line}", "each key once"))
            if node.flow_style and value.start_mark.index == value.end_mark.index:
                found, place = f"{name!r} without a value in line {key.start_mark.line + 1}", ".".join(at)
                self.problems.append(Problem(self._file, place, found, _QUOTED))
                continue
            own[name] = self.of(value, (*at, name))
        return merged | own


def read_yaml(path: Path, file: str) -> tuple[Any, list[Problem]]:
    """The data of a file, or None, and what is wrong with it as YAML; `file` is its name in problems."""
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
        try:
            node, data = loader.get_single_node(), _Data(loader, file)
            return (data.of(node), data.problems) if node else (None, [])
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as err:
        line = err.problem_mark.line + 1 if err.problem_mark else 1
        return None, [Problem(file, f"line {line}", f"no valid YAML ({err.problem})", _VALID)]
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as err:
        return None, [Problem(file, "", str(err).splitlines()[0], "valid YAML in UTF-8")]
