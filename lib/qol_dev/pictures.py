"""`python -m qol_dev.pictures DEMO FOLDER`: pictures of a demo's report and of `qol why`, as README.md shows them."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from qol.cli.report_command import default_name
from qol.contracts.load import load_contracts
from qol.lake import LocalLake
from qol.tables.query import run_query
from qol_dev.cloud.tools import MissingToolError
from qol_dev.demo import LACKING, WEEK

METRIC = "hrv_ln_rmssd_cv"
#: Characters of a line of the terminal, and pixels of the browser's window.
COLUMNS, WINDOW = 110, "1280,960"
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars")
#: The terminal's font, which a reader's browser would fetch from another host.
_WEB_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def take_report(page: Path, picture: Path) -> None:
    """Write the top of a report page as Chromium shows it on a desk, as PNG. MissingToolError without Chromium."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        raise MissingToolError("chromium: not on PATH")
    with tempfile.TemporaryDirectory() as profile:
        where = (f"--user-data-dir={profile}", f"--window-size={WINDOW}", f"--screenshot={picture.absolute()}")
        subprocess.run([browser, *FLAGS, *where, page.absolute().as_uri()], check=True, capture_output=True)  # noqa: S603


def take_why(lake: Path) -> str:
    """What `qol why` prints of a value that is null, as SVG."""
    (user,) = next(run_query(LocalLake(lake), load_contracts(), LACKING).rows)
    command = ["qol", "why", "--user", str(user), "--week", WEEK, "--metric", METRIC]
    main = [sys.executable, "-c", "from qol.cli import main; main()", *command[1:]]
    environment = os.environ | {"QOL_LAKE": str(lake), "COLUMNS": str(COLUMNS)}
    printed = subprocess.run(main, env=environment, check=True, capture_output=True, text=True).stdout  # noqa: S603
    return terminal_svg(f"$ {' '.join(command)}\n{printed.partition('The raw records:')[0].rstrip()}")


def terminal_svg(text: str) -> str:
    """A terminal that shows a text, as SVG that loads nothing."""
    console = Console(record=True, file=StringIO(), width=COLUMNS)
    console.print(Text(text))
    return _WEB_FONT.sub("", console.export_svg(title="qol why"))


def main(demo: Path, folder: Path) -> None:
    """Write `report.png` and `why.svg` of a demo's folder into another folder."""
    folder.mkdir(parents=True, exist_ok=True)
    take_report(demo / default_name(WEEK, None), folder / "report.png")
    (folder / "why.svg").write_text(take_why(demo / "lake"), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
