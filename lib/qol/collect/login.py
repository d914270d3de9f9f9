"""Connects a person: they agree on the vendor's page, and the code that comes back is exchanged for their tokens."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from qol.collect.addresses import Addresses, addresses, variable
from qol.collect.credentials import client, granted, token_header, token_of, token_request
from qol.collect.refusals import RefusedError
from qol.collect.tokens import Token
from qol.collect.vendor import Answer, Asked, Deadline, Vendor
from qol.contracts.collect import Collect, CollectAuth
from qol.contracts.raw_values import identifier, safe_get
from qol.errors import QolError, UsageError

_WAIT_SECONDS = 300.0
_EXCHANGE_SECONDS = 60.0


@dataclass(frozen=True)
class Login:
    """One person's login: the vendor's addresses, the redirect address, and the state that the answer must repeat."""

    source: str
    collect: Collect
    to: Addresses
    redirect: str
    state: str

    @property
    def page(self) -> str:
        """The address that the person opens."""
        asked = {
            "response_type": "code",
            "client_id": client(self.source)["client_id"],
            "redirect_uri": self.redirect,
            "scope": " ".join(self.collect.auth.scopes),
            "state": self.state,
        }
        return f"{self.to.authorize_url}?{urlencode(asked)}"

    def code(self, address: str) -> str:
        """The code in the address that the person came back to; a code alone is taken as it is."""
        given = {name: values[0] for name, values in parse_qs(urlsplit(address.strip()).query).items()}
        if not given:
            return address.strip()
        if not secrets.compare_digest(given.get("state", "").encode(), self.state.encode()):
            raise QolError("login: the answer is not to this login; begin again")
        if "code" not in given:
            raise QolError("login: the person did not agree, or the vendor refused; begin again")
        return given["code"]

    def connect(
        self, code: str, log: Callable[[Mapping[str, Any]], None], transport: Any = None
    ) -> tuple[Token, set[str]]:
        """The person's tokens for a code, and scopes that were asked for and not granted; QolError when the vendor gives no tokens."""
        vendor = Vendor(self.to.base, Deadline(_EXCHANGE_SECONDS), log, transport)
        try:
            return self._connect(code, vendor)
        except RefusedError as err:
            raise QolError(f"login: the vendor gave no tokens ({err.detail or err.reason}); begin again") from None
        finally:
            vendor.close()

    def _connect(self, code: str, vendor: Vendor) -> tuple[Token, set[str]]:
        auth = self.collect.auth
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect}
        asked = token_request(self.to.token_url, {**auth.form, **client(self.source), **form})
        answer = vendor.ask(asked, lambda found: _checked(auth, found))
        token, given = token_of(auth, answer, "", None), granted(auth, answer)
        user_id = identifier(safe_get(self._who(token, vendor, given), auth.who.id if auth.who else ()))
        if user_id is None:
            raise RefusedError("refused", "no id of the person in the answer")
        scopes = given.get("scope")
        missing = set(auth.scopes) - set(scopes.replace(",", " ").split()) if isinstance(scopes, str) else set()
        return Token(user_id, token.access_token, token.refresh_token, token.expires_at), missing

    def _who(self, token: Token, vendor: Vendor, given: Mapping[str, Any]) -> Any:
        auth = self.collect.auth
        if auth.who is None or auth.who.path is None:
            return given
        headers = token_header(auth, auth.scheme, token.access_token)
        asked = Asked(f"{self.to.base}/{auth.who.path}", headers=headers, place={"endpoint": f"/{auth.who.path}"})
        return json.loads(vendor.ask(asked, lambda found: _checked(auth, found)).body)


def _checked(auth: CollectAuth, answer: Answer) -> Answer:
    """An answer that is a JSON object; RefusedError or Again for another."""
    granted(auth.model_copy(update={"answer": None}), answer)
    return answer


def begin_login(source: str, collect: Collect, redirect: str) -> Login:
    """A login that waits for its code; UsageError when the source has none, or the application's id is not given."""
    if collect.auth.authorize_url is None:
        raise UsageError(
            f"login {source}: its contracts have no authorize_url; put the tokens into the file of --tokens"
        )
    if "client_id" not in client(source):
        names = f"{variable(source, 'CLIENT_ID')} and {variable(source, 'CLIENT_SECRET')}"
        raise UsageError(f"login {source}: {names} are not set; allowed: those of your application at the vendor")
    return Login(source, collect, addresses(source, collect), redirect, secrets.token_urlsafe(24))


@contextmanager
def loopback(port: int) -> Iterator[tuple[str, Callable[[], str]]]:
    """A redirect address on this machine, and a function that waits for the request to it; QolError after five minutes."""
    came: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Keep the address of an answer, and answer with a short text."""
            if "code=" in self.path or "error=" in self.path:
                came.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.end_headers()
            self.wfile.write(b"You can close this page.\n")

        def log_message(self, *_: object) -> None:
            """Log nothing: the address has the code."""

    try:
        server = HTTPServer(("127.0.0.1", port), Handler)
    except OSError as err:
        raise UsageError(f"--port {port}: not usable ({err.strerror}); allowed: a free port") from None

    def wait() -> str:
        deadline = Deadline(_WAIT_SECONDS)
        while not came:
            try:
                server.timeout = deadline.left()
            except RefusedError:
                raise QolError("login: no answer came within five minutes; begin again") from None
            server.handle_request()
        return came[0]

    with server:
        yield f"http://127.0.0.1:{server.server_port}/callback", wait
