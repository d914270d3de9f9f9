"""A page stands alone, can be read aloud, printed and trusted."""

import itertools
import re
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from qol.lake import LocalLake
from qol.report.html_page import make_report
from qol.report.locales import load_locale
from qol.report.raw_data import raw_data
from qol.tables.manifest import read_manifests
from tests.builders import CONTRACTS, KEY
from tests.report.conftest import ADA, BEN, CLEO, DORA, MONDAY, SECRET_FIELD, TECHNICAL, Page, one, parse, tables, words

ALL = [(None, "en"), (None, "ja"), (ADA, "en"), (ADA, "ja"), (CLEO, "en"), (TECHNICAL, "en"), (TECHNICAL, "ja")]
BOTH = pytest.mark.parametrize(("person", "language"), ALL)


@BOTH
def test_nothing_is_fetched(page: Page, person: str | None, language: str) -> None:
    html = page(person, language)
    for element in parse(html).iter("*"):
        assert element.tag not in ("script", "iframe", "img", "object", "embed")
        for name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster"):
            target = element.attrib.get(name, "#")
            assert target.startswith("#") or target == "data:,", f"{element.tag} {name}={target}"
    assert "@import" not in html
    assert set(re.findall(r"url\((.)", html)) <= {"#"}
    assert "//" not in html.replace("http://www.w3.org/", "")


@BOTH
def test_tables_and_charts_say_what_they_are(page: Page, person: str | None, language: str) -> None:
    root = parse(page(person, language))
    assert one(root, "html").attrib["lang"] == language
    assert words(one(root, "h1")) == words(one(one(root, "head"), "title"))
    for table in root.iter("table"):
        assert words(one(table, "caption"))
        assert {head.attrib["scope"] for head in one(table, "thead").iter("th")} == {"col"}
        for row in one(table, "tbody").iter("tr"):
            assert one(row, "th").attrib["scope"] == "row"
            assert 1 + len(list(row.iter("td"))) == len(list(one(table, "thead").iter("th")))
    for svg in (svg for svg in root.iter("svg") if svg.attrib.get("aria-hidden") != "true"):
        named = svg.attrib["aria-labelledby"].split()
        title, description = one(svg, "title"), one(svg, "desc")
        assert svg.attrib["role"] == "img"
        assert [title.attrib["id"], description.attrib["id"]] == named
        assert words(title)
        assert words(description)
        assert list(svg.iter("text")), "text is text, not outlines"


@BOTH
def test_ids_are_unique_and_references_have_their_target(page: Page, person: str | None, language: str) -> None:
    html = page(person, language)
    ids = Counter(element.attrib["id"] for element in parse(html).iter("*") if "id" in element.attrib)
    assert [name for name, number in ids.items() if number > 1] == []
    used = set(re.findall(r'href="#([^"]+)"', html)) | set(re.findall(r"url\(#([^)]+)\)", html))
    assert used - set(ids) == set()


@pytest.mark.parametrize("person", [None, ADA])
def test_headings_go_down_one_step_at_a_time(page: Page, person: str | None) -> None:
    levels = [int(e.tag[1]) for e in parse(page(person)).iter("*") if re.fullmatch(r"h\d", e.tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


@BOTH
def test_a_page_holds_no_vendor_id_no_raw_word_and_no_secret(page: Page, person: str | None, language: str) -> None:
    html = page(person, language)
    text = words(parse(html))
    for secret in (SECRET_FIELD, "Byron", KEY.decode(), '"userId"'):
        assert secret not in html
    assert not re.search(r"\b(ada|ben|cleo|dora)\b", text)


def test_a_page_of_one_person_or_for_engineers_names_nobody_else(page: Page) -> None:
    assert ADA in page(ADA)
    assert BEN not in page(ADA)
    assert not any(person in page(TECHNICAL) for person in (ADA, BEN, CLEO))


def test_fields_without_a_contract_are_counted_and_not_named(page: Page) -> None:
    assert "Values of fields that no contract names: 1." in page(TECHNICAL)
    assert not any("unknown_field" in row for row in tables(page(TECHNICAL))["nulled"])


def test_a_field_without_a_contract_has_no_name_whatever_was_wrong_with_it(lake: Path) -> None:
    (manifest,) = read_manifests(LocalLake(lake))
    wrong = msgspec.structs.replace(manifest, field_issues={"garmin_dailies": {SECRET_FIELD: {"wrong_type": 4}}})
    shown = raw_data(load_locale("en", CONTRACTS), wrong)
    assert SECRET_FIELD not in repr(shown)
    assert (shown["nulled"], shown["unknown"]) == ([], 4)


@pytest.mark.parametrize("person", [None, ADA])
def test_the_same_lake_gives_the_same_bytes(page: Page, lake: Path, person: str | None) -> None:
    assert make_report(LocalLake(lake), CONTRACTS, MONDAY, person, "en") == page(person)


def test_a_week_without_the_person_is_said_to_have_no_data(page: Page) -> None:
    html = page(CLEO)
    assert "No data in this week." in html
    assert tables(html)["groups"]["activity"]["source"].text == "no data"
    assert "No data in both weeks: " in html


def test_a_person_of_an_earlier_week_alone_gets_a_page_too(page: Page) -> None:
    assert "No data in this week." in page(DORA)


def test_every_number_of_a_chart_or_row_has_its_unit(page: Page) -> None:
    for person in (None, ADA):
        root = parse(page(person))
        for caption in root.iter("figcaption"):
            assert words(one(caption, "span"))
        measured = [t for t in root.iter("table") if t.attrib["id"].startswith(("table-weeks-", "table-spread"))]
        for row in (row for table in measured for row in one(table, "tbody").iter("tr")):
            is_yes_or_no = {words(cell) for cell in row.iter("td")} & {"yes", "no"}
            assert is_yes_or_no or words(one(one(row, "th"), "span"))


def test_charts_are_not_told_apart_by_colour_alone(page: Page) -> None:
    """The reported week is hatched; a day that was not worn is a cross, a day without data an empty column."""
    assert page().count("<pattern") == len(list(parse(page()).iter("figure")))
    root = parse(page(ADA))
    key = next(e for e in root.iter("p") if "not worn" in words(e))
    assert all(sign in words(key) for sign in ("●", "○", "\N{MULTIPLICATION SIGN}"))


def test_it_prints_on_a4_without_cutting_a_chart(page: Page) -> None:
    style = words(one(parse(page()), "style"))
    assert "size: A4" in style
    assert re.search(r"figure, tr, \.key \{ break-inside: avoid; \}", style)
