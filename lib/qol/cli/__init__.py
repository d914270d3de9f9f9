"""The command line: `qol`."""

from __future__ import annotations


def main() -> None:
    """Run the command line and leave with its exit code."""
    from qol.cli.app import app

    app(prog_name="qol")
