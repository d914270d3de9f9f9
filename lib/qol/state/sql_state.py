"""State in a database by SQLAlchemy Core: SQLite, PostgreSQL, MySQL and MariaDB."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError

from qol.errors import UsageError
from qol.state.store import KINDS, Item, Kind, StateError

_METADATA = sa.MetaData()
_TABLES = {
    kind: sa.Table(
        f"qol_{kind}",
        _METADATA,
        sa.Column("owner", sa.String(255), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.BigInteger, index=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    for kind in KINDS
}
#: Of ids only these stand in a key as they are: some servers compare texts without case and without accents.
_OTHER = re.compile(r"[^a-z0-9:.-]")
#: How `_key` writes the others: all their bytes in UTF-8.
_CODED = re.compile(r"(?:_[0-9a-f]{2})+")


class SqlState:
    """Documents as rows of one table per kind."""

    def __init__(self, url: str) -> None:
        """UsageError when the URL is not usable, StateError when the server does not answer."""
        try:
            self._engine = sa.create_engine(url, pool_pre_ping=not url.startswith("sqlite"), hide_parameters=True)
        except (ArgumentError, ModuleNotFoundError) as err:
            raise UsageError(f"--state: not usable ({type(err).__name__}); allowed: a SQLAlchemy URL") from None
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
        with _state_errors():
            _METADATA.create_all(self._engine)

    def get(self, kind: Kind, owner: str, name: str) -> Item | None:
        """A document that has not expired, or None."""
        table = _TABLES[kind]
        with self._connected() as connection:
            row = connection.execute(sa.select(table).where(_at(table, owner, name), _in_force(table))).first()
        return None if row is None else _item(row)

    def items(self, kind: Kind, owner: str, after: str = "", limit: int = 100) -> list[Item]:
        """An owner's documents by name."""
        table = _TABLES[kind]
        mine = (table.c.owner == _key(owner)) & (table.c.name > _key(after)) & _in_force(table)
        with self._connected() as connection:
            rows = connection.execute(sa.select(table).where(mine).order_by(table.c.name).limit(limit)).all()
        return [_item(row) for row in rows]

    def owners(self, kind: Kind) -> set[str]:
        """Every owner of documents of a kind."""
        with self._connected() as connection:
            return {
                _text_of_key(key) for key in connection.execute(sa.select(_TABLES[kind].c.owner).distinct()).scalars()
            }

    def create(self, kind: Kind, owner: str, name: str, body: dict[str, Any], *, expires: int | None = None) -> bool:
        """Store a new document; False when there is one."""
        table = _TABLES[kind]
        values = {"owner": _key(owner), "name": _key(name), "version": 1, "expires_at": expires}
        values["body"] = _text(name, body)
        with _state_errors():
            try:
                with self._engine.begin() as connection:
                    connection.execute(sa.delete(table).where(_at(table, owner, name), ~_in_force(table)))
                    connection.execute(sa.insert(table).values(values))
            except IntegrityError:
                return False
        return True

    def replace(
        self, kind: Kind, owner: str, name: str, body: dict[str, Any], version: int, *, expires: int | None = None
    ) -> bool:
        """Store a document over the one of that version."""
        table = _TABLES[kind]
        change = sa.update(table).where(_at(table, owner, name), table.c.version == version)
        change = change.values(version=version + 1, expires_at=expires, body=_text(name, body))
        with self._connected() as connection:
            return connection.execute(change).rowcount > 0

    def delete(self, kind: Kind, owner: str, name: str, version: int | None = None) -> bool:
        """Remove a document."""
        table = _TABLES[kind]
        removal = sa.delete(table).where(_at(table, owner, name))
        if version is not None:
            removal = removal.where(table.c.version == version)
        with self._connected() as connection:
            return connection.execute(removal).rowcount > 0

    def purge(self, kind: Kind, owner: str) -> int:
        """Remove every document of an owner."""
        table = _TABLES[kind]
        with self._connected() as connection:
            return connection.execute(sa.delete(table).where(table.c.owner == _key(owner))).rowcount

    def remove_expired(self) -> None:
        """Remove every document that has expired."""
        with self._connected() as connection:
            for table in _TABLES.values():
                connection.execute(sa.delete(table).where(~_in_force(table)))

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        with _state_errors(), self._engine.begin() as connection:
            yield connection


def _prepare_sqlite(connection: Any, _: Any) -> None:
    """Nothing that was removed stays in the file or in its journal; writers wait for each other."""
    connection.execute("PRAGMA busy_timeout=5000")
    connection.execute("PRAGMA journal_mode=TRUNCATE")
    connection.execute("PRAGMA secure_delete=ON")


@contextmanager
def _state_errors() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as err:
        if isinstance(err, IntegrityError):
            raise
        raise StateError(f"the state's database does not answer ({type(err).__name__})") from None


def _key(text: str) -> str:
    return _OTHER.sub(lambda found: "".join(f"_{byte:02x}" for byte in found[0].encode()), text)


def _text_of_key(key: str) -> str:
    return _CODED.sub(lambda found: bytes.fromhex(found[0].replace("_", "")).decode(), key)


def _at(table: sa.Table, owner: str, name: str) -> sa.ColumnElement[bool]:
    return (table.c.owner == _key(owner)) & (table.c.name == _key(name))


def _in_force(table: sa.Table) -> sa.ColumnElement[bool]:
    return table.c.expires_at.is_(None) | (table.c.expires_at > int(time.time()))


def _text(name: str, body: dict[str, Any]) -> str:
    return json.dumps([name, body], separators=(",", ":"))


def _item(row: Any) -> Item:
    name, body = json.loads(row.body)
    return Item(name, body, row.version)
