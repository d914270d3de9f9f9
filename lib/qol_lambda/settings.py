"""Settings of the functions: environment variables that Terraform sets."""

from __future__ import annotations

import os

from qol.errors import UsageError


def setting(name: str, default: str | None = None) -> str:
    """The value of an environment variable, else the default; UsageError when it has neither."""
    value = os.environ.get(name, default)
    if value is None:
        raise UsageError(f"environment variable {name}: not set; allowed: a value (Terraform sets it)")
    return value
