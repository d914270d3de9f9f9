"""A raw line without the items of users who left, byte for byte the same otherwise, and those items."""

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

import msgspec

from qol.contracts.model import Contracts
from qol.contracts.spans import BrokenTextError, element_spans, member_spans, skip_space, value_end
from qol.ingest.departures import Departures
from qol.ingest.items import Exploder, Item
from qol.ingest.parse import RejectedError, parse_line
from qol.ingest.raw_folder import record_of_folder
from qol.ingest.results import ResultBuilder

#: Start and end of a value in a line.
Span = tuple[int, int]
_TYPED_BEFORE, _TYPED_AFTER = re.compile(rb'\{\s*"M"\s*:\s*\Z'), re.compile(rb"\s*\}")


class LineParts(NamedTuple):
    """What stays of a line, `b""` for nothing, the JSON of the items that go (the line itself when it is no JSON).

    `items` are the positions of those that go among the line's items, as rejects have them.
    """

    rest: bytes
    gone: list[bytes]
    items: frozenset[int] = frozenset()


class LineSplitter:
    """Splits the lines of one raw folder, as the ingest sees their items."""

    def __init__(self, contracts: Contracts, results: ResultBuilder, record: str, wanted: Collection[str]) -> None:
        """`record` is the folder's record type, `<source>_<record>`; `wanted` says whose items go."""
        self._source, _, folder = record_of_folder(contracts, record)
        self._departures = Departures(results, self._source)
        self._exploder = Exploder(contracts, self._source, folder)
        self._wanted = wanted
        rules = contracts.source_rules.get(self._source)
        self._is_typed = rules is not None and rules.typed_values == "dynamodb"

    def split(self, line: bytes, arrival_day: int) -> LineParts:
        """The parts of a line that arrived on a day (since 1970); one without such items is given back as it is."""

        def goes(item: Item) -> bool:
            return self._departures.of(item, arrival_day) in self._wanted

        try:
            items = list(self._exploder.items(line)) if line.strip() else []
            if line.strip() and not items:  # a control message, as the ingest counts it
                items = [Item(parse_line(line), None, None)]
        except RejectedError:
            is_gone = self._departures.of_text(line, arrival_day) in self._wanted
            return LineParts(b"", [line], frozenset({0})) if is_gone else LineParts(line, [])
        going = [goes(item) for item in items]
        if not any(going):
            return LineParts(line, [])
        parts = LineParts(b"", [line]) if all(going) else self._without(line, goes, arrival_day)
        return parts._replace(items=frozenset(place for place, is_going in enumerate(going) if is_going))

    def _without(self, line: bytes, goes: Callable[[Item], bool], arrival_day: int) -> LineParts:
        try:
            start = skip_space(line, 0)
            items = list(self._exploder.explode(located(parse_line(line), line, start)))
            spans = [(self._span(line, item.raw), goes(item)) for item in items if isinstance(item.raw, LocatedObject)]
            gone = {span for span, is_going in spans if is_going}
            stays = {span for span, is_going in spans if not is_going}
            cuts = list(_cuts(line, start, gone))
            names = _texts_outside(line, start, gone | stays)
            nulls = [
                span for span in names if self._departures.is_id(msgspec.json.decode(line[slice(*span)]), arrival_day)
            ]
        except (BrokenTextError, msgspec.MsgspecError):  # such as one with two objects of one key: none is told apart
            return LineParts(b"", [line])
        changes = sorted([*((span, b"") for span in cuts), *((span, b"null") for span in nulls)], reverse=True)
        rest = line
        for (begin, end), new in changes:
            rest = rest[:begin] + new + rest[end:]
        return LineParts(rest, [line[begin:end] for begin, end in sorted(gone)])

    def _span(self, line: bytes, raw: "LocatedObject") -> Span:
        """Where an item stands; of DynamoDB's typed values with the brackets that say it is an object."""
        begin, end = raw.span
        before = _TYPED_BEFORE.search(line, 0, begin) if self._is_typed else None
        after = _TYPED_AFTER.match(line, end) if before else None
        return (before.start(), after.end()) if before and after else (begin, end)


class LocatedObject(dict[str, Any]):
    """A JSON object that says where it stands in its line; a copy of it, or one with more keys, stands there too."""

    span: Span = (0, 0)

    def copy(self) -> "LocatedObject":
        """The same object, to be changed."""
        return _located(self, self.span)

    def __or__(self, other: Any) -> Any:
        return _located({**self, **other}, self.span)


def _located(content: dict[str, Any], span: Span) -> LocatedObject:
    found = LocatedObject(content)
    found.span = span
    return found


def located(node: Any, text: bytes, at: int) -> Any:
    """A parsed JSON value whose text begins at `at`, its objects as LocatedObject; the last of duplicate keys counts."""
    if isinstance(node, dict):
        places = {msgspec.json.decode(text[key:end]): value for key, end, value, _ in member_spans(text, at)}
        content = {name: located(value, text, places[name]) for name, value in node.items()}
        return _located(content, (at, value_end(text, at)))
    if isinstance(node, list):
        spans = element_spans(text, at)
        return [located(value, text, start) for value, (start, _) in zip(node, spans, strict=True)]
    return node


def _parts(text: bytes, at: int) -> list[tuple[int, Span]]:
    """The parts of the array or object that begins at `at`: where each begins, and the span of its value."""
    if text[at : at + 1] == b"[":
        return [(start, (start, end)) for start, end in element_spans(text, at)]
    if text[at : at + 1] == b"{":
        return [(key, (value, end)) for key, _, value, end in member_spans(text, at)]
    return []


def _cuts(text: bytes, at: int, gone: Collection[Span]) -> Iterator[Span]:
    """Spans to cut out of an array or object, so that it stays one: a part that goes, with one comma beside it."""
    parts = _parts(text, at)
    last_kept = max((number for number, (_, span) in enumerate(parts) if span not in gone), default=-1)
    for number, (begin, span) in enumerate(parts[: last_kept + 1]):
        if span in gone:
            yield begin, parts[number + 1][0]
        elif any(span[0] <= start and end <= span[1] for start, end in gone):
            yield from _cuts(text, span[0], gone)
    if last_kept + 1 < len(parts):
        yield parts[last_kept][1][1] if last_kept >= 0 else parts[0][0], parts[-1][1][1]


def _texts_outside(text: bytes, at: int, items: Collection[Span]) -> Iterator[Span]:
    """Spans of texts in the array or object that begins at `at`, but those inside of items."""
    for _, span in _parts(text, at):
        if span not in items:
            if text[span[0] : span[0] + 1] == b'"':
                yield span
            else:
                yield from _texts_outside(text, span[0], items)
