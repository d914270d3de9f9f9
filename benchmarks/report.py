"""Markdown that docs/performance.md can take as it is."""

import os
import platform
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("pyspark", "polars", "pyarrow", "duckdb", "msgspec", "great-expectations")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the first column to the left, numbers to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def machine() -> str:
    """What the numbers were taken on."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{os.cpu_count()} cores ({_first('/proc/cpuinfo', 'model name')}), "
        f"{int(_first('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.0f} GiB of memory, load {os.getloadavg()[0]:.1f}; "
        f"Python {platform.python_version()}, {libraries}."
    )


def say(markdown: str) -> None:
    """What a page takes, on standard output."""
    print(markdown, flush=True)


def progress(doing: str) -> None:
    """What a person waits for, on standard error, so that output can go to a file."""
    print(f"{doing} ...", file=sys.stderr, flush=True)


def seconds(value: float) -> str:
    """Seconds with one decimal."""
    return f"{value:.1f}"


def gib(size: int) -> str:
    """Bytes as GiB."""
    return f"{size / 2**30:.2f}"


def _first(path: str, name: str) -> str:
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith(name))
