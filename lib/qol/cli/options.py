"""Options that several commands share, and the lake they name."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qol.errors import optional_imports
from qol.run.request import OPTIONS

if TYPE_CHECKING:
    from qol.lake import Lake

_LAKE = OPTIONS["lake"]
LakeOption = Annotated[
    str | None, typer.Option(f"--{_LAKE.name}", envvar=_LAKE.variable, help=_LAKE.help, show_default=False)
]
SchemasOption = Annotated[
    Path | None, typer.Option("--schemas", envvar="QOL_SCHEMAS", help="Folder with the contracts.", show_default=False)
]
RosterOption = Annotated[
    Path | None, typer.Option("--roster", help="Participants: one user_id per line, or CSV with user_id and enrolled.")
]


def open_existing(uri: str | None, *, kms_key: str | None = None, database: str | None = None) -> Lake:
    """The lake named by --lake or QOL_LAKE; UsageError when none is named or nothing is there.

    `kms_key` encrypts what is published and `database` is the catalog where partitions are registered; both on S3 only.
    """
    from qol.lake import open_lake  # not with the program: help loads nothing heavy

    return open_lake(uri, kms_key=kms_key, database=database)


def sql_imports(program: str) -> AbstractContextManager[None]:
    """Imports of what runs SQL; UsageError that says what to install when its libraries are missing."""
    return optional_imports(program, "query", ("duckdb", "sqlglot"))
