"""Where a run finds the pseudonym key."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from qol.errors import UsageError

if TYPE_CHECKING:
    from qol.lake.base import Lake

KEY_FILE = "_keys/pseudonym.key"
KEY_VARIABLE = "QOL_PSEUDONYM_KEY"


def find_key(lake: Lake, secret: str | None = None) -> bytes:
    """The pseudonym key: of the named secret, else of the environment, else the one a sample lake brings along.

    UsageError when it is unusable.
    """
    from qol.identity.pseudonym_key import MIN_KEY_BYTES, read_key, read_secret_key

    if secret is not None:
        return read_secret_key(secret)
    named = os.environ.get(KEY_VARIABLE)
    if named:
        return read_key(named)
    if lake.stat(KEY_FILE) is None:
        raise UsageError(
            f"{KEY_VARIABLE}: not set; allowed: a secret of at least {MIN_KEY_BYTES} bytes (UTF-8), for example the"
            " output of `openssl rand -hex 32`. Keep it: under another key every user gets another user_id."
        )
    key = lake.read(KEY_FILE).strip()
    if len(key) < MIN_KEY_BYTES:
        raise UsageError(f"{lake.location(KEY_FILE)}: found {len(key)} bytes; allowed: at least {MIN_KEY_BYTES}")
    return key
