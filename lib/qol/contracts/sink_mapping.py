"""The words of a mapping file, `schemas/sinks/<name>.yaml`: tables of another schema and the columns they are filled from."""

from typing import Annotated

import pydantic
from pydantic import BeforeValidator

from qol.contracts import language as lang

#: Sources that are no table of the lake: users of the other tables, and a table that is only made.
USERS, NO_SOURCE = "users", "none"
#: Type of a column that the database fills in.
NOW = "now"
_TYPE = (
    r"^(uuid|date|text|smallint|integer|bigint|double|boolean|timestamptz|json|now|numeric\([0-9]{1,2},[0-9]{1,2}\))$"
)
_Type = Annotated[str, pydantic.StringConstraints(pattern=_TYPE)]


class MappedColumn(lang.Model):
    """A column of a mapped table; text alone is its type."""

    type: _Type
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
                json_schema_input_type=_Type | MappedColumn,
            ),
        ],
    ]
    """Columns by their names."""


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
    """Tables by their names."""
    views: dict[lang.Text, MonthView] = pydantic.Field(default_factory=dict)
    """Views by their names."""
