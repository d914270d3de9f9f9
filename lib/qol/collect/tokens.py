"""Tokens of persons: a file of JSON lines that only its owner reads, changed under a lock that all processes respect."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from qol.contracts.raw_values import identifier
from qol.errors import QolError, UsageError

DYNAMODB = "dynamodb:"
_LINE = '{"user_id": "…", "access_token": "…"[, "refresh_token": "…", "expires_at": "…"]}'
#: Milliseconds begin here: a moment of the year 5138 in seconds.
_MILLISECONDS = 1e11


@dataclass(frozen=True)
class Token:
    """A person's tokens; `expires_at` is Unix time. What is printed of it has no token."""

    user_id: str = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: float | None = None

    def as_line(self) -> dict[str, Any]:
        """The object of a line."""
        ends = self.expires_at
        given = {
            "user_id": self.user_id,
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "expires_at": None if ends is None else datetime.fromtimestamp(ends, UTC).isoformat(timespec="seconds"),
        }
        return {name: value for name, value in given.items() if value is not None}


class TokenStore(Protocol):
    """Tokens of one source's persons. `get`, `put` and `remove` may be called by several threads and processes."""

    def users(self) -> Sequence[str]:
        """Vendor ids of all persons, in the order of the store."""

    def get(self, user_id: str) -> Token | None:
        """The stored tokens of a person."""

    def put(self, token: Token) -> None:
        """Store tokens in the place of the person's; durable when it returns."""

    def remove(self, user_id: str) -> bool:
        """Remove a person's tokens; whether there were any."""

    def locked(self, user_id: str) -> AbstractContextManager[None]:
        """Hold the right to refresh a person's tokens: no other process has it at the same time."""


def open_tokens(option: str | None, source: str, *, create: bool = False) -> TokenStore:
    """The store named by --tokens, a file or dynamodb:TABLE; UsageError when it is unusable. `create` makes the file."""
    if option is None:
        allowed = f"a file of lines {_LINE} with mode 600, or {DYNAMODB}TABLE; `qol collect login {source}` writes one"
        raise UsageError(f"--tokens: not given; allowed: {allowed}")
    if option.startswith(DYNAMODB):
        from qol.collect.token_table import TokenTable

        return TokenTable(option.removeprefix(DYNAMODB), source)
    return TokenFile(Path(option), create=create)


class TokenFile:
    """Lines of JSON, one per person."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self._path = path.expanduser().resolve()
        self._known: tuple[tuple[int, ...], dict[str, Token]] = (), {}
        if create and not self._path.exists():
            try:
                os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))
            except OSError as err:
                raise UsageError(f"--tokens {self._path}: cannot be made ({err.strerror}); allowed: a file") from None
        self._read()

    def users(self) -> Sequence[str]:
        """Vendor ids in the order of the lines."""
        return list(self._read())

    def get(self, user_id: str) -> Token | None:
        """The tokens on the person's line."""
        return self._read().get(user_id)

    def put(self, token: Token) -> None:
        """Replace the person's line, or add one, by one atomic write."""
        with self._exclusive("write"):
            self._write({**self._read(), token.user_id: token})

    def remove(self, user_id: str) -> bool:
        """Remove the person's line."""
        with self._exclusive("write"):
            found = self._read()
            if found.pop(user_id, None) is None:
                return False
            self._write(found)
            return True

    def locked(self, user_id: str) -> AbstractContextManager[None]:  # noqa: ARG002  one lock for all of the file
        """The file's lock."""
        return self._exclusive("refresh")

    @contextmanager
    def _exclusive(self, what: str) -> Iterator[None]:
        lock = self._path.with_name(f"{self._path.name}.{what}.lock")
        try:
            handle = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as err:  # before a refresh token is used up that could not be stored
            raise QolError(f"--tokens {self._path}: its folder cannot be written to ({err.strerror})") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _read(self) -> dict[str, Token]:
        """The tokens by person; parsed again only when the file is another one."""
        try:
            with self._path.open("rb") as file:
                about = os.fstat(file.fileno())
                version = (about.st_ino, about.st_mtime_ns, about.st_size, about.st_mode)
                if version != self._known[0]:
                    self._require_own(about.st_mode)
                    self._known = version, self._parsed(file.read())
        except OSError as err:
            raise UsageError(f"--tokens {self._path}: cannot be read ({err.strerror}); allowed: a file") from None
        return dict(self._known[1])

    def _require_own(self, mode: int) -> None:
        """UsageError for a file that others can use."""
        if stat.S_IMODE(mode) & 0o077:
            found = f"mode {stat.S_IMODE(mode):03o}, so others can read or change it"
            raise UsageError(f"--tokens {self._path}: found {found}; allowed: mode 600 (chmod 600 {self._path})")

    def _parsed(self, data: bytes) -> dict[str, Token]:
        tokens: dict[str, Token] = {}
        for number, line in enumerate(data.splitlines(), 1):
            if line.strip():
                token = _token(line)
                if token is None or token.user_id in tokens:
                    what = "not a person's tokens" if token is None else "a person who has a line before"
                    raise UsageError(f"--tokens {self._path}: line {number}: {what}; allowed: one {_LINE} per person")
                tokens[token.user_id] = token
        return tokens

    def _write(self, tokens: dict[str, Token]) -> None:
        text = "".join(json.dumps(token.as_line(), ensure_ascii=False) + "\n" for token in tokens.values())
        try:
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")  # mode 600
            with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123  a handle
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self._path)
        except OSError as err:
            raise QolError(
                f"--tokens {self._path}: cannot be written ({err.strerror}); the new tokens are lost"
            ) from None


def _token(line: bytes) -> Token | None:
    """The tokens of a line; None for a line that has none."""
    try:
        given = json.loads(line)
        user, access, refresh = (given.get(name) for name in ("user_id", "access_token", "refresh_token"))
        ends = _moment(given.get("expires_at"))
    except (ValueError, AttributeError, TypeError):
        return None
    user = identifier(user)
    if user is None or not _is_token(access) or not (refresh is None or _is_token(refresh)):
        return None
    return Token(user, access, refresh, ends)


def _is_token(value: object) -> bool:
    """Whether a text can stand in a header."""
    return isinstance(value, str) and value.isascii() and value.isprintable() and value.strip() == value != ""


def _moment(value: object) -> float | None:
    """Unix time of a number of seconds or milliseconds, or of an ISO 8601 time."""
    if value is None:
        return None
    if isinstance(value, str):
        found = datetime.fromisoformat(value)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    if not isinstance(value, int | float):
        raise TypeError
    number = float(value)
    return number / 1000 if number > _MILLISECONDS else number
