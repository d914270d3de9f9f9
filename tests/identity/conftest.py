"""The webhook's account, which tests of the functions have."""

from tests.qol_lambda.conftest import _clients_of_their_own, account, webhook

__all__ = ["_clients_of_their_own", "account", "webhook"]
