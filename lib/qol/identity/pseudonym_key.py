"""The pseudonym key out of AWS Secrets Manager: named by an option, so that no argument and no log ever holds it."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from qol.errors import QolError, UsageError
from qol.lake.s3_client import NO_CREDENTIALS, NOBODY, Patience, aws_client

MIN_KEY_BYTES = 32
#: A run must not hang before it has begun: at most four tries of ten seconds.
PATIENCE = Patience(attempts=4, connect_seconds=5.0, read_seconds=10.0)
#: What an operator has to mend; anything else may pass by itself.
_CONFIGURATION_ERRORS = {
    "ResourceNotFoundException": "there is no such secret in this region",
    "AccessDeniedException": "this role may not read it",
    "DecryptionFailure": "this role may not use its KMS key",
    "InvalidRequestException": "it is marked for deletion",
    "InvalidParameterException": "not a name of a secret",
    "ValidationException": "not a name of a secret",
}


def read_key(text: str | None) -> bytes:
    """The pseudonym key; UsageError when it is missing or has fewer than 32 bytes of UTF-8."""
    key = (text or "").encode()
    if len(key) < MIN_KEY_BYTES:
        message = f"QOL_PSEUDONYM_KEY: found {len(key)} bytes; allowed: at least {MIN_KEY_BYTES} (UTF-8)"
        raise UsageError(message)
    return key


def read_secret_key(name: str) -> bytes:
    """The key in the secret `name`, without white space around it.

    UsageError names the secret and what is wrong with it, QolError says that the service did not answer; neither holds
    anything of the value.
    """
    answer = _ask(name)
    text = answer.get("SecretString")
    if text is None:
        raise _usage_error(name, "it holds binary data")
    key = str(text).strip().encode()
    if len(key) < MIN_KEY_BYTES:
        raise _usage_error(name, f"found {len(key)} bytes")
    return key


def _ask(name: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = aws_client("secretsmanager", PATIENCE).get_secret_value(SecretId=name)
    except ClientError as err:
        code = err.response.get("Error", {}).get("Code", "")
        if code in _CONFIGURATION_ERRORS:
            raise _usage_error(name, _CONFIGURATION_ERRORS[code]) from None
        raise QolError(f"--key-secret {name}: Secrets Manager answered {code or 'an error'}; run again") from None
    except BotoCoreError as err:
        # Its text may name an endpoint; its type says enough.
        if type(err).__name__ in NOBODY:
            raise UsageError(f"--key-secret {name}: {NO_CREDENTIALS}") from None
        raise QolError(f"--key-secret {name}: Secrets Manager not reached ({type(err).__name__})") from None
    return answer


def _usage_error(name: str, found: str) -> UsageError:
    return UsageError(
        f"--key-secret {name}: {found}; allowed: a plain text secret of at least {MIN_KEY_BYTES} bytes (UTF-8) that this"
        " role may read"
    )
