"""How a command ends when it cannot end well: plain sentences, an exit code, never the text of an unknown exception."""

import errno
import os
import traceback
from typing import Any

from typer import Abort, Exit, TyperException
from typer.core import TyperGroup

from qol.cli.show import warn
from qol.errors import QolError, safe_place

#: What typer handles itself: its own ends, and wrong usage (exit code 2).
_TYPER = (Exit, Abort, TyperException)


class Note(str):
    """A sentence of ours on an exception: safe to print, unlike notes that libraries add."""

    __slots__ = ()


class Commands(TyperGroup):
    """All commands of `qol`; every error of theirs comes by here."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; what it raises becomes a message and an exit code."""
        try:
            return super().invoke(ctx)
        except _TYPER:
            raise
        except Exception as err:
            if isinstance(err, OSError) and err.errno == errno.EPIPE:
                raise
            raise Exit(explain(err)) from None


def explain(err: Exception) -> int:
    """Say on standard error what happened; the exit code."""
    if os.environ.get("QOL_DEBUG") == "1":
        traceback.print_exception(err)
    if isinstance(err, QolError):
        warn(str(err), style="red")
    else:
        warn(f"unexpected error: {safe_place(err)}", style="red")
        warn("Its text is not shown, because it could hold a value; QOL_DEBUG=1 shows it, values included.")
    for note in getattr(err, "__notes__", ()):
        if isinstance(note, Note):
            warn(note)
    return err.exit_code if isinstance(err, QolError) else 1
