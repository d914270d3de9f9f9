"""Tokens of participants: a local key for this machine alone, or the keys of an OpenID Connect issuer."""

import json
import os
import secrets
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jwt
import urllib3
from jwt.types import Options

from qol.errors import QolError, UsageError
from qol.serve.serve_options import FOLDER, Oidc

LOCAL_ISSUER, LOCAL_AUDIENCE = "qol-local", "qol-api"
LOCAL_ALGORITHM = "HS256"
KEY_FILE = "jwt.key"
KEY_BYTES = 32
LIFETIME = timedelta(days=30)
PARTICIPANT_SCOPES = frozenset({"me:read", "me:write"})
#: Keys of an issuer are read again after this time, and for an unknown key id, but not more often than this.
FRESH_SECONDS, MIN_REFRESH_SECONDS = 300.0, 10.0
#: A clock of another machine may be this much off.
LEEWAY = timedelta(seconds=30)
_REQUIRED: Options = {"require": ["exp", "sub", "iss", "aud"]}


class Claims(NamedTuple):
    """Who a token is about, and what it allows."""

    subject: str
    scopes: frozenset[str]


class Verifier(Protocol):
    """Verifies tokens."""

    def verify(self, token: str) -> Claims | None:
        """What a token says, None when it is not valid; QolError when it cannot be verified now."""


def local_key(root: Path) -> bytes:
    """The local key of a lake's folder, made on the first call, for its user alone."""
    path = root / FOLDER / KEY_FILE
    path.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    else:
        key = secrets.token_bytes(KEY_BYTES)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key.hex() + "\n")
    if len(key) < KEY_BYTES:
        raise UsageError(f"{path}: too short; allowed: {KEY_BYTES} bytes in hexadecimal. Remove it to get a new one")
    return key


def local_token(key: bytes, subject: str, lifetime: timedelta = LIFETIME) -> str:
    """A participant's token under the local key."""
    now = datetime.now(UTC)
    claims = {"iss": LOCAL_ISSUER, "aud": LOCAL_AUDIENCE, "sub": subject, "iat": now, "exp": now + lifetime}
    return jwt.encode(claims, key, LOCAL_ALGORITHM)


class LocalVerifier:
    """Verifies tokens under the local key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def verify(self, token: str) -> Claims | None:
        """What a token says, None when it is not valid."""
        return _claims(token, self._key, LOCAL_ALGORITHM, LOCAL_AUDIENCE, LOCAL_ISSUER)


class OidcVerifier:
    """Verifies tokens of an issuer; reads the issuer's keys again for an unknown key id."""

    def __init__(self, oidc: Oidc) -> None:
        self._oidc = oidc
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at = float("-inf")
        self._lock = threading.Lock()
        self._http = urllib3.PoolManager(timeout=urllib3.Timeout(connect=3.0, read=5.0), retries=False)

    def verify(self, token: str) -> Claims | None:
        """What a token says, None when it is not valid; QolError when the issuer's keys were never read."""
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError:
            return None
        key = self._key(str(header.get("kid", "")))
        if key is None:
            return None
        return _claims(token, key, self._oidc.algorithm, self._oidc.audience, self._oidc.issuer)

    def _key(self, key_id: str) -> jwt.PyJWK | None:
        with self._lock:
            age = time.monotonic() - self._read_at
            if age >= FRESH_SECONDS or (key_id not in self._keys and age >= MIN_REFRESH_SECONDS):
                self._refresh()
        return self._keys.get(key_id)

    def _refresh(self) -> None:
        """Read the issuer's keys; those that are known stay when it does not answer."""
        self._read_at = time.monotonic()
        try:
            uri = (
                self._oidc.jwks_uri
                or self._json(f"{self._oidc.issuer.rstrip('/')}/.well-known/openid-configuration")["jwks_uri"]
            )
            found = self._json(str(uri))["keys"]
            self._keys = {str(one["kid"]): jwt.PyJWK(one, self._oidc.algorithm) for one in found if _signs(one)}
        except (urllib3.exceptions.HTTPError, jwt.PyJWTError, ValueError, KeyError, TypeError):
            if not self._keys:
                self._read_at = float("-inf")
                raise QolError("the token issuer's keys cannot be read") from None

    def _json(self, uri: str) -> Any:
        answer = self._http.request("GET", uri, redirect=False)
        if answer.status != 200:
            raise ValueError(answer.status)
        return json.loads(answer.data)


def _signs(key: Any) -> bool:
    return isinstance(key, dict) and "kid" in key and key.get("use", "sig") == "sig" and key.get("kty") != "oct"


def _claims(token: str, key: Any, algorithm: str, audience: str, issuer: str) -> Claims | None:
    try:
        found = jwt.decode(
            token, key, algorithms=[algorithm], audience=audience, issuer=issuer, leeway=LEEWAY, options=_REQUIRED
        )
    except (jwt.InvalidTokenError, ValueError, TypeError):
        return None
    subject, scope = found["sub"], found.get("scope")
    named = PARTICIPANT_SCOPES.intersection(scope.split()) if isinstance(scope, str) else frozenset()
    return Claims(subject, frozenset(named) or PARTICIPANT_SCOPES) if subject else None
