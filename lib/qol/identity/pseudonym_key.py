"""The pseudonym key, from the environment or from AWS Secrets Manager by the secret's name; never from an argument."""

from qol.aws.requests import RetryPolicy, aws_client
from qol.errors import UsageError
from qol.identity.aws_errors import aws_errors

MIN_KEY_BYTES = 32
#: A run must not hang before it has begun: at most four tries of ten seconds.
RETRY_POLICY = RetryPolicy(attempts=4, connect_seconds=5.0, read_seconds=10.0)
_ALLOWED = f"a plain text secret of at least {MIN_KEY_BYTES} bytes (UTF-8) that this role may read"
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
        raise UsageError(f"QOL_PSEUDONYM_KEY: found {len(key)} bytes; allowed: at least {MIN_KEY_BYTES} (UTF-8)")
    return key


def read_secret_key(name: str) -> bytes:
    """The key in the secret `name`, without white space around it.

    UsageError names the secret and what is wrong with it, QolError says that the service did not answer; neither holds
    anything of the value.
    """
    option = f"--key-secret {name}"
    text = read_secret(name, option, _ALLOWED)
    key = str(text or "").strip().encode()
    if len(key) < MIN_KEY_BYTES:
        found = "it holds binary data" if text is None else f"found {len(key)} bytes"
        raise UsageError(f"{option}: {found}; allowed: {_ALLOWED}")
    return key


def read_secret(name: str, option: str, allowed: str) -> str | None:
    """The text of a secret, None for binary data; UsageError and QolError as above, with what named it and what is allowed."""
    with aws_errors(option, "Secrets Manager", _CONFIGURATION_ERRORS, allowed):
        text: str | None = (
            aws_client("secretsmanager", RETRY_POLICY).get_secret_value(SecretId=name).get("SecretString")
        )
    return text
