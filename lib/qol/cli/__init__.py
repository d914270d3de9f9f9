"""The command line: `qol`."""

import sys


def main() -> None:
    """Run the command line and leave with its exit code; 2 when its libraries are not installed."""
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
