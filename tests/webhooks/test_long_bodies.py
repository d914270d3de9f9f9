"""A body longer than a line becomes several lines with the same records, whatever pieces it comes in."""

import json
from datetime import UTC, datetime

import pytest

from qol.contracts.spans import BrokenTextError
from qol.webhooks import long_bodies
from qol.webhooks.bodies import Delivery
from qol.webhooks.long_bodies import read_long_body

NOW = datetime(2026, 11, 18, 3, 5, tzinfo=UTC)


def read(body: bytes, piece: int = 7) -> list[Delivery]:
    at = 0

    def next_piece(_: int) -> bytes:
        nonlocal at
        at += piece
        return body[at - piece : at]

    return list(read_long_body(next_piece, NOW))


def test_lists_become_lines_of_some_elements_with_a_stamp_and_without_what_is_never_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(long_bodies, "LINE_BYTES", 60)
    days = [{"userId": f"u{n}", "steps": n, "userAccessToken": "secret", "note": 'a "]}, é\\'} for n in range(5)]
    body = json.dumps(
        {"dailies": days, "empty": [], "count": 12, "deregistrations": [{"userId": "u9"}]}, indent=1
    ).encode()
    for piece in (1, 7, 10_000):
        found = read(b"\xef\xbb\xbf" + body, piece)
        lines = [json.loads(one.line) for one in found if one.line]
        assert [day["steps"] for line in lines for day in line.get("dailies", ())] == [0, 1, 2, 3, 4]
        assert {line["_received_at"] for line in lines} == {"2026-11-18T03:05:00.000000Z"}
        assert [line["count"] for line in lines if "count" in line] == [12]
        assert b"secret" not in b"".join(one.line for one in found)
        assert [control.vendor_user_id for one in found for control in one.controls] == ["u9"]
        assert len(lines) == 7


def test_what_is_no_envelope_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    for body in (
        b"",
        b"7",
        b'{"a": [1, 2',
        b'{"a": [1 2]}',
        b'{"a": 1, "a": 2}',
        b"[1]x",
        b'{"a": [1]} {}',
        b"{a: 1}",
        b'{"a": [NaN]}',
    ):
        with pytest.raises(BrokenTextError):
            read(body)
    assert read(b"{}") == read(b"[]") == []
    assert [one.records["unknown"] for one in read(b"[1, 2]")] == [2]
    monkeypatch.setattr(long_bodies, "MAX_ELEMENT_BYTES", 50)
    with pytest.raises(BrokenTextError):
        read(b'{"a": ["' + b"x" * 200 + b'"]}')
