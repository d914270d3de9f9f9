"""Prints sentences and tables: plain text if the stream is no terminal, and never a control character."""

import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qol.contracts.wording import clean

#: Width in characters of output to a file or a pipe.
PIPE_WIDTH = 160


def console(*, stderr: bool = False) -> Console:
    """A console of the current stream; a stream that is no terminal is wide and has no colours."""
    stream = sys.stderr if stderr else sys.stdout
    fixed = None if stream.isatty() or os.environ.get("COLUMNS") else PIPE_WIDTH
    return Console(stderr=stderr, width=fixed, markup=False, highlight=False, emoji=False)


def say(text: str = "", *, style: str | None = None) -> None:
    """Print a sentence on standard output, never wrapped, so that commands and paths can be copied."""
    console().print(Text(clean(text), style=style or ""), soft_wrap=True)


def warn(text: str, *, style: str | None = None) -> None:
    """Print a sentence, or several lines, on standard error."""
    for line in text.splitlines():
        console(stderr=True).print(Text(clean(line), style=style or ""), soft_wrap=True)


def cell(value: Any) -> str:
    """The text of a value in a table: empty for null, times in UTC, numbers with at most 10 digits."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value)


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table; numbers are right-aligned, long cells fold."""
    rows = list(rows)
    shown = Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for place, head in enumerate(heads):
        numbers = all(_is_number(row[place]) for row in rows) and bool(rows)
        shown.add_column(Text(clean(head)), justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        shown.add_row(*[Text(clean(cell(value))) for value in row])
    console().print(shown)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def command(*words: object) -> str:
    """A command to paste: `qol` if the shell finds it, else its path."""
    return shlex.join([_program(), *map(str, words)])


@cache
def _program() -> str:
    beside = Path(sys.executable).with_name("qol")
    if shutil.which("qol") or not beside.is_file():
        return "qol"
    return str(beside.relative_to(Path.cwd()) if beside.is_relative_to(Path.cwd()) else beside)
