"""An answer as a page: checked, its documents counted, the next page found, and the sender's bytes as one raw line."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from qol.collect.refusals import Again, RefusedError
from qol.contracts.collect import Collect, Paging
from qol.contracts.raw_path import path_text
from qol.contracts.raw_values import identifier, safe_get
from qol.ingest.line_reader import MAX_LINE_BYTES
from qol.ingest.parse import PAGE_KEY, RECEIVED_AT, RejectedError, parse_line
from qol.webhooks.bodies import stamp

#: Room for the person's id and the time of receipt at the end of a line.
MAX_PAGE_BYTES = MAX_LINE_BYTES - 1_024
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Page:
    """One page: its bytes on one line, how many documents it has, and the token, number or address of the next one."""

    body: bytes
    documents: int
    following: str | None

    def line(self, person: Mapping[str, str], received: datetime) -> bytes:
        """The page as a raw line: its bytes untouched, the person's id and the time of receipt appended.

        A page that is a list stands under `data`, as a list has no place for them.
        """
        added = json.dumps(
            {**person, RECEIVED_AT: stamp(received)}, ensure_ascii=False, separators=(",", ":")
        ).encode()[1:]
        if self.body.startswith(b"["):
            return b'{"%s":%s,%s\n' % (PAGE_KEY.encode(), self.body, added)
        members = self.body[:-1]
        return b"%s%s%s\n" % (members, b"" if members.strip() == b"{" else b",", added)


def read_page(collect: Collect, body: bytes, asked: str | None, link: str | None = None) -> Page:
    """The page of an answer to a request for the page `asked`; `link` is the address its header names.

    Again for what is no page: HTML, cut JSON, no list where documents stand. RefusedError for one that is too large.
    Newlines, which JSON has between values only, are removed: a page is one line.
    """
    body = body.removeprefix(_BOM).replace(b"\n", b"").strip()
    if len(body) > MAX_PAGE_BYTES:
        raise RefusedError("too_large")
    document = _document(body)
    paging = collect.page
    if paging.items is None:
        documents: list[Any] = document if isinstance(document, list) else [document]
    else:
        documents = safe_get(document, paging.items)
        if not isinstance(documents, list):
            raise Again("bad_answer", f"no list at {path_text(paging.items)}")
    return Page(body, len(documents), _following(paging, document, documents, asked, link))


def _document(body: bytes) -> Any:
    try:
        document = parse_line(body)
    except RejectedError as err:
        raise Again("bad_answer", f"not JSON ({err.reason})") from None
    if not isinstance(document, dict | list):
        raise Again("bad_answer", "no object and no list")
    return document


def _following(paging: Paging, document: Any, documents: list[Any], asked: str | None, link: str | None) -> str | None:
    """What asks for the next page; None on the last one. A page without documents may well have a next one."""
    if paging.more is not None and not safe_get(document, paging.more):
        return None
    if paging.by == "page":
        ends = paging.more is None and not documents
        return None if ends else str(int(asked or paging.first) + 1)
    if paging.by == "cursor":
        return identifier(safe_get(documents[-1], paging.next or ())) if documents else None
    if paging.by == "link" and paging.next is None:
        return link
    if paging.by in ("next_token", "link"):
        return identifier(safe_get(document, paging.next or ()))
    return None
