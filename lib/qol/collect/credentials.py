"""Tokens of requests: read from the store, refreshed once under a lock, and stored before they are used."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qol.collect.addresses import variable
from qol.collect.refusals import Again, RefusedError
from qol.collect.tokens import Token, TokenStore, is_token
from qol.collect.vendor import Answer, Asked, Vendor
from qol.contracts.collect import CollectAuth
from qol.contracts.raw_values import safe_get

#: A token that ends sooner is refreshed before it is used.
_SOON = 60.0
_REFUSED = (400, 401, 403)


@dataclass
class Credentials:
    """The tokens of a source's persons; `token_url` is where they are refreshed or exchanged."""

    source: str
    auth: CollectAuth
    token_url: str | None
    vendor: Vendor
    store: TokenStore
    #: What keys were exchanged for, by person.
    _exchanged: dict[str, Token] = field(default_factory=dict)
    #: Refresh tokens that are no longer good, which no other request of the run tries.
    _spent: dict[str, RefusedError] = field(default_factory=dict)

    def current(self, user_id: str) -> Token:
        """The tokens to try first."""
        stored = self._stored(user_id)
        if self.auth.kind == "key_exchange":
            return self._exchanged.get(user_id) or self._exchange(stored)
        if stored.refresh_token and stored.expires_at is not None and stored.expires_at < time.time() + _SOON:
            return self.renewed(stored)[0]
        return stored

    def renewed(self, refused: Token) -> tuple[Token, bool]:
        """Tokens in place of refused ones, and whether they are new: another process may have stored some meanwhile.

        The lock is held from reading to storing, so a refresh token is used once by one process.
        """
        user_id = refused.user_id
        with self.store.locked(user_id):
            stored = self._stored(user_id)
            if self.auth.kind == "key_exchange":
                return self._exchange(stored), True
            if stored.access_token != refused.access_token:
                return stored, False
            if stored.refresh_token is None or self.auth.kind != "oauth2":
                raise RefusedError("connect_again", "no refresh token", of_person=True)
            token = self._refreshed(user_id, stored.refresh_token)
            self.store.put(token)
        return token, True

    def header(self, token: Token) -> Mapping[str, str]:
        """The header that carries a token."""
        return token_header(self.auth, self.auth.scheme, token.access_token)

    def _stored(self, user_id: str) -> Token:
        token = self.store.get(user_id)
        if token is None:
            raise RefusedError("connect_again", "no tokens", of_person=True)
        return token

    def _refreshed(self, user_id: str, refresh_token: str) -> Token:
        if refresh_token in self._spent:
            raise self._spent[refresh_token]
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        asked = token_request(self.token_url, {**self.auth.form, **client(self.source), **form})
        try:
            return self.vendor.ask(asked, lambda answer: token_of(self.auth, answer, user_id, refresh_token))
        except RefusedError as err:
            if err.of_person:
                self._spent[refresh_token] = err
            raise

    def _exchange(self, stored: Token) -> Token:
        headers = token_header(self.auth, self.auth.key_scheme, stored.access_token)
        asked = token_request(self.token_url, self.auth.form, headers)
        token = self.vendor.ask(asked, lambda answer: token_of(self.auth, answer, stored.user_id, None))
        self._exchanged[stored.user_id] = token
        return token


def client(source: str) -> dict[str, str]:
    """The application's own id and secret, where the environment has them."""
    named = {name: os.environ.get(variable(source, name.upper())) for name in ("client_id", "client_secret")}
    return {name: value for name, value in named.items() if value}


def token_header(auth: CollectAuth, scheme: str, token: str) -> dict[str, str]:
    """The header that carries a token or key after its scheme, which may be empty."""
    return {auth.header: f"{scheme} {token}".strip()}


def token_request(token_url: str | None, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Asked:
    """The request for tokens: a form posted to token_url."""
    return Asked(token_url or "", "POST", form, headers or {}, {"endpoint": "token"})


def token_of(auth: CollectAuth, answer: Answer, user_id: str, refresh_token: str | None) -> Token:
    """The tokens in an answer of token_url; `refresh_token` is kept where the answer brings no new one."""
    if answer.status in _REFUSED:
        raise RefusedError("connect_again", f"HTTP {answer.status} of token_url", of_person=True)
    found = granted(auth, answer)
    access, ends = found.get("access_token"), found.get("expires_in")
    refresh = found.get("refresh_token") or refresh_token
    if not is_token(access) or not (refresh is None or is_token(refresh)):
        raise RefusedError("connect_again", "token_url gave no token", of_person=True)
    expires = time.time() + float(ends) if isinstance(ends, int | float) else None
    return Token(user_id, access, refresh, expires)


def granted(auth: CollectAuth, answer: Answer) -> Mapping[str, Any]:
    """The object with the tokens in an answer of token_url; Again for an answer without it."""
    if answer.status != 200:
        raise RefusedError("refused", f"HTTP {answer.status} of token_url")
    try:
        found = safe_get(json.loads(answer.body), auth.answer or ())
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Again("bad_answer", "token_url gave no tokens")
    return found


@dataclass(frozen=True)
class Anonymous:
    """Requests without a person's token: to a vendor that needs none, or to its sandbox, which takes any."""

    given: Mapping[str, str] = field(default_factory=dict)

    def current(self, user_id: str) -> Token:
        """No token."""
        return Token(user_id, "")

    def renewed(self, refused: Token) -> tuple[Token, bool]:  # noqa: ARG002
        """RefusedError: there is nothing to renew."""
        raise RefusedError("refused", "HTTP 401", of_person=True)

    def header(self, token: Token) -> Mapping[str, str]:  # noqa: ARG002
        """The headers of every request."""
        return self.given
