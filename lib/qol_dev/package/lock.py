"""Locked dependencies: which wheels, by hash, so that what runs on AWS is what was tested.

A lock is a requirements file that pip reads; its first lines hold a digest of what it was made from, which tells whether
it is fresh without asking an index.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qol.errors import UsageError
from qol_dev.package.pip import Target, resolve

#: Nothing may stand before Glue's Spark and what its workers exchange data with.
NEVER = frozenset({"pyspark", "py4j", "boto3", "botocore", "numpy", "pandas", "pyarrow"})
_MADE_FROM = "# made from sha256:"
_LINE = re.compile(r"(\S+)==(\S+) --hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, order=True)
class Pin:
    """One wheel: normalized name, version, hash."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Lock:
    """A lock's place, what it is made of and for which Python."""

    path: Path
    requirements: tuple[str, ...]
    provided: tuple[str, ...]
    target: Target

    @property
    def digest(self) -> str:
        """A hash of everything that decides what the lock holds."""
        parts = [*sorted(self.requirements), "|", *sorted(self.provided), "|", *self.target]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def refresh(self) -> None:
        """Ask the index and write the lock anew; what is provided at its own version is left out."""
        own = {normal(name_of(line)) for line in self.requirements}
        kept = {normal(name_of(line)): line for line in self.provided if normal(name_of(line)) not in own}
        pins = sorted(
            Pin(normal(name), version, digest)
            for name, version, digest in resolve(self.requirements, list(kept.values()), self.target)
            if normal(name) not in kept
        )
        lines = [f"{pin.name}=={pin.version} --hash=sha256:{pin.sha256}" for pin in pins]
        head = ["# Written by `make lock`; checked by the tests.", f"{_MADE_FROM}{self.digest}"]
        self.path.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")

    def pins(self) -> list[Pin]:
        """The wheels; UsageError when the lock is missing, stale, or holds what would shadow Glue's own."""
        text = self.path.read_text(encoding="utf-8") if self.path.is_file() else ""
        if f"{_MADE_FROM}{self.digest}" not in text.splitlines():
            raise UsageError(f"{self.path}: not made from today's requirements; allowed: what `make lock` writes")
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        found = [_LINE.fullmatch(line) for line in lines]
        if None in found:
            raise UsageError(
                f"{self.path}: line {found.index(None) + 3} is no pin; allowed: name==version --hash=sha256:…"
            )
        pins = [Pin(*match.groups()) for match in found if match]
        shadows = sorted(NEVER & {pin.name for pin in pins})
        if shadows:
            raise UsageError(f"{self.path}: found {', '.join(shadows)}; allowed: nothing that AWS brings itself")
        return pins


def name_of(requirement: str) -> str:
    """The name in `name==version`."""
    return requirement.partition("==")[0].strip()


def normal(name: str) -> str:
    """A distribution's name as all indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_list(path: Path) -> tuple[str, ...]:
    """Requirements of a file without comments."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def project_requirements(root: Path, extra: str | None = None) -> tuple[str, ...]:
    """What pyproject.toml pins, in general or in an extra."""
    project: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: Sequence[str] = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return tuple(found)


def without(requirements: Iterable[str], names: Iterable[str]) -> tuple[str, ...]:
    """The requirements but those that ask for what is there at exactly that version."""
    there = set(names)
    return tuple(line for line in requirements if line not in there)
