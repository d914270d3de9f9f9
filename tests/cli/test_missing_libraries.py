"""A Python without the command line's libraries says what to install."""

from __future__ import annotations

import subprocess
import sys


def test_a_command_line_without_its_libraries_says_what_to_install() -> None:
    code = "import sys; sys.modules['typer'] = None; from qol.cli import main; main()"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (
        2,
        "qol: typer is not installed; install the command line by pip install 'qol-lake[cli]'\n",
    )
