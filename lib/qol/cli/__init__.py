"""The command line: `qol`."""

import atexit
import gc
import sys


def main() -> None:
    """Run the command line and leave with its exit code; 2 when its libraries are not installed."""
    # What imports leave is never garbage: to look through it again and again, and at exit, takes as long as the imports.
    gc.set_threshold(50_000, 50, 50)
    atexit.register(gc.freeze)
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
    app(prog_name="qol")
