"""Where a source's requests go: the contract's addresses, or those that environment variables put in their place."""

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from qol.collect.vendor import is_loopback
from qol.contracts.collect import Collect
from qol.errors import UsageError


@dataclass(frozen=True)
class Addresses:
    """The base of all endpoints, without a slash at its end, where tokens come from, and where persons agree."""

    base: str
    token_url: str | None
    authorize_url: str | None


def variable(source: str, what: str) -> str:
    """Name of a source's environment variable, such as QOL_<SOURCE>_BASE."""
    return f"QOL_{source.upper()}_{what}"


def addresses(source: str, collect: Collect, *, sandbox: bool = False) -> Addresses:
    """The addresses of a source; UsageError for one that would send tokens in clear.

    With another base, tokens come from that server too, under the paths of the contract's addresses: no token goes to the
    vendor that a test gave out.
    """
    own_base, own_tokens = (os.environ.get(variable(source, what)) for what in ("BASE", "TOKEN_URL"))
    base = collect.sandbox if sandbox else collect.base
    token_url, authorize_url = collect.auth.token_url, collect.auth.authorize_url
    if own_base:
        base = _checked(source, "BASE", own_base)
        base = (_on_server(base, collect.sandbox) or base) if sandbox else base
        token_url, authorize_url = _on_server(base, token_url), _on_server(base, authorize_url)
    if own_tokens:
        token_url = _checked(source, "TOKEN_URL", own_tokens)
    if base is None:
        raise UsageError(f"--sandbox: the contracts of {source} name no sandbox; allowed: no --sandbox")
    return Addresses(base.rstrip("/"), token_url, authorize_url)


def _on_server(base: str, url: str | None) -> str | None:
    """An address's path on the server of another one."""
    server = urlsplit(base)
    return None if url is None else f"{server.scheme}://{server.netloc}{urlsplit(url).path}"


def _checked(source: str, what: str, url: str) -> str:
    parts = urlsplit(url)
    usable = parts.hostname and not parts.query and not parts.fragment and parts.username is None
    if not usable or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url))):
        allowed = "https://…, or http:// of this machine (127.0.0.1), without query and user name"
        raise UsageError(f"{variable(source, what)}: not a usable address; allowed: {allowed}")
    return url
