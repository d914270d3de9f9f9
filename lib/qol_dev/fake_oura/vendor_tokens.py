"""The vendor's tokens: a refresh token works once, and what it gives replaces the access token before it."""

import datetime as dt
import secrets
from dataclasses import dataclass, field
from typing import Any

#: What people agree to when they connect a ring: all there is.
SCOPES = "personal daily heartrate workout tag session spo2 stress heart_health ring_configuration"
LIFETIME = dt.timedelta(hours=24)


@dataclass
class VendorTokens:
    """Access tokens with their person and end, refresh tokens and codes with their person; how often each refreshed."""

    access: dict[str, tuple[str, dt.datetime]] = field(default_factory=dict)
    refresh: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    refreshed: dict[str, int] = field(default_factory=dict)

    def issue(self, person: str, now: dt.datetime) -> dict[str, Any]:
        """New tokens of a person, as the token endpoint answers; the access token before them ends."""
        self.access = {token: known for token, known in self.access.items() if known[0] != person}
        access, refresh = (secrets.token_urlsafe(24) for _ in range(2))
        self.access[access] = (person, now + LIFETIME)
        self.refresh[refresh] = person
        return {
            "token_type": "bearer",
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": round(LIFETIME.total_seconds()),
            "scope": SCOPES,
        }

    def code(self, person: str) -> str:
        """A code that can be exchanged once."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = person
        return code

    def exchange(self, kind: str, given: str, now: dt.datetime) -> dict[str, Any] | None:
        """New tokens for a code or a refresh token; None when it was used before, or never given."""
        person = (self.refresh if kind == "refresh_token" else self.codes).pop(given, None)
        if person is None:
            return None
        if kind == "refresh_token":
            self.refreshed[person] = self.refreshed.get(person, 0) + 1
        return self.issue(person, now)

    def person(self, access_token: str, now: dt.datetime) -> str | None:
        """Whose token it is; None for one that is unknown or has ended."""
        person, ends = self.access.get(access_token, (None, now))
        return person if now < ends else None
