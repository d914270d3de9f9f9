"""Mapping files read, and checked against the columns of the lake's tables."""

from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic import ValidationError

from qol.contracts.columns import table_schemas
from qol.contracts.model import Contracts
from qol.contracts.problems import shape_problems
from qol.contracts.roots import own_or_shipped
from qol.contracts.sink_mapping import SinkMapping
from qol.contracts.yaml_file import read_yaml
from qol.errors import ContractError, Problem

FOLDER = "sinks"
#: A study whose contracts have no such file gets the mappings of the product.
_SHIPPED = "healthhub.yaml"


def read_mappings(contracts: Contracts) -> list[SinkMapping]:
    """The mappings beside the contracts; ContractError names every mistake of every file."""
    folder = own_or_shipped(contracts.root, f"{FOLDER}/{_SHIPPED}").parent
    schemas = {name: {c.name for c in columns} for name, columns in table_schemas(contracts).items()}
    found: list[SinkMapping] = []
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.yaml")):
        mapping = _read(path, f"{FOLDER}/{path.name}", problems)
        if mapping is not None:
            problems += _mistakes(mapping, f"{FOLDER}/{path.name}", schemas)
            found.append(mapping)
    if problems:
        raise ContractError(problems)
    return found


def _read(path: Path, file: str, problems: list[Problem]) -> SinkMapping | None:
    data, mistakes = read_yaml(path, file)
    problems += mistakes
    if mistakes:
        return None
    try:
        return SinkMapping.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as errors:
        problems += shape_problems(file, SinkMapping, errors)
        return None


def _mistakes(mapping: SinkMapping, file: str, schemas: Mapping[str, Collection[str]]) -> list[Problem]:
    """Sources and columns that the contracts do not have; a study without a source does not get its tables."""
    found: list[Problem] = []
    for name, table in mapping.tables.items():
        sources = {column: spec.of or column for column, spec in table.columns.items() if spec.is_filled}
        found += [
            Problem(file, f"tables.{name}.columns.{column}", of, f"a column of {table.source}")
            for column, of in sources.items()
            if table.source in schemas and of.partition(".")[0] not in schemas[table.source]
        ]
        named = {*table.key, *table.unique, *table.index, *table.required}
        unknown = sorted(named - table.columns.keys())
        found += [Problem(file, f"tables.{name}", column, "a column of the table") for column in unknown]
    return found
