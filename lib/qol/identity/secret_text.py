"""A text in AWS Secrets Manager, by the secret's name or ARN."""

from qol.aws.requests import RetryPolicy, aws_client
from qol.identity.aws_errors import aws_errors

#: A run must not hang before it has begun: at most four tries of ten seconds.
RETRY_POLICY = RetryPolicy(attempts=4, connect_seconds=5.0, read_seconds=10.0)
_CONFIGURATION_ERRORS = {
    "ResourceNotFoundException": "there is no such secret in this region",
    "AccessDeniedException": "this role may not read it",
    "DecryptionFailure": "this role may not use its KMS key",
    "InvalidRequestException": "it is marked for deletion",
    "InvalidParameterException": "not a name of a secret",
    "ValidationException": "not a name of a secret",
}


def secret_text(option: str, name: str, allowed: str) -> str | None:
    """The text of the secret `name`; None when it is binary.

    UsageError names the option and what is wrong with the secret, QolError says that the service did not answer; neither
    holds anything of the value.
    """
    with aws_errors(option, "Secrets Manager", _CONFIGURATION_ERRORS, allowed):
        text = aws_client("secretsmanager", RETRY_POLICY).get_secret_value(SecretId=name).get("SecretString")
    return None if text is None else str(text)
