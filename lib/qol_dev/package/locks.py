"""The wheels that go to AWS, locked by hash: `uv` resolves them, `pip` downloads and checks them."""

import hashlib
import re
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from qol.errors import QolError, UsageError

_PIN = re.compile(r"^([^\s#=]+)==(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Lock:
    """The lock file of a runtime: what it needs and what it provides (`name==version`), its Python, its platforms for pip."""

    path: Path
    needed: tuple[str, ...]
    provided: tuple[str, ...]
    python: str
    platforms: tuple[str, ...]

    def refresh(self) -> None:
        """Resolve anew and write the lock; QolError when uv finds no solution."""
        command = ["uv", "pip", "compile", "-", "--upgrade", "--output-file", str(self.path), "--generate-hashes"]
        command += ["--no-annotate", "--custom-compile-command", "make lock", "--only-binary", ":all:"]
        command += ["--python-version", self.python]
        if self.platforms != ("any",):
            machine = next(name for name in ("x86_64", "aarch64") if self.platforms[0].endswith(name))
            command += ["--python-platform", f"{machine}-{self.platforms[0].removesuffix(f'_{machine}')}"]
        needed = {name_of(line) for line in self.needed}
        kept = [line for line in self.provided if name_of(line) not in needed]
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
            constraints.write("\n".join(kept))
            constraints.flush()
            command += ["--constraint", constraints.name]
            command += [word for line in kept for word in ("--no-emit-package", name_of(line))]
            run(sys.executable, command, self.needed)

    def pins(self) -> dict[str, str]:
        """Versions by name; UsageError when the lock misses a requirement or holds a package that the runtime provides."""
        found: dict[str, str] = dict(_PIN.findall(self.path.read_text(encoding="utf-8")))
        needed = {name_of(line): line.partition("==")[2] for line in self.needed}
        stale = sorted(name for name, version in needed.items() if found.get(name) != version)
        shadowing = sorted(({name_of(line) for line in self.provided} - needed.keys()) & found.keys())
        if stale or shadowing:
            names = ", ".join(stale + shadowing)
            raise UsageError(
                f"{self.path}: not made from today's requirements ({names}); allowed: what `make lock` writes"
            )
        return found

    def environment(self, cache: Path) -> Path:
        """The interpreter of an environment of the locked wheels alone, made in a folder of `cache` unless it is there."""
        self.pins()
        folder = self._folder(cache)
        if not folder.is_dir():
            unfinished = folder.with_suffix(".part")
            run(sys.executable, ["venv", "--clear", str(unfinished)])
            command = ["pip", "install", "--no-deps", "--require-hashes", "--only-binary=:all:"]
            run(str(unfinished / "bin" / "python"), [*command, "--requirement", str(self.path)])
            unfinished.rename(folder)
        return folder / "bin" / "python"

    def wheels(self, cache: Path, python: Path) -> list[Path]:
        """The locked wheels, downloaded into a folder of `cache` unless they are in it; the pip of `python` compares hashes."""
        self.pins()
        folder = self._folder(cache)
        if not folder.is_dir():
            unfinished = folder.with_suffix(".part")
            command = ["pip", "download", "--no-deps", "--require-hashes", "--only-binary=:all:"]
            command += ["--implementation", "cp", "--python-version", self.python]
            command += [word for platform in self.platforms for word in ("--platform", platform)]
            run(str(python), [*command, "--dest", str(unfinished), "--requirement", str(self.path)])
            unfinished.rename(folder)
        return sorted(folder.glob("*.whl"))

    def _folder(self, cache: Path) -> Path:
        return cache / hashlib.sha256(self.path.read_bytes()).hexdigest()[:16]


def name_of(requirement: str) -> str:
    """The normalized name (PEP 503) in `name==version`."""
    return re.sub(r"[-_.]+", "-", requirement.partition("==")[0].strip()).lower()


def project_requirements(root: Path, extra: str | None = None) -> tuple[str, ...]:
    """The dependencies that pyproject.toml pins, or those that an extra adds."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return tuple(line for line in found if "==" in line)


def read_list(path: Path) -> tuple[str, ...]:
    """The requirements in a file, without comments."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def run(python: str, command: list[str], requirements: tuple[str, ...] = ()) -> None:
    """Run a module of an interpreter with requirements as its input; QolError with the end of its output when it fails."""
    ended = subprocess.run(  # noqa: S603 (a fixed command)
        [python, "-I", "-m", *command], input="\n".join(requirements), capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise QolError(f"{' '.join(command[:2])} ended with {ended.returncode}: {ended.stderr.strip()[-500:]}")
