"""The command line: `qol`."""

import atexit
import gc
import os
import sys

#: The exit code, once a command has ended by itself.
_codes: list[int] = []


def main() -> None:
    """Run the command line and leave with its exit code; 2 when its libraries are not installed."""
    # What imports leave is never garbage: to look through it again and again takes as long as the imports.
    gc.set_threshold(50_000, 50, 50)
    atexit.register(_leave)
    try:
        from qol.cli.app import app
    except ModuleNotFoundError as err:
        if err.name not in ("rich", "typer"):
            raise
        print(
            f"qol: {err.name} is not installed; in the clone, run pip install '.[cli]'",
            file=sys.stderr,
        )
        sys.exit(2)
    try:
        app(prog_name="qol")
    except SystemExit as ended:
        if isinstance(ended.code, int):
            _codes.append(ended.code)
        raise


def _leave() -> None:
    """End at once: as the first to be registered it is called last, and to take down what was imported takes half a second."""
    for code in _codes:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
