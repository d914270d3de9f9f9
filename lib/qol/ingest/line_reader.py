"""Bytes of raw objects to lines: ranges of big objects, gzip, a byte order mark at the start, lines that are too long."""

import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from qol.errors import LakeError

MAX_LINE_BYTES = 16 * 2**20
CHUNK_BYTES = 8 * 2**20
STEP_BYTES = 2**20
#: What a gzip object may unpack to: by its size, and at most. A day of 200,000 users' largest records has about 2 GiB.
MAX_GZIP_RATIO = 200
MAX_UNPACKED_BYTES = 4 * 2**30
BOM = b"\xef\xbb\xbf"
GZIP_WBITS = 31
_BREAKS_OFF = "it breaks off, or is not gzip"


class Readable(Protocol):
    """The part of a lake that reading lines needs."""

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """The object's bytes from `start`."""


class ObjectRange(NamedTuple):
    """The lines that start in bytes [start, end) of one raw object; gzip objects are never split."""

    object_index: int
    key: str
    record: str
    arrival_date: str
    bytes: int
    start: int
    end: int

    @property
    def is_gzip(self) -> bool:
        """Whether the object is gzip."""
        return self.key.endswith(".gz")

    @property
    def is_small(self) -> bool:
        """Whether it is a whole object that is read in one piece: steps would take longer than its lines."""
        return 0 < self.bytes <= STEP_BYTES and self.end - self.start == self.bytes and not self.is_gzip


@dataclass(frozen=True)
class LongLine:
    """A line over the limit: its first bytes and its length."""

    head: bytes
    length: int

    def __len__(self) -> int:
        return len(self.head)

    def startswith(self, head: bytes) -> bool:
        """Whether the line begins like this, as far as it is kept."""
        return self.head.startswith(head)


@dataclass(frozen=True)
class LineChunk:
    """Consecutive lines without their newline; `truncated` says why the rest of a compressed object is not read."""

    lines: list[bytes | LongLine]
    truncated: str = ""


@contextmanager
def unnamed(key: str, name: str | Callable[[], str]) -> Iterator[None]:
    """A LakeError about a raw object, or one below a folder `key`, says `name` instead, and nothing of its cause."""
    try:
        yield
    except LakeError as err:
        raise without_name(err, key, name if isinstance(name, str) else name()) from None


def without_name(error: LakeError, key: str, name: str) -> LakeError:
    """A LakeError about a raw object, or one below a folder `key`, that says `name` instead."""
    return LakeError(re.sub(re.escape(key) + ".*?(?=: |$)", lambda _: name, str(error), flags=re.DOTALL))


def read_lines(lake: Readable, part: ObjectRange) -> Iterator[LineChunk]:
    """The lines that start in the range, in order, in chunks of about 8 MiB; LakeError when the object does not exist."""
    if part.is_small:
        data = _read(lake, part, 0, part.bytes)
        if len(data) == part.bytes:
            found: list[bytes | LongLine] = [*data.removeprefix(BOM).split(b"\n")]
            yield LineChunk(found if found[-1] else found[:-1])
            return
    blocks = _bounded(_read_gzip(lake, part), part.bytes) if part.is_gzip else _read_plain(lake, part)
    tail = LineTail()
    for block, truncated in blocks if part.start else _strip_bom(blocks):
        lines = tail.feed(block)
        if lines or truncated:
            yield LineChunk(lines, truncated)
        if truncated:
            return
    last = tail.rest()
    if last is not None:
        yield LineChunk([last])


class LineTail:
    """Joins the unfinished last line of a block with the next block; of a line over the limit only its start is kept."""

    def __init__(self) -> None:
        self._kept = b""
        self._length = 0

    def feed(self, data: bytes) -> list[bytes | LongLine]:
        """The lines that end in `data`."""
        first, *lines = data.split(b"\n")
        self._keep(first)
        if not lines:
            return []
        finished = self._take()
        self._keep(lines.pop())
        return [finished, *lines]

    def rest(self) -> bytes | LongLine | None:
        """The last line when it has no newline, or None."""
        return self._take() if self._length else None

    def _keep(self, data: bytes) -> None:
        self._length += len(data)
        if len(self._kept) <= MAX_LINE_BYTES:
            self._kept += data

    def _take(self) -> bytes | LongLine:
        kept, length = self._kept, self._length
        self._kept, self._length = b"", 0
        return kept if length <= MAX_LINE_BYTES else LongLine(kept[:65536], length)


