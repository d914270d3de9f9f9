"""Where a source's requests go: the contract's addresses, or those that environment variables put in their place."""

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from qol.collect.vendor import is_loopback
from qol.contracts.collect import Collect
from qol.errors import UsageError


@dataclass(frozen=True)
class Addresses:
    """The base of all endpoints, without a slash at its end, and where tokens come from."""

    base: str
    token_url: str | None


def variable(source: str, what: str) -> str:
    """Name of a source's environment variable, such as QOL_<SOURCE>_BASE."""
    return f"QOL_{source.upper()}_{what}"


def addresses(source: str, collect: Collect, *, sandbox: bool = False) -> Addresses:
    """The addresses of a source; UsageError for one that would send tokens in clear.

    With another base, tokens come from that server too, under the path of the contract's token_url: no token goes to the
    vendor that a test gave out.
    """
    own_base, own_tokens = (os.environ.get(variable(source, what)) for what in ("BASE", "TOKEN_URL"))
    base, token_url = collect.sandbox if sandbox else collect.base, collect.auth.token_url
    if own_base:
        base = _checked(source, "BASE", own_base)
        if token_url is not None:
            server, path = urlsplit(base), urlsplit(token_url).path
            token_url = f"{server.scheme}://{server.netloc}{path}"
    if own_tokens:
        token_url = _checked(source, "TOKEN_URL", own_tokens)
    if base is None:
        raise UsageError(f"--sandbox: the contracts of {source} name no sandbox; allowed: no --sandbox")
    return Addresses(base.rstrip("/"), token_url)


def _checked(source: str, what: str, url: str) -> str:
    parts = urlsplit(url)
    usable = parts.hostname and not parts.query and not parts.fragment and parts.username is None
    if not usable or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url))):
        allowed = "https://…, or http:// of this machine (127.0.0.1), without query and user name"
        raise UsageError(f"{variable(source, what)}: not a usable address; allowed: {allowed}")
    return url
