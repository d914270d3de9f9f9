"""Settings of the API: options of `qol serve`, and environment variables for what a deployment sets."""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qol.errors import UsageError
from qol.identity.secret_text import secret_text

#: Where the API keeps its state and its local key, in a lake that is a folder.
FOLDER = "_serve"
MIN_RATE, MAX_RATE = 1, 1_000_000
_VARIABLES_ALLOWED = '{"QOL_GOAL_WEBHOOK_SECRET": "whsec_…", "QOL_GARMIN_SECRET": "…"}, or {}'
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")


@dataclass(frozen=True)
class Oidc:
    """The issuer of accepted tokens, their audience, the one signature algorithm, and where the keys are if not discovered."""

    issuer: str
    audience: str
    algorithm: str = "RS256"
    jwks_uri: str | None = None


@dataclass(frozen=True)
class ServeOptions:
    """What the API is started with; `now` fixes its clock, for demonstrations and tests."""

    lake: str
    state: str | None = None
    user_map: str | None = None
    host: str = "127.0.0.1"
    zone: str = "Asia/Tokyo"
    now: datetime | None = None
    key_secret: str | None = None
    schemas: Path | None = None
    kms_key: str | None = None
    oidc: Oidc | None = None
    cors_origins: tuple[str, ...] = ()
    rate_limit: int | None = None
    webhook_url: str | None = None
    webhook_secret: str | None = None
    #: Credentials of Garmin's webhook, as JSON; without them the route does not exist.
    garmin_secret: str | None = None
    #: Where `qol collect` keeps tokens: a file, or dynamodb:TABLE. Those of erased people go.
    tokens: str | None = None
    #: Whether the job of erasures erases, asked by an object in the lake: on AWS only its role deletes.
    requests_erasures: bool = False
    #: Whether metrics go to standard output in CloudWatch's embedded format.
    emits_metrics: bool = False

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches the API, so that the local key is accepted."""
        with suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return self.host == "localhost"

    def clock(self) -> datetime:
        """The time, in UTC."""
        return self.now or datetime.now(UTC)


def from_environment(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Fields of ServeOptions that environment variables set; UsageError names a variable and what is allowed.

    QOL_API_SECRET names a secret of Secrets Manager; its JSON has further variables.
    """
    if name := environment.get("QOL_API_SECRET"):
        environment = {**environment, **_secret_variables(name)}
    found: dict[str, Any] = {
        "cors_origins": tuple(one.strip() for one in environment.get("QOL_CORS_ORIGINS", "").split(",") if one.strip()),
        "rate_limit": _rate(environment.get("QOL_RATE_LIMIT_PER_MINUTE")),
        "oidc": _oidc(environment),
        "requests_erasures": environment.get("QOL_ERASURES") == "requests",
        "emits_metrics": environment.get("QOL_METRICS") == "emf",
    }
    texts = {
        "webhook_url": "QOL_GOAL_WEBHOOK_URL",
        "webhook_secret": "QOL_GOAL_WEBHOOK_SECRET",
        "garmin_secret": "QOL_GARMIN_SECRET",
        "tokens": "QOL_TOKENS",
    }
    return found | {name: environment.get(variable) or None for name, variable in texts.items()}


def _secret_variables(name: str) -> dict[str, str]:
    try:
        found = json.loads(secret_text(f"QOL_API_SECRET={name}", name, _VARIABLES_ALLOWED) or "")
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise UsageError(f"QOL_API_SECRET={name}: not an object of texts; allowed: {_VARIABLES_ALLOWED}")
    return found


def _rate(text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and MIN_RATE <= int(text) <= MAX_RATE):
        raise UsageError(f"QOL_RATE_LIMIT_PER_MINUTE: out of range; allowed: {MIN_RATE} to {MAX_RATE}")
    return int(text)


def _oidc(environment: Mapping[str, str]) -> Oidc | None:
    issuer, audience = environment.get("QOL_OIDC_ISSUER"), environment.get("QOL_OIDC_AUDIENCE")
    if not issuer:
        return None
    if not audience:
        raise UsageError("QOL_OIDC_AUDIENCE: not set; allowed: the audience that tokens for this API name")
    algorithm = environment.get("QOL_OIDC_ALGORITHM") or "RS256"
    if algorithm not in ALGORITHMS:
        raise UsageError(f"QOL_OIDC_ALGORITHM: unknown; allowed: {', '.join(ALGORITHMS)}")
    return Oidc(issuer, audience, algorithm, environment.get("QOL_OIDC_JWKS_URI") or None)