def _strip_bom(blocks: Iterator[tuple[bytes, str]]) -> Iterator[tuple[bytes, str]]:
    """The blocks without a byte order mark at their start; it may span two blocks."""
    head = b""
    for block, truncated in blocks:
        head += block
        if len(head) >= len(BOM) or truncated:
            yield head.removeprefix(BOM), truncated
            yield from blocks
            return
    yield head.removeprefix(BOM), ""


def _read_plain(lake: Readable, part: ObjectRange) -> Iterator[tuple[bytes, str]]:
    """Blocks from the first line start at or after `start` to the end of the last line that starts before `end`."""
    position, is_skipping = (part.start - 1, True) if part.start else (0, False)
    block = b""
    while position < part.end or (position < part.bytes and block and not block.endswith(b"\n")):
        stop, size = (part.end, CHUNK_BYTES) if position < part.end else (part.bytes, STEP_BYTES)
        data = _read(lake, part, position, min(size, stop - position))
        if position >= part.end:  # the rest of the last line
            line, newline, _ = data.partition(b"\n")
            position, block = position + len(data), line + newline
        else:
            position += len(data)
            _, newline, block = data.partition(b"\n") if is_skipping else (b"", b"\n", data)
            is_skipping = not newline
        if not is_skipping:
            yield block, ""


def _read(lake: Readable, part: ObjectRange, position: int, length: int) -> bytes:
    """Bytes of the object; LakeError when it has become shorter than it was listed."""
    data = lake.read(part.key, position, length)
    if not data:
        message = f"{part.key}: ends after {position} bytes, listed with {part.bytes}; it changed while it was read"
        raise LakeError(message)
    return data


def _decompress_until_error(decompressor: Any, pending: bytes) -> bytes:
    """The data of a block before its first error, byte by byte, as a failing call returns nothing."""
    found: list[bytes] = []
    with suppress(zlib.error):
        for place in range(len(pending)):
            found.append(decompressor.decompress(pending[place : place + 1]))  # noqa: PERF401 (the error ends the loop)
    return b"".join(found)


def _bounded(blocks: Iterator[tuple[bytes, str]], size: int) -> Iterator[tuple[bytes, str]]:
    """Blocks of a gzip object of `size` bytes up to what it may unpack to: a few bytes must not be hours of work."""
    left = min(size * MAX_GZIP_RATIO, MAX_UNPACKED_BYTES)
    for block, truncated in blocks:
        if len(block) > left:
            yield (
                block[:left],
                f"it expands too much: to more than {MAX_GZIP_RATIO} times its size, or {MAX_UNPACKED_BYTES >> 30} GiB",
            )
            return
        left -= len(block)
        yield block, truncated


def _read_gzip(lake: Readable, part: ObjectRange) -> Iterator[tuple[bytes, str]]:
    """Blocks of a gzip object of one or more members; the last says so when the data breaks off or does not unpack."""
    position, decompressor, pending = 0, zlib.decompressobj(GZIP_WBITS), b""
    started = between = False
    while pending or position < part.bytes:
        if not pending:
            pending = _read(lake, part, position, min(STEP_BYTES, part.bytes - position))
            position += len(pending)
        if between:  # members may be padded with zeros
            pending = pending.lstrip(b"\0")
            if not pending:
                continue
        started, between = True, False
        before = decompressor.copy()
        try:
            data = decompressor.decompress(pending, CHUNK_BYTES)
        except zlib.error:
            yield _decompress_until_error(before, pending), _BREAKS_OFF
            return
        pending = decompressor.unconsumed_tail
        if decompressor.eof:
            pending, decompressor = decompressor.unused_data, zlib.decompressobj(GZIP_WBITS)
            started, between = False, True
        if data:
            yield data, ""
    if started or not part.bytes:
        yield b"", _BREAKS_OFF
