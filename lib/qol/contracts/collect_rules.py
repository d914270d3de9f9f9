"""How a source is asked, read from its files alone: for a function without the libraries that check contracts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from pydantic import ValidationError

from qol.contracts.collect import Collect, merged
from qol.contracts.language import Model
from qol.contracts.roots import RULES
from qol.contracts.rules import SourceRules
from qol.contracts.yaml_file import read_yaml
from qol.errors import UsageError

M = TypeVar("M", bound=Model)


class RecordPaths(Protocol):
    """The raw folders of a record type."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The first is where collected pages go."""


class Collected(Protocol):
    """What a collector needs of contracts: all of them, or one source's `CollectRules`."""

    @property
    def collected(self) -> Mapping[str, Mapping[str, Collect]]:
        """By source and record type, how it is asked for."""

    @property
    def by_name(self) -> Mapping[str, RecordPaths]:
        """By `<source>_<record>`, the raw folders."""


@dataclass(frozen=True)
class Folders:
    """The raw folders of a record type."""

    paths: tuple[str, ...]


@dataclass(frozen=True)
class CollectRules:
    """How the record types of one source are asked for, and where their pages go."""

    collected: Mapping[str, Mapping[str, Collect]]
    by_name: Mapping[str, Folders]


def endpoint(record: str, shared: Collect | None, own: Collect | Literal[False] | None) -> Collect | None:
    """How a record type is asked for: the words of the source's rules and its own together; None where it is not."""
    if own is False or not (own or shared):
        return None
    return merged(merged(Collect(path=record), shared or Collect()), own or Collect())


def read_collect_rules(root: Path, source: str) -> CollectRules:
    """The rules of a source of contracts that `qol contracts check` passed; UsageError for a file that cannot be used."""
    endpoints: dict[str, Collect] = {}
    folders: dict[str, Folders] = {}
    folder = root / "sources" / source
    rules = _model(folder / RULES, SourceRules, _data(folder / RULES)) if (folder / RULES).is_file() else None
    for file in sorted(set(folder.glob("*.yaml")) - {folder / RULES}):
        data = _data(file)
        words = data.get("collect")
        own = words if words is None or words is False else _model(file, Collect, words)
        found = endpoint(file.stem, rules.collect if rules else None, own)
        if found is not None:
            endpoints[file.stem] = found
            paths = data.get("paths") or [f"raw/{source}/{file.stem}"]
            folders[f"{source}_{file.stem}"] = Folders((paths,) if isinstance(paths, str) else tuple(paths))
    return CollectRules({source: endpoints} if endpoints else {}, folders)


def _data(file: Path) -> Mapping[str, Any]:
    data, problems = read_yaml(file, file.name)
    if problems or not isinstance(data, dict):
        raise UsageError(f"{file}: not readable; allowed: a contract that `qol contracts check` passes")
    return data


def _model(file: Path, model: type[M], data: Any) -> M:
    try:
        return model.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as err:
        raise UsageError(f"{file}: {err.error_count()} mistakes; `qol contracts check` names them") from None
