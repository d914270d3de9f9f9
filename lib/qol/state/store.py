"""The interface to the API's state: small JSON documents of six kinds, each with an owner, a name and a version."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, Protocol, get_args

from qol.errors import QolError, UsageError

Kind = Literal["users", "goals", "keys", "events", "readings", "latest"]
KINDS: tuple[Kind, ...] = get_args(Kind)
DYNAMODB = "dynamodb:"
_ALLOWED = "sqlite:///FILE, postgresql+psycopg://…, mysql+pymysql://… or dynamodb:PREFIX"


class StateError(QolError):
    """When the state's store does not answer."""


class Item(NamedTuple):
    """One document with its name and its version, which counts its changes from 1."""

    name: str
    body: dict[str, Any]
    version: int


class State(Protocol):
    """A store of documents; StateError from each verb when it does not answer. `expires` is Unix time, None for never."""

    def get(self, kind: Kind, owner: str, name: str) -> Item | None:
        """A document that has not expired, or None."""

    def items(self, kind: Kind, owner: str, after: str = "", limit: int = 100) -> list[Item]:
        """An owner's documents in one fixed order, at most `limit` of those that follow the name `after`."""

    def owners(self, kind: Kind) -> set[str]:
        """Every owner of documents of a kind; all of them are read."""

    def create(self, kind: Kind, owner: str, name: str, body: dict[str, Any], *, expires: int | None = None) -> bool:
        """Store a new document; False when there is one of that name that has not expired."""

    def replace(
        self, kind: Kind, owner: str, name: str, body: dict[str, Any], version: int, *, expires: int | None = None
    ) -> bool:
        """Store a document over the one of that version; False when no such document exists."""

    def delete(self, kind: Kind, owner: str, name: str, version: int | None = None) -> bool:
        """Remove a document, of that version where one is given; False when no such document exists."""

    def purge(self, kind: Kind, owner: str) -> int:
        """Remove every document of an owner and return their number."""

    def remove_expired(self) -> None:
        """Remove every document that has expired, where the store does not do so by itself."""

    def close(self) -> None:
        """Give back connections."""


def all_items(state: State, kind: Kind, owner: str) -> Iterator[Item]:
    """Every document of an owner, read page by page."""
    after = ""
    while found := state.items(kind, owner, after):
        yield from found
        after = found[-1].name


def open_state(address: str) -> State:
    """The store at a SQLAlchemy URL or `dynamodb:PREFIX`; its tables are made in a database where they are missing.

    UsageError for another address, without its text, which may hold a password.
    """
    if address.startswith(DYNAMODB):
        from qol.state.dynamodb_state import DynamoDBState

        return DynamoDBState(address.removeprefix(DYNAMODB))
    scheme = address.partition("://")[0]
    if scheme.partition("+")[0] not in ("sqlite", "postgresql", "mysql", "mariadb"):
        raise UsageError(f"--state: not an address of a store; allowed: {_ALLOWED}")
    from qol.state.sql_state import SqlState

    return SqlState(address)
