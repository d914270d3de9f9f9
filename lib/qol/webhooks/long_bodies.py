"""Bodies that are longer than a line may be: their envelope's lists as several lines, read piece by piece.

Each line is an envelope with some of a list's elements, made by `read_body` as that of a short body is. No more of the body
is in memory than one piece and one element.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime

from qol.contracts.spans import BrokenTextError, skip_space, value_end
from qol.webhooks.bodies import Delivery, read_body

#: Bytes of elements that become one line, and the longest element.
LINE_BYTES, MAX_ELEMENT_BYTES = 2**20, 16 * 2**20 - 1024
_PIECE_BYTES = 2**20
_BOM = b"\xef\xbb\xbf"
#: A number or a word could go on in the next piece.
_MAY_GO_ON = re.compile(rb'[^,\[\]{}"]*\Z')


def read_long_body(read: Callable[[int], bytes], received: datetime) -> Iterator[Delivery]:
    """The content of a body, line by line; BrokenTextError when it is not one envelope of JSON or array.

    `read` gives the next bytes, at most as many as it is asked for, and none at the end.
    """
    text = _Text(read)
    text.skip_bom()
    opening = text.take(b"{[")
    if opening == b"[":
        yield from _elements(text, b"", received)
    elif not text.at(b"}"):
        yield from _members(text, received)
    else:
        text.take(b"}")
    text.require_end()


def _members(text: "_Text", received: datetime) -> Iterator[Delivery]:
    names: set[bytes] = set()
    while True:
        name = text.value()
        if not name.startswith(b'"') or name in names:
            raise BrokenTextError
        names.add(name)
        text.take(b":")
        if text.at(b"["):
            text.take(b"[")
            yield from _elements(text, name, received)
        else:
            yield _line(b"{%s:%s}" % (name, text.value()), received)
        if text.take(b",}") == b"}":
            return


def _elements(text: "_Text", name: bytes, received: datetime) -> Iterator[Delivery]:
    """The elements of a list up to its end, some a line; `name` is the member with the list, none that of the body itself."""
    waiting: list[bytes] = []
    size = 0
    is_last = text.at(b"]")
    if is_last:
        text.take(b"]")
    while not is_last:
        waiting.append(text.value())
        size += len(waiting[-1])
        is_last = text.take(b",]") == b"]"
        if size >= LINE_BYTES or is_last:
            elements = b"[%s]" % b",".join(waiting)
            yield _line(b"{%s:%s}" % (name, elements) if name else elements, received)
            waiting, size = [], 0


def _line(body: bytes, received: datetime) -> Delivery:
    delivery = read_body(body, received)
    if delivery is None:
        raise BrokenTextError
    return delivery


class _Text:
    """A text that is read piece by piece."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._text, self._at, self._is_over = b"", 0, False

    def skip_bom(self) -> None:
        """Go on after a byte order mark."""
        while len(self._text) < len(_BOM) and not self._is_over:
            self._more()
        self._at = len(_BOM) if self._text.startswith(_BOM) else 0

    def at(self, mark: bytes) -> bool:
        """Whether the next character that is not white space is this."""
        return self._next() == mark

    def take(self, marks: bytes) -> bytes:
        """The next character, which is one of these; BrokenTextError for another."""
        found = self._next()
        if not found or found not in marks:
            raise BrokenTextError
        self._at += 1
        return found

    def value(self) -> bytes:
        """The next value as it stands there; BrokenTextError when it has no end or is too long."""
        self._next()
        while True:
            end = self._end()
            if end is not None:
                found = self._text[self._at : end]
                self._at = end
                return found.strip()
            if self._is_over or len(self._text) - self._at > MAX_ELEMENT_BYTES:
                raise BrokenTextError
            self._more()

    def require_end(self) -> None:
        """BrokenTextError when anything but white space follows."""
        if self._next():
            raise BrokenTextError

    def _end(self) -> int | None:
        """The end of the value, None when it is not read yet."""
        try:
            end = value_end(self._text, self._at)
        except BrokenTextError:
            return None
        is_open = end == len(self._text) and _MAY_GO_ON.match(self._text, self._at) is not None
        return None if is_open and not self._is_over else end

    def _next(self) -> bytes:
        while True:
            self._at = skip_space(self._text, self._at)
            if self._at < len(self._text) or self._is_over:
                return self._text[self._at : self._at + 1]
            self._more()

    def _more(self) -> None:
        # As much again as waits, so that a long element is not looked through many times.
        piece = self._read(max(_PIECE_BYTES, len(self._text) - self._at))
        self._is_over = not piece
        self._text, self._at = self._text[self._at :] + piece, 0
