"""Errors of AWS services that a run asks before it starts, as errors of this project without any text of the service."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from qol.aws.requests import NO_CREDENTIAL_ERRORS, NO_CREDENTIALS
from qol.errors import QolError, UsageError


@contextmanager
def aws_errors(option: str, service: str, configuration_errors: Mapping[str, str], allowed: str) -> Iterator[None]:
    """Requests that an option asks for; `configuration_errors` are error codes that an operator has to correct.

    UsageError for these and for missing credentials, QolError for anything that a later run may not meet. The service's
    own text is left out: it may name an endpoint or an account.
    """
    try:
        yield
    except ClientError as err:
        code = err.response.get("Error", {}).get("Code", "unknown")
        if code in configuration_errors:
            raise UsageError(f"{option}: {configuration_errors[code]}; allowed: {allowed}") from None
        raise QolError(f"{option}: {service} answered {code}; run again") from None
    except BotoCoreError as err:
        if type(err).__name__ in NO_CREDENTIAL_ERRORS:
            raise UsageError(f"{option}: {NO_CREDENTIALS}") from None
        raise QolError(f"{option}: {service} not reached ({type(err).__name__}); run again") from None
