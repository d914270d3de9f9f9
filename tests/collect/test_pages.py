"""An answer as a page: the sender's bytes, and what is no page."""

from datetime import UTC, datetime

import pytest

from qol.collect.pages import MAX_PAGE_BYTES, read_page
from qol.collect.refusals import Again, RefusedError
from qol.contracts.collect import Collect

AT = datetime(2026, 11, 18, 0, 5, 0, 12, tzinfo=UTC)
STAMP = b'"_received_at":"2026-11-18T00:05:00.000012Z"}\n'
TOKEN = {"by": "next_token", "items": "data", "next": "next_token", "parameter": "next_token"}


def words(**page: object) -> Collect:
    return Collect.model_validate({"page": page})


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b'{"data": [{"x": 1.10}],"next_token":null}', b'{"data": [{"x": 1.10}],"next_token":null,"user_id":"u\xc3\xa9",'),
        (b'\xef\xbb\xbf{\n "data" : [\n{"a":"\\n"}]\r\n}\n', b'{ "data" : [{"a":"\\n"}]\r,"user_id":"u\xc3\xa9",'),
        (b"{}", b'{"user_id":"u\xc3\xa9",'),
        (b"{ }", b'{ "user_id":"u\xc3\xa9",'),
        (b'[{"price":0.10}]', b'{"data":[{"price":0.10}],"user_id":"u\xc3\xa9",'),
    ],
)  # fmt: skip
def test_a_page_is_one_line_of_the_senders_bytes(body: bytes, line: bytes) -> None:
    assert read_page(words(), body, None).line({"user_id": "ué"}, AT) == line + STAMP


def test_without_a_person_only_the_time_is_appended() -> None:
    assert read_page(words(), b'{"a":1}', None).line({}, AT) == b'{"a":1,' + STAMP


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"<html>We are upgrading</html>", "not JSON (not_json)"),
        (b'{"data":[{"day":"2026-11-', "not JSON (not_json)"),
        (b'{"data":"\xff"}', "not JSON (not_utf8)"),
        (b'{"data":{"id":"one"},"next_token":null}', "no list at data"),
        (b'{"detail":"error"}', "no list at data"),
        (b"[]", "no list at data"),
        (b'"text"', "no object and no list"),
    ],
)
def test_what_is_no_page_is_asked_for_again_and_its_text_is_not_said(body: bytes, detail: str) -> None:
    with pytest.raises(Again) as told:
        read_page(words(**TOKEN), body, None)
    assert (told.value.reason, told.value.detail) == ("bad_answer", detail)


def test_a_page_that_is_too_long_for_a_raw_line_is_refused() -> None:
    with pytest.raises(RefusedError, match="too_large"):
        read_page(words(), b'["' + b"a" * MAX_PAGE_BYTES + b'"]', None)


@pytest.mark.parametrize(
    ("page", "body", "asked", "following"),
    [
        (TOKEN, b'{"data":[],"next_token":"t"}', None, "t"),
        (TOKEN, b'{"data":[{}],"next_token":null}', "t", None),
        (TOKEN, b'{"data":[{}]}', None, None),
        ({"by": "cursor", "items": "data", "next": "id", "parameter": "after"}, b'{"data":[{"id":1},{"id":2}]}', None, "2"),
        ({"by": "cursor", "items": "data", "next": "id", "parameter": "after"}, b'{"data":[]}', "2", None),
        ({"by": "page", "items": "data", "parameter": "page"}, b'{"data":[{}]}', "1", "2"),
        ({"by": "page", "items": "data", "parameter": "page"}, b'{"data":[]}', "2", None),
        ({"by": "next_token", "items": "b.l", "next": "b.offset", "parameter": "offset", "more": "b.more"}, b'{"b":{"l":[],"more":1,"offset":7}}', None, "7"),
        ({"by": "next_token", "items": "b.l", "next": "b.offset", "parameter": "offset", "more": "b.more"}, b'{"b":{"l":[],"more":0,"offset":7}}', None, None),
        ({"by": "link"}, b"[]", None, "https://x/2"),
        ({"by": "link", "next": "links.next"}, b'{"links":{"next":"/2"}}', None, "/2"),
        ({"by": "none"}, b'{"next_token":"t"}', None, None),
    ],
)  # fmt: skip
def test_the_next_page_is_found_as_the_contract_says(
    page: dict[str, str], body: bytes, asked: str | None, following: str | None
) -> None:
    assert read_page(words(**page), body, asked, "https://x/2").following == following
