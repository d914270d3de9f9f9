"""Options that several commands share, and what their text means."""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qol.errors import UsageError

if TYPE_CHECKING:
    from qol.lake import Lake

KEY_FILE = "_keys/pseudonym.key"
KEY_VARIABLE = "QOL_PSEUDONYM_KEY"
FIRST_YEAR, LAST_YEAR = 2000, 2999

LakeOption = Annotated[
    str | None,
    typer.Option("--lake", envvar="QOL_LAKE", help="The lake: a folder, or s3://bucket/prefix.", show_default=False),
]
NowOption = Annotated[
    str | None, typer.Option("--now", help="The clock, ISO 8601 with its zone; by default the real one.")
]
WeekOption = Annotated[
    str | None,
    typer.Option(
        "--week", help="Business week such as 2026-W46, by default the last closed one; only noted in the manifest."
    ),
]
SchemasOption = Annotated[
    Path | None, typer.Option("--schemas", envvar="QOL_SCHEMAS", help="Folder with the contracts.", show_default=False)
]


def open_existing(uri: str | None, *, kms_key: str | None = None, database: str | None = None) -> Lake:
    """The lake named by --lake or QOL_LAKE; UsageError when none is named or nothing is there.

    `kms_key` encrypts what is published and `database` is the catalog where partitions are registered; both on S3 only.
    """
    from qol.lake import open_lake

    if not uri:
        raise UsageError(
            "--lake: not given; allowed: a folder or s3://bucket[/prefix], by --lake or the environment variable QOL_LAKE"
        )
    return open_lake(uri, kms_key=kms_key, database=database)


def parse_now(text: str | None) -> datetime:
    """The clock of a command; the only place that reads the real one."""
    if text is None:
        return datetime.now(UTC)
    try:
        now = datetime.fromisoformat(text)
    except ValueError:
        now = None
    if now is None or now.tzinfo is None or not FIRST_YEAR <= now.year <= LAST_YEAR:
        raise UsageError(f"--now {text}: not a time with its zone; allowed: ISO 8601 such as 2026-11-18T00:05:00Z")
    return now.astimezone(UTC)


def parse_date(option: str, text: str) -> date:
    """A calendar day of an option."""
    with contextlib.suppress(ValueError):
        day = date.fromisoformat(text)
        # It also reads 20261109 and 2026-W46-1.
        if day.isoformat() == text and FIRST_YEAR <= day.year <= LAST_YEAR:
            return day
    raise UsageError(f"{option} {text}: not a day; allowed: YYYY-MM-DD such as 2026-11-09")


def find_key(lake: Lake, secret: str | None = None) -> bytes:
    """The pseudonym key: of the named secret, else of the environment, else the one a sample lake brings along.

    UsageError when it is unusable.
    """
    from qol.identity.pseudonym_key import MIN_KEY_BYTES, read_key

    if secret is not None:
        from qol.identity.pseudonym_key import read_secret_key

        return read_secret_key(secret)
    named = os.environ.get(KEY_VARIABLE)
    if named:
        return read_key(named)
    if lake.stat(KEY_FILE) is None:
        raise UsageError(
            f"{KEY_VARIABLE}: not set; allowed: a secret of at least {MIN_KEY_BYTES} bytes (UTF-8), for example the"
            " output of `openssl rand -hex 32`. Keep it: under another key every person becomes somebody new."
        )
    key = lake.read(KEY_FILE).strip()
    if len(key) < MIN_KEY_BYTES:
        raise UsageError(f"{lake.location(KEY_FILE)}: found {len(key)} bytes; allowed: at least {MIN_KEY_BYTES}")
    return key
