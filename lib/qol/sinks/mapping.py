"""Mapping files, `schemas/sinks/<name>.yaml`: tables of another schema and the lake's columns they are filled from."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated

import pydantic
from pydantic import BeforeValidator, ValidationError

from qol.contracts import language as lang
from qol.contracts.columns import table_schemas
from qol.contracts.model import Contracts
from qol.contracts.problems import shape_problems
from qol.contracts.roots import own_or_shipped
from qol.contracts.yaml_file import read_yaml
from qol.errors import ContractError, Problem

FOLDER = "sinks"
#: A study whose contracts have no such file gets the mappings of the product.
_SHIPPED = "healthhub.yaml"
#: Sources that are no table of the lake: users of the other tables, and a table that is only made.
USERS, NO_SOURCE = "users", "none"
#: Type of a column that the database fills in.
NOW = "now"
TYPE = r"uuid|date|text|smallint|integer|bigint|double|boolean|timestamptz|json|now|numeric\([0-9]{1,2},[0-9]{1,2}\)"


class MappedColumn(lang.Model):
    """A column of a mapped table; text alone is its type."""

    type: Annotated[str, pydantic.StringConstraints(pattern=f"^({TYPE})$")]
    """Type in PostgreSQL; `now` is a timestamptz that the database fills in."""
    of: lang.Maybe[lang.Text] = None
    """Column of the source; by default the one of the same name. A dot leads into a field of a run's manifest."""
    never: lang.Maybe[lang.Text] = None
    """Why the column is always null."""
    default: lang.Maybe[lang.Flag] = None
    """Value of a column that has no source."""

    @property
    def is_filled(self) -> bool:
        """Whether rows bring a value: not one that the database fills in, nor one that is always null."""
        return self.type != NOW and self.never is None and self.default is None


class MappedTable(lang.Model):
    """A table, the lake's table whose rows it has, and its constraints."""

    description: lang.Text
    """What a row is."""
    source: lang.Text
    """Table of the lake; `users` for those of all other tables, `none` for a table that is only made."""
    key: lang.Some[lang.Text]
    """Columns of the primary key."""
    unique: lang.Each[lang.Text] = ()
    """Columns of a unique constraint."""
    index: lang.Each[lang.Text] = ()
    """Columns of an index, besides those of partitions."""
    required: lang.Each[lang.Text] = ()
    """Columns that are never null, besides those of the key."""
    columns: lang.Filled[
        lang.Text,
        Annotated[
            MappedColumn,
            BeforeValidator(
                lambda value: {"type": value} if isinstance(value, str) else value,
                json_schema_input_type=lang.Text | MappedColumn,
            ),
        ],
    ]


class MonthView(lang.Model):
    """A view with a row per calendar month of a table that has a column `day`."""

    of: lang.Text
    """Table of the mapping."""
    group: lang.Some[lang.Text]
    """Columns that tell rows of a month apart."""
    columns: lang.Filled[lang.Text, dict[lang.Text, lang.Text]]
    """Aggregate and column, such as `{avg: steps}`, by the name of the view's column."""


class SinkMapping(lang.Model):
    """A schema of tables that databases get besides those of the lake."""

    sink: lang.Text
    """Name of the mapping, as `--tables` takes it."""
    db_schema: lang.Maybe[lang.Text] = pydantic.Field(default=None, alias="schema")
    """Schema in PostgreSQL; on servers without schemas the tables begin with it."""
    tables: lang.Filled[lang.Text, MappedTable]
    views: dict[lang.Text, MonthView] = pydantic.Field(default_factory=dict)


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
