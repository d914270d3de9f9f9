"""The pseudonym key, from the environment or from AWS Secrets Manager by the secret's name; never from an argument."""

from qol.errors import UsageError
from qol.identity.secret_text import secret_text

MIN_KEY_BYTES = 32
_ALLOWED = f"a plain text secret of at least {MIN_KEY_BYTES} bytes (UTF-8) that this role may read"


def read_key(text: str | None) -> bytes:
    """The pseudonym key; UsageError when it is missing or has fewer than 32 bytes of UTF-8."""
    key = (text or "").encode()
    if len(key) < MIN_KEY_BYTES:
        raise UsageError(f"QOL_PSEUDONYM_KEY: found {len(key)} bytes; allowed: at least {MIN_KEY_BYTES} (UTF-8)")
    return key


def read_secret_key(name: str) -> bytes:
    """The key in the secret `name`, without white space around it.

    UsageError names the secret and what is wrong with it, QolError says that the service did not answer; neither holds
    anything of the value.
    """
    option = f"--key-secret {name}"
    text = secret_text(option, name, _ALLOWED)
    key = (text or "").strip().encode()
    if len(key) < MIN_KEY_BYTES:
        found = "it holds binary data" if text is None else f"found {len(key)} bytes"
        raise UsageError(f"{option}: {found}; allowed: {_ALLOWED}")
    return key
