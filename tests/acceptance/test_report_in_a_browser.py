"""A report as a browser shows it, on a desk and on a phone: nothing asked of the network, no error, nothing too wide."""

import html
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from qol.lake import LocalLake
from qol.report.html_page import make_report, make_technical
from tests.acceptance.processes import missing
from tests.builders import CONTRACTS, run_lake
from tests.report.conftest import ADA, MONDAY, TECHNICAL, write_people

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("browser")]

DESK, PHONE = 1280, 390
#: Chromium's window is never narrower than this, so a phone is a frame within it.
LEAST_WINDOW = 500
HEIGHT = 900
SECONDS = 120
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--enable-logging=stderr",
)  # fmt: skip
#: Looks into the frame when everything is there, and leaves what it saw in the document.
PROBE = Path(__file__).with_name("probe.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def chromium() -> str:
    """The browser."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or missing("chromium: not on PATH")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """Pages by who is on them and language."""
    lake = tmp_path_factory.mktemp("browser") / "lake"
    write_people(lake)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GX_ANALYTICS_ENABLED", "false")  # a run sets it; this module leaves the environment as it was
        run_lake(lake)
    whom: Iterator[tuple[str, str | None]] = iter((("all", None), ("person", ADA)))
    languages: tuple[Any, ...] = ("en", "ja")
    found = {
        (who, language): make_report(LocalLake(lake), CONTRACTS, MONDAY, person, language)
        for (who, person), language in product(whom, languages)
    }
    for language in languages:
        found[TECHNICAL, language] = make_technical(LocalLake(lake), CONTRACTS, MONDAY, language)
    return found


def run(chromium: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The browser with a new, empty profile."""
    profile = folder / "profile"
    shutil.rmtree(profile, ignore_errors=True)
    command = [chromium, *FLAGS, f"--user-data-dir={profile}", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)


def framed(folder: Path, page: str, width: int) -> Path:
    """A file with the page in a frame of that width, and the probe beside it."""
    frame = f'<iframe style="border:0" width="{width}" height="{HEIGHT}" srcdoc="{html.escape(page)}"></iframe>'
    file = folder / "framed.html"
    file.write_text(f'<!DOCTYPE html><meta charset="utf-8"><body style="margin:0">{frame}{PROBE}', encoding="utf-8")
    return file


def look(chromium: str, folder: Path, page: str, width: int) -> tuple[dict[str, Any], list[str]]:
    """What the probe sees of the page in a frame of that width, and what the browser writes on its console."""
    window = f"--window-size={max(width, LEAST_WINDOW)},{HEIGHT}"
    ended = run(chromium, folder, window, "--dump-dom", framed(folder, page, width).as_uri())
    seen = re.search(r'<pre id="seen">(.*?)</pre>', ended.stdout, re.DOTALL)
    assert seen, ended.stderr[-2000:]
    return json.loads(html.unescape(seen[1])), [line for line in ended.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.parametrize("width", [DESK, PHONE])
@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("who", ["all", "person", TECHNICAL])
def test_a_page_fits_asks_nothing_and_has_no_error(
    chromium: str, pages: dict[tuple[str, str], str], tmp_path: Path, who: str, language: str, width: int
) -> None:
    page, console = look(chromium, tmp_path, pages[who, language], width)
    assert (console, page["asked"], page["outside"], page["small"], page["cut"]) == ([], [], [], 0, [])
    assert page["width"] <= page["viewport"] == width
    assert len(page["charts"]) > 5 or who == TECHNICAL
    assert all(0 < chart <= width for chart in page["charts"])


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_screenshot_is_a_page_of_that_size(
    chromium: str, pages: dict[tuple[str, str], str], tmp_path: Path, width: int
) -> None:
    file, picture = framed(tmp_path, pages["all", "en"], width), tmp_path / "page.png"
    wide = max(width, LEAST_WINDOW)
    run(chromium, tmp_path, f"--window-size={wide},{HEIGHT}", f"--screenshot={picture}", file.as_uri())
    header = picture.read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    assert (int.from_bytes(header[16:20]), int.from_bytes(header[20:24])) == (wide, HEIGHT)
    assert picture.stat().st_size > 20_000, "an empty page is smaller"


@pytest.mark.parametrize(
    ("spoilt", "field"),
    [
        ('<div style="width: 2000px">too wide</div>', "width"),
        ('<div class="scroll" aria-label="x"><div style="width: 2000px">cut</div></div>', "cut"),
        ('<img src="data:image/png;base64,AAAA" alt=""><img src="http://localhost:9/x.png" alt="">', "console"),
        ("<script>console.error('broken')</script>", "console"),
    ],
)
def test_the_probe_sees_what_it_is_there_for(
    chromium: str, pages: dict[tuple[str, str], str], tmp_path: Path, spoilt: str, field: str
) -> None:
    page, console = look(chromium, tmp_path, pages["all", "en"].replace("</main>", f"{spoilt}</main>"), PHONE)
    assert {"console": console, "width": page["width"] > PHONE, "cut": page["cut"]}[field]


def test_without_its_policy_the_probe_sees_a_request(
    chromium: str, pages: dict[tuple[str, str], str], tmp_path: Path
) -> None:
    """The page's Content-Security-Policy stops requests before they are made; this is about the probe."""
    free = re.sub(r"<meta http-equiv=.Content-Security-Policy[^>]*>", "", pages["all", "en"])
    assert free != pages["all", "en"]
    spoilt = free.replace("</main>", '<img src="http://localhost:9/x.png" alt=""></main>')
    page, _ = look(chromium, tmp_path, spoilt, PHONE)
    assert page["asked"] == ["http://localhost:9/x.png"]
