"""`schemas/` to contracts: read, validate, check across files; every mistake of every file at once."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from qol.contracts.columns import fingerprint
from qol.contracts.daily import DailyFile
from qol.contracts.gaps import gap_mistakes
from qol.contracts.language import KEY, Model
from qol.contracts.model import Contracts
from qol.contracts.problems import problem, shape_problems
from qol.contracts.quality import Quality
from qol.contracts.retention import Retention
from qol.contracts.roots import DAILY, QUALITY, RETENTION, RULES, UNITS, WEEKLY, default_root, own_or_shipped
from qol.contracts.rules import SourceRules
from qol.contracts.source import SourceContract
from qol.contracts.units import Units
from qol.contracts.weekly import WeeklyFile
from qol.contracts.yaml_file import read_yaml
from qol.errors import ContractError, Problem

_SOURCE_FILE_DEPTH = 3
M = TypeVar("M", bound=Model)


def load_contracts(root: Path | None = None, *, skip_unfinished: bool = False) -> Contracts:
    """All contracts below a schemas folder, checked; ContractError names every mistake of every file.

    With `skip_unfinished`, contracts that `qol contracts new` began and whose gaps are not filled in are left out.
    """
    from qol.contracts.checks import column_problems, contract_problems  # loads Polars

    read = _Reader(root or default_root(), skip_unfinished=skip_unfinished)
    contracts = read.contracts()
    problems = [*read.problems, *contract_problems(contracts)]
    if not problems:
        problems = [*column_problems(contracts)]
    if problems:
        raise ContractError(sorted(problems, key=lambda p: (p.file, p.path, p.value)))
    return replace(contracts, fingerprint=fingerprint(contracts))


class _Reader:
    """Reads files; what is wrong goes to `problems`, and a file that does not fit its model is left out."""

    def __init__(self, root: Path, *, skip_unfinished: bool) -> None:
        self.root = root
        self._skip_unfinished = skip_unfinished
        self.problems: list[Problem] = []

    def contracts(self) -> Contracts:
        """All that can be read."""
        daily, weekly = self._file(DAILY, DailyFile), self._file(WEEKLY, WeeklyFile)
        units = self._file(UNITS, Units)
        retention = self._file(RETENTION, Retention)
        for file, found in ((UNITS, units), (RETENTION, retention)):
            self.problems += [problem(file, mistake) for mistake in found.mistakes()] if found else []
        files = list(self._source_files())
        rules = [(Path(f).parent.name, self._file(f, SourceRules)) for f in files if Path(f).name == RULES]
        sources = [self._file(f, SourceContract) for f in files if Path(f).name != RULES]
        return Contracts(
            root=self.root,
            sources=tuple(sorted(filter(None, sources), key=lambda c: (c.source, c.priority, c.record))),
            metrics=daily.metrics if daily else (),
            relations=daily.relations if daily else (),
            groups=weekly.groups if weekly else (),
            derived=weekly.derived if weekly else (),
            source_rules={source: rule for source, rule in rules if rule},
            holidays=weekly.holidays if weekly else None,
            windows=weekly.windows if weekly else None,
            units=units.by_spelling if units else {},
            weekly_relations=weekly.relations if weekly else (),
            ordered=weekly.ordered if weekly else None,
            ranges=daily.ranges if daily else None,
            quality=self._file(QUALITY, Quality) or Quality.model_construct(),
            retention=retention or Retention(),
        )

    def _file(self, file: str, model: type[M]) -> M | None:
        """A file's model, or None when it cannot be used."""
        path = own_or_shipped(self.root, file) if file in (UNITS, QUALITY, RETENTION) else self.root / file
        if not path.is_file():
            self.problems.append(Problem(file, "", "no file", "a contract file"))
            return None
        data, problems = read_yaml(path, file)
        gaps = [problem(file, mistake) for mistake in gap_mistakes(data)]
        if gaps:  # the texts in the gaps fit no model; what they break would only be told twice
            self.problems += [] if self._skip_unfinished else [*problems, *gaps]
            return None
        found = None if data is None and problems else self._validated(data, file, model)
        self.problems += problems
        return found if not problems else None

    def _validated(self, data: Any, file: str, model: type[M]) -> M | None:
        given = {**data, KEY: file} if model is SourceContract and isinstance(data, dict) else data
        try:
            return model.model_validate(given, by_alias=True, by_name=False)
        except ValidationError as errors:
            self.problems += shape_problems(file, model, errors)
            return None

    def _source_files(self) -> Iterator[str]:
        """Files of sources in the order of their names; a file in another place is a problem."""
        for path in sorted((self.root / "sources").rglob("[!.]*")):
            file = path.relative_to(self.root)
            if path.is_file() and path.suffix == ".yaml" and len(file.parts) == _SOURCE_FILE_DEPTH:
                yield file.as_posix()
            elif path.is_file():
                self.problems.append(Problem(file.as_posix(), "", "a file", "sources/<source>/<record>.yaml"))
