"""The page of `qol serve` in a browser: a participant's weeks on a phone and a desk, by keyboard, in English and Japanese."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from qol.identity.user_map import read_user_map
from tests.acceptance.browser import Browser, browser
from tests.acceptance.test_serve import HTTP, post, qol, served
from tests.builders import daily_record, run_lake, without_gate, write_lines
from tests.serve.phones import steps

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("browser")]

PHONE, DESK = 390, 1280
ENTRIES = "".join(
    f'{{"source": "{source}", "vendor_user_id": "{vendor}", "user_id": "P-anna"}}\n'
    for source, vendor in (("garmin", "g-anna"), ("healthkit", "v-anna"))
)
WHOLE, LAST = range(-14, -7), range(5)
DRAWN = "document.querySelectorAll('figure').length === 9"
UNNAMED = "button textbox progressbar image region table"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Anna's weeks: one whole, one without data, and the last one of five days."""
    folder = tmp_path_factory.mktemp("page") / "lake"
    write_lines(folder, "2026-11-17", [daily_record("g-anna", day) for day in (*WHOLE, *LAST)])
    (folder / "user_map.jsonl").write_text(ENTRIES)
    with without_gate():
        run_lake(folder, user_map=read_user_map(folder / "user_map.jsonl"))
    return folder


@pytest.fixture(scope="module")
def token(lake: Path) -> str:
    return qol("keys", "token", "--lake", lake, "--user", "v-anna").strip()


@pytest.fixture(scope="module")
def address(lake: Path, token: str) -> Iterator[str]:
    """A server with a batch of today and a goal."""
    with served(lake) as (address, _):
        post(address, token, json.dumps({"measurements": [steps(1200, 7)]}).encode())
        goal = {"metric": "steps", "period": "day", "target": 3000}
        HTTP.request("PUT", f"{address}/v1/goals/walk", json=goal, headers={"Authorization": f"Bearer {token}"})
        yield address


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


def text(tab: Browser, selector: str) -> str:
    return str(tab.run(f"document.querySelector({selector!r}).innerText"))


def unnamed(tab: Browser) -> list[str]:
    """Roles of what a screen reader finds without a name."""
    nodes = tab.send("Accessibility.getFullAXTree")["nodes"]
    found = [node for node in nodes if not node["ignored"] and node["role"]["value"] in UNNAMED.split()]
    assert len(found) > 20
    return [node["role"]["value"] for node in found if not node.get("name", {}).get("value")]


def test_a_participant_signs_in_by_keyboard_and_the_token_stays_in_the_tab(
    tab: Browser, address: str, token: str
) -> None:
    tab.open(f"{address}/?lang=en", PHONE)
    tab.wait("document.querySelector('#sign-in')?.hidden === false")
    for _ in range(4):  # skip link, two languages, the field
        tab.press("Tab")
    assert tab.run("document.activeElement.labels[0].innerText") == "Token"
    tab.send("Input.insertText", text=token)
    tab.press("Enter", "\r")
    tab.wait(DRAWN)
    asked = tab.run("performance.getEntriesByType('resource').map((one) => one.name)")
    assert all(one.startswith(address) and token not in one for one in asked)
    assert tab.run("[localStorage.length, document.cookie, document.querySelector('#token').value]") == [0, "", ""]
    tab.run("document.querySelector('#sign-out').click()")
    tab.wait("document.querySelector('#main').hidden && sessionStorage.getItem('qol-token') === null")
    assert tab.console == []


def test_the_page_shows_values_beside_their_days_and_says_why_one_is_missing(
    tab: Browser, address: str, token: str
) -> None:
    tab.open(f"{address}/?lang=en#token={token}", PHONE)
    tab.wait(DRAWN)
    assert tab.run("location.href") == f"{address}/?lang=en"
    assert text(tab, "#today") == "Steps (HealthKit / Health Connect)\n1,200 steps"
    assert text(tab, "#goals") == "Steps, a day\n\n1,200 steps of 3,000 steps (40 %)"
    missing = text(tab, "#missing").splitlines()
    assert missing[0] == "Steps: Days with a value: 5 of 7."
    assert missing[1].startswith("Sleep: None of these weeks has it.")
    assert missing[-1] == "Quality of life (WHOQOL): No questionnaire was answered in this week."
    rows = "[...document.querySelectorAll('#charts tbody')[0].rows].slice(-3).map((row) => [...row.cells].map((cell) => cell.textContent))"
    assert tab.run(rows) == [
        ["Oct 26", "1,000 steps", "7", "Garmin", ""],
        ["Nov 2", "none", "0", "", "No data arrived for this week."],
        ["Nov 9", "1,000 steps", "5", "Garmin", "Days with a value: 5 of 7."],
    ]
    plot = "document.querySelector('#charts .plot')"
    assert tab.run(f"{plot}.ariaLabel") == (
        "Steps. 2 of 13 weeks have a value, from 1,000 steps to 1,000 steps. Nov 9: 1,000 steps, 5 of 7 days."
    )
    assert tab.run(f"[{plot}.querySelectorAll('.ct-point').length, {plot}.querySelectorAll('.gap').length]") == [2, 11]
    assert tab.run(f"(({plot}).querySelector('.ct-line').getAttribute('d').match(/M/g)).length") == 2
    assert tab.console == []


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_fits_and_everything_on_it_has_a_name(
    tab: Browser, address: str, token: str, tmp_path: Path, width: int, language: str
) -> None:
    tab.open(f"{address}/#token={token}", width)
    tab.wait(DRAWN)
    tab.run(f"document.querySelector('[data-language={language}]').click()")
    title = {"en": "My weeks", "ja": "わたしの週"}[language]
    assert tab.run("[document.title, document.documentElement.lang]") == [title, language]
    assert text(tab, "h1") == title
    tab.run("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert tab.run("document.documentElement.scrollWidth") <= width
    assert unnamed(tab) == []
    assert "undefined" not in text(tab, "body")
    tab.picture(tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 20_000, "an empty page is smaller"
    assert tab.console == []


def test_both_languages_have_the_same_texts_and_a_wrong_token_is_asked_for_again(tab: Browser, address: str) -> None:
    tab.open(f"{address}/?lang=ja#token=wrong", PHONE)
    tab.wait("document.querySelector('#status').innerText.startsWith('トークンが無効')")
    assert tab.run("[document.querySelector('#sign-in').hidden, sessionStorage.getItem('qol-token')]") == [False, None]
    names = "import('/texts.js').then(({ TEXTS }) => ['en', 'ja'].map((one) => [Object.keys(TEXTS[one]), Object.keys(TEXTS[one].metrics), Object.keys(TEXTS[one].units)]))"
    english, japanese = tab.run(names)
    assert english == japanese
    tab.console.clear()  # the browser itself writes that an answer was 401
