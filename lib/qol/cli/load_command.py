"""`qol load`: the published tables in a database."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated

import typer

from qol.cli.options import LakeOption, SchemasOption, open_existing
from qol.cli.show import say, table, warn
from qol.contracts.wording import count
from qol.errors import optional_imports

if TYPE_CHECKING:
    from qol.sinks.load_job import LoadResult

_LIBRARIES = ("sqlalchemy", "alembic", "psycopg", "pymysql")


def load(
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="The database: postgresql+psycopg://…, mysql+pymysql://…, sqlite:///FILE, or @FILE with such a URL. "
            "By default QOL_DATABASE_URL, which other users of the machine cannot see.",
            show_default=False,
        ),
    ] = None,
    lake: LakeOption = None,
    tables: Annotated[
        list[str] | None,
        typer.Option("--tables", help="Only these tables, separated by commas; * stands for any characters."),
    ] = None,
    since: Annotated[str | None, typer.Option("--since", help="Only weeks from this ISO week on.")] = None,
    offline: Annotated[
        bool, typer.Option("--sql", help="Print the statements that make the tables; connect to no database.")
    ] = False,
    schemas: SchemasOption = None,
) -> None:
    """Load what has changed in the lake into a database: PostgreSQL, MySQL, MariaDB or SQLite.

    A week is replaced by one transaction. What has not changed since the last load is not read.
    """
    from qol.contracts.load import load_contracts
    from qol.tables.weeks import parse_week

    with _database_imports():
        from qol.sinks.choice import choose, offline_statements, table_names
        from qol.sinks.database import database_url, shown
        from qol.sinks.load_job import load as load_lake

    monday = parse_week(since, "--since") if since else None
    url = database_url(to)
    contracts = load_contracts(schemas)
    names = table_names(tables or ())
    if offline:
        typer.echo(offline_statements(contracts, names, url))
        return
    opened = open_existing(lake)
    with _database_imports():
        result = load_lake(opened, url, choose(contracts, names, opened, url), monday, warn)
    _show(result, shown(url))


def _database_imports() -> AbstractContextManager[None]:
    return optional_imports("qol load", "load", _LIBRARIES)


def _show(result: "LoadResult", database: str) -> None:
    weeks: dict[str, list[int]] = {}
    for (name, _), rows in result.rows.items():
        weeks.setdefault(name, []).append(rows)
    if weeks:
        table("Loaded", ("table", "weeks", "rows"), [(name, len(rows), sum(rows)) for name, rows in weeks.items()])
    if result.emptied:
        say(f"Emptied    {count(len(result.emptied), 'partition')} that the lake has no longer")
    if result.steps:
        say(f"Migration  {count(result.steps, 'step')}")
    if not (weeks or result.emptied or result.runs):
        say("Nothing to load: the database has what the lake has.")
    say(f"Database   {database}")
