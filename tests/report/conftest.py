"""A lake of four users and five weeks, run once; its pages, and what a parser finds in them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder

import pyarrow.parquet as pq
import pytest

from qol.lake import LocalLake
from qol.report.html_page import make_report, make_technical
from tests.builders import CONTRACTS, MONDAY_START, daily_record, night_record, run_lake, user_id, write_lines

MONDAY = date(2026, 11, 9)
WEEK = "2026-W46"
ADA, BEN, CLEO, DORA = (user_id(name) for name in ("ada", "ben", "cleo", "dora"))
#: A name no contract has; it must not get from raw data into a page.
SECRET_FIELD = "motherMaidenName"
Page = Callable[..., str]
#: In place of a person: the page for engineers.
TECHNICAL = "technical"
#: A row of `adherence` of a participant who needs no call.
PRESENT: dict[str, Any] = {
    "call_order": None, "days_worn": 6, "nights": 5, "last_sync": date(2026, 11, 15), "last_questionnaire": None,
    "silent_since": None, "days_silent": 0,
}  # fmt: skip


def at(day: date, record: dict[str, Any]) -> dict[str, Any]:
    """A record of the builders, on another day."""
    moved = (day - MONDAY).days * 86_400
    start = record["startTimeInSeconds"] + moved
    return {**record, "calendarDate": day.isoformat(), "startTimeInSeconds": start}


def full_day(name: str, day: date, **values: object) -> dict[str, Any]:
    number = (day - MONDAY).days
    known = {
        "steps": 6_000 + 40 * number,
        "moderateIntensityDurationInSeconds": 900 + 60 * (number % 5),
        "restingHeartRateInBeatsPerMinute": 58 + number % 4,
        "averageStressLevel": 30 + number % 6,
        "summaryId": f"{name}-{day}",
    }
    return at(day, daily_record(name, 0, **{**known, **values}))


def night(name: str, day: date, start: int = -3_600) -> dict[str, Any]:
    return at(day, night_record(name, 0, startTimeInSeconds=MONDAY_START + start, summaryId=f"n-{name}-{day}"))


def write_people(lake: Path) -> None:
    """Ada has all weeks but a day, and one day not worn; Ben sleeps past midnight; Cleo stopped before the week, Dora came once."""
    days = [MONDAY + timedelta(days=n) for n in range(-28, 7)]
    missing, not_worn = MONDAY + timedelta(days=2), MONDAY + timedelta(days=3)
    ada = [full_day("ada", day) for day in days if day not in (missing, not_worn)]
    ada.append(full_day("ada", not_worn, durationInSeconds=18_000))
    ben = [full_day("ben", day, steps=9_000 + day.day) for day in days if day >= MONDAY - timedelta(days=14)]
    ben[-1] |= {"steps": 250_000, SECRET_FIELD: "Byron"}
    cleo = [full_day("cleo", day) for day in days if day < MONDAY - timedelta(days=14)]
    broken: list[Any] = [b'{"userId": "ada", "steps":', b'{"calendarDate":"2026-11-10","durationInSeconds":86400}']
    dora = [full_day("dora", days[0])]
    write_lines(lake, "2026-11-16", [*ada, *ben, *cleo, *dora, *broken])
    nights = [night("ada", day) for day in days if day != missing]
    nights += [night("ben", day, 5_400) for day in days if day >= MONDAY]
    write_lines(lake, "2026-11-16", nights, folder="raw/garmin/sleeps")


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published lake; do not change it."""
    folder = tmp_path_factory.mktemp("report") / "lake"
    write_people(folder)
    assert run_lake(folder).status == "published"
    return folder


@pytest.fixture(scope="session")
def page(lake: Path) -> Page:
    """A page of the lake, made once."""

    @cache
    def make(person: str | None = None, language: Any = "en") -> str:
        if person == TECHNICAL:
            return make_technical(LocalLake(lake), CONTRACTS, MONDAY, language)
        return make_report(LocalLake(lake), CONTRACTS, MONDAY, person, language)

    return make


def weekly_rows(lake: Path, monday: date = MONDAY) -> dict[str, dict[str, Any]]:
    """A week's published rows by person, as the file has them."""
    file = lake / f"processed/weekly/date={monday}/part-00000.parquet"
    return {row["user_id"]: row for row in pq.read_table(file, partitioning=None).to_pylist()}


def one(element: Element, tag: str) -> Element:
    """The only element with this tag."""
    (found,) = element.iter(tag)
    return found


def words(element: Element) -> str:
    """All text of an element."""
    return "".join(element.itertext()).strip()


_VOID = {"meta", "link", "br", "img", "input", "hr", "wbr"}


class _Page(HTMLParser):
    """The page as elements; a tag that closes another one is an error."""

    def __init__(self) -> None:
        super().__init__()
        self.tree = TreeBuilder()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tree.start(tag, {name: value or "" for name, value in attrs})
        if tag in _VOID:
            self.tree.end(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in _VOID or self.tree.end(tag).tag == tag, f"</{tag}> in another element"

    def handle_data(self, data: str) -> None:
        self.tree.data(data)


@cache
def parse(html: str) -> Element:
    """The page's elements; do not change them."""
    page = _Page()
    page.feed(html)
    page.close()
    return page.tree.close()


@dataclass(frozen=True)
class Shown:
    """What a cell shows, and the exact value it carries (None for a cell without one)."""

    text: str
    value: str | None


def tables(html: str) -> dict[str, dict[str, dict[str, Shown]]]:
    """Cells of every table by table, row and column."""
    found: dict[str, dict[str, dict[str, Shown]]] = {}
    for table in parse(html).iter("table"):
        rows = found.setdefault(table.attrib["id"].removeprefix("table-"), {})
        for row in one(table, "tbody").iter("tr"):
            cells = {cell.attrib["data-col"]: _cell(cell) for cell in row.iter("td")}
            rows[row.attrib["data-row"]] = cells
    return found


def _cell(cell: Element) -> Shown:
    data = list(cell.iter("data"))
    return Shown(words(cell), data[0].attrib["value"] if data else None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker has them all, so that lake and pages are made once."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("report"))
