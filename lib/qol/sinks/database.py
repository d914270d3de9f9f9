"""The database a load goes to: its URL without secrets in sight, a connection, the lock, transactions."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from qol.errors import DatabaseError, LockedError, UsageError
from qol.identity.secret_text import secret_text

#: Where the URL stands when no option names it, so that no list of processes shows it.
URL_VARIABLE = "QOL_DATABASE_URL"
#: Secret of AWS Secrets Manager, by name or ARN, with the URL or with what the URL leaves out.
SECRET_VARIABLE = "QOL_DATABASE_SECRET"  # noqa: S105 (the name of a variable)
ALLOWED = "postgresql+psycopg://…, mysql+pymysql://…, sqlite:///FILE, or @FILE that has such a URL"
#: How providers write what SQLAlchemy names with its driver.
_DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mysql+pymysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "mariadb+pymysql": "mysql+pymysql",
    "sqlite": "sqlite",
}
#: How long a load waits for the one before it, and a statement for a lock on its table.
LOCK_SECONDS = 300
_LOCK_NUMBER = 0x716F6C  # "qol"
_LOCK_NAME = "LEFT(CONCAT('qol load ', DATABASE()), 64)"


def database_url(text: str | None) -> sa.URL:
    """The URL of `--to` or QOL_DATABASE_URL, completed by the secret that QOL_DATABASE_SECRET names, if it does.

    `@FILE` names a file that has the URL. UsageError, which holds no part of a URL that cannot be read.
    """
    given = text or os.environ.get(URL_VARIABLE) or ""
    name = os.environ.get(SECRET_VARIABLE)
    secret = _secret(name) if name else {}
    given = (_from_file(given) if given.startswith("@") else given) or str(secret.pop("url", ""))
    if not given and "engine" not in secret:
        raise UsageError(f"--to: not given, and {URL_VARIABLE} is not set; allowed: {ALLOWED}")
    try:
        url = sa.make_url(given) if given else sa.URL.create(str(secret["engine"]))
        url = _completed(url.set(drivername=_DRIVERS[url.drivername]), secret)
    except (ArgumentError, KeyError, TypeError, ValueError):
        raise UsageError(f"--to: not the URL of a database that can be loaded; allowed: {ALLOWED}") from None
    if url.host and "@" in url.host:  # the password's end, which no message may show
        raise UsageError("--to: an @ stands in the password; allowed: %40 in its place")
    if not url.database:
        raise UsageError(f"--to {shown(url)}: names no database; allowed: {ALLOWED}")
    return url


def _from_file(given: str) -> str:
    try:
        return Path(given[1:]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"--to {given}: cannot be read; allowed: a file whose only line is the URL") from None


def _secret(name: str) -> dict[str, Any]:
    """The fields of a secret of RDS, or the URL that is all of it."""
    allowed = "a secret with the URL, or with the fields of RDS: username, password, engine, host, port, dbname"
    text = (secret_text(SECRET_VARIABLE, name, allowed) or "").strip()
    if not text:
        raise UsageError(f"{SECRET_VARIABLE} {name}: holds no text; allowed: {allowed}")
    try:
        found = json.loads(text)
    except ValueError:
        return {"url": text}
    return found if isinstance(found, dict) else {"url": text}


def _completed(url: sa.URL, secret: Mapping[str, Any]) -> sa.URL:
    """The URL with what it does not say itself."""
    fields = {"username": "username", "password": "password", "host": "host", "port": "port", "database": "dbname"}
    absent: dict[str, Any] = {
        part: int(secret[field]) if part == "port" else str(secret[field])
        for part, field in fields.items()
        if getattr(url, part) is None and secret.get(field) is not None
    }
    return url.set(**absent)


def shown(url: sa.URL) -> str:
    """The URL as messages show it: no password, and no options, which may hold one too."""
    return url.set(query={}).render_as_string(hide_password=True)


def open_database(url: sa.URL) -> sa.Engine:
    """An engine whose sessions count time in UTC and refuse values that a column cannot hold."""
    server = url.get_backend_name()
    arguments: dict[str, dict[str, Any]] = {"sqlite": {"timeout": LOCK_SECONDS}, "mysql": {"local_infile": True}}
    try:
        engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=arguments.get(server, {}))
    except (NoSuchModuleError, TypeError):
        raise UsageError(f"--to {shown(url)}: an option of the URL is unknown; allowed: {ALLOWED}") from None
    sa.event.listen(engine, "connect", _PREPARE[server])
    if server == "sqlite":
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _execute(*statements: str) -> Any:
    def prepare(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()
        connection.commit()

    return prepare


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver would begin transactions late and end them before a CREATE TABLE
    connection.execute("PRAGMA journal_mode=WAL")  # readers see the old rows until the load commits


_PREPARE = {
    "sqlite": _prepare_sqlite,
    "postgresql": _execute("SET TIME ZONE 'UTC'", f"SET lock_timeout = '{LOCK_SECONDS}s'"),
    "mysql": _execute(
        "SET time_zone = '+00:00', sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), "
        f"lock_wait_timeout = {LOCK_SECONDS}",
    ),
}


@contextmanager
def locked(engine: sa.Engine) -> Iterator[sa.Connection]:
    """The only loader's connection; LockedError when another still holds the lock after five minutes.

    On SQLite the lock is one transaction: all of the load becomes visible at its end. Servers keep it for the session.
    """
    with _reached(engine) as connection:
        if engine.dialect.name == "sqlite":
            with _translated("the load"), connection.begin():
                yield connection
        else:
            with connection.begin():
                _take_lock(connection)
            yield connection


def _take_lock(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        with _translated("the lock"):
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({_LOCK_NUMBER})")
    elif connection.exec_driver_sql(f"SELECT GET_LOCK({_LOCK_NAME}, {LOCK_SECONDS})").scalar() != 1:
        raise _other_load()


@contextmanager
def _reached(engine: sa.Engine) -> Iterator[sa.Connection]:
    try:
        connection = engine.connect()
    except DBAPIError as err:
        if _is_locked(err):
            raise _other_load() from None
        raise DatabaseError(f"{shown(engine.url)}: cannot be reached; {_plain(err, engine.url)}") from None
    with connection:
        yield connection


def _plain(err: DBAPIError, url: sa.URL) -> str:
    """What a server said when a connection failed, in one line and without the password."""
    text = " ".join(str(err.orig).split())
    return text.replace(url.password, "***") if isinstance(url.password, str) and url.password else text


@contextmanager
def transaction(connection: sa.Connection, what: str) -> Iterator[None]:
    """One transaction, within the one of the lock where there is one; DatabaseError names `what` and no value."""
    with _translated(what), connection.begin_nested() if connection.in_transaction() else connection.begin():
        yield


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except DBAPIError as err:
        if _is_locked(err):
            raise _other_load() from None
        code = getattr(err.orig, "sqlstate", None) or (err.orig.args or ("",))[0] if err.orig else ""
        number = f" {code}" if isinstance(code, int) or (isinstance(code, str) and len(code) == 5) else ""
        kind = type(err.orig).__name__
        raise DatabaseError(f"{what}: the database refused it ({kind}{number}); its text could hold a value") from None


def _is_locked(err: DBAPIError) -> bool:
    """SQLite's busy file, or PostgreSQL's `lock_not_available`."""
    return getattr(err.orig, "sqlstate", None) == "55P03" or str(err.orig) == "database is locked"


def _other_load() -> LockedError:
    return LockedError("another `qol load` holds the lock of the database; run again when it has ended")
