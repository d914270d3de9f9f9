"""`schemas/` to contracts: read, check the shape, resolve, check across; every mistake of every file at once."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from qol.contracts import resolve
from qol.contracts.check_all import (
    DAILY,
    RULES,
    WEEKLY,
    metric_problems,
    place_problems,
    relation_problems,
    weekly_problems,
)
from qol.contracts.check_devices import device_problems
from qol.contracts.check_rules import rules_problems
from qol.contracts.check_source import SourceCheck
from qol.contracts.columns import fingerprint, table_schemas, weekly_columns
from qol.contracts.expressions import type_of
from qol.contracts.model import Contracts
from qol.contracts.quality import QUALITY, Quality, claim, quality, record_quality_problems
from qol.contracts.shape import Shape
from qol.contracts.source_model import SourceContract, SourceRules
from qol.contracts.units import UNITS, Unit, unit_problems, units
from qol.contracts.yaml_file import read_yaml
from qol.errors import ContractError, Problem, UsageError

_PACKAGE = Path(__file__).resolve().parents[1]
_OWN_ROOTS = (_PACKAGE.parents[1] / "schemas", _PACKAGE / "_schemas")
_SOURCE_FILE_DEPTH = 3


def load_contracts(root: Path | None = None) -> Contracts:
    """All contracts below a schemas folder, resolved and checked; ContractError names every mistake of every file."""
    root = root or default_root()
    read = _Reader(root)
    contracts = _resolved(read)
    problems = [*read.problems, *_cross_problems(contracts)]
    if not problems:
        problems = [*_column_problems(contracts)]
    if problems:
        raise ContractError(sorted(problems, key=lambda p: (p.file, p.path, p.value)))
    return replace(contracts, fingerprint=fingerprint(contracts))


def default_root() -> Path:
    """Where contracts lie: QOL_SCHEMAS, else `schemas/` beside `lib/`, else the copy inside the package."""
    named = os.environ.get("QOL_SCHEMAS")
    candidates = [Path(named)] if named else [*_OWN_ROOTS]
    for candidate in candidates:
        if (candidate / DAILY).is_file():
            return candidate
    places = ", ".join(map(str, candidates))
    raise UsageError(f"no contracts in {places}; allowed: a folder with {DAILY}, named by QOL_SCHEMAS")


def json_schema(root: Path, name: str) -> Path:
    """The JSON Schema of a kind of file: beside the contracts, or the product's own where a study has none."""
    candidates = [folder / f"{name}.schema.json" for folder in (root, *_OWN_ROOTS)]
    return next((file for file in candidates if file.is_file()), candidates[0])


class _Reader:
    """Reads files that have the right shape; what is wrong goes to `problems`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[Problem] = []
        self._shapes: dict[str, Shape] = {}

    def file(self, file: str, shape: str, folder: Path | None = None) -> Any:
        """The data of a file, or None when it cannot be used; `folder` where it does not lie beside the contracts."""
        path = (folder or self.root) / file
        if not path.is_file():
            self.problems.append(Problem(file, "", "no file", "a contract file"))
            return None
        data, problems = read_yaml(path, file)
        if data is not None or not problems:
            problems += self._shape(shape).problems(data, file)
        self.problems += problems
        return None if problems else data

    def own_or_shipped(self, file: str, shape: str) -> Any:
        """The data of a file beside the contracts, or of the product's own where a study has none."""
        folder = next((folder for folder in (self.root, *_OWN_ROOTS) if (folder / file).is_file()), self.root)
        return self.file(file, shape, folder)

    def units(self) -> dict[str, Unit]:
        """Units beside the contracts, or the product's own where a study has none."""
        data = self.own_or_shipped(UNITS, "units")
        if data is None:
            return {}
        self.problems += unit_problems(data)
        return units(data)

    def source_files(self) -> Iterator[str]:
        """Files of sources in the order of their names; a file in another place is a problem."""
        for path in sorted((self.root / "sources").rglob("[!.]*")):
            file = path.relative_to(self.root)
            if path.is_file() and path.suffix == ".yaml" and len(file.parts) == _SOURCE_FILE_DEPTH:
                yield file.as_posix()
            elif path.is_file():
                self.problems.append(Problem(file.as_posix(), "", "a file", "sources/<source>/<record>.yaml"))

    def _shape(self, name: str) -> Shape:
        if name not in self._shapes:
            self._shapes[name] = Shape(json_schema(self.root, name))
        return self._shapes[name]


def _resolved(read: _Reader) -> Contracts:
    daily, weekly = read.file(DAILY, "daily"), read.file(WEEKLY, "weekly")
    between_weeks = read.own_or_shipped(QUALITY, "quality")
    sources: list[SourceContract] = []
    rules: dict[str, SourceRules] = {}
    for file in read.source_files():
        is_rules = Path(file).name == RULES
        data = read.file(file, "rules" if is_rules else "source")
        if data and is_rules:
            rules[Path(file).parent.name] = resolve.source_rules(data)
        elif data:
            sources.append(resolve.source_contract(data, file))
    return Contracts(
        root=read.root,
        sources=tuple(sorted(sources, key=lambda c: (c.source, c.priority, c.record))),
        metrics=resolve.daily_metrics(daily) if daily else (),
        relations=resolve.relations(daily) if daily else (),
        groups=resolve.weekly_groups(weekly) if weekly else (),
        derived=resolve.weekly_derived(weekly) if weekly else (),
        source_rules=rules,
        holidays=weekly.get("holidays") if weekly else None,
        windows=resolve.recall_windows(weekly) if weekly else None,
        units=read.units(),
        weekly_relations=resolve.relations(weekly) if weekly else (),
        ordered=claim(weekly, "ordered"),
        ranges=claim(daily, "ranges"),
        quality=quality(between_weeks) if between_weeks else Quality(),
    )


def _cross_problems(contracts: Contracts) -> Iterator[Problem]:
    metrics = contracts.metric
    for contract in contracts.sources:
        yield from SourceCheck(contract, metrics or None).problems()
        yield from device_problems(contract, contracts.sources)
        yield from record_quality_problems(contract.file, contract.quality, list(contract.by_name))
    yield from place_problems(contracts.sources, contracts.source_rules)
    yield from rules_problems(contracts.sources, contracts.source_rules)
    if metrics:
        yield from metric_problems(contracts.metrics)
        types = {m.name: type_of(m.column_type) for m in contracts.metrics}
        yield from relation_problems(DAILY, contracts.relations, types)
        yield from weekly_problems(contracts)


def _column_problems(contracts: Contracts) -> Iterator[Problem]:
    for table, columns in table_schemas(contracts).items():
        for name, count in Counter(c.name for c in columns).items():
            if count > 1:
                yield Problem(WEEKLY, "", f"column {name} {count} times in {table}", "each column name once")
    types = {column.name: type_of(column.type) for column in weekly_columns(contracts)}
    yield from relation_problems(WEEKLY, contracts.weekly_relations, types)
