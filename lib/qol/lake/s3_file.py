"""An object as a seekable file: read in large blocks, a few of which are cached."""

import io
from collections.abc import Callable
from functools import lru_cache

TAIL_BYTES = 256 * 2**10
BLOCK_BYTES = 8 * 2**20
MAX_CACHED_BLOCKS = 4

#: Bytes [start, start + length) of one version of the object.
ReadRange = Callable[[int, int], bytes]


class BlockFile(io.RawIOBase):
    """A readable, seekable file over range requests.

    Parquet readers ask for hundreds of small ranges; a range in a cached block costs no request. The caller gives the
    object's last bytes (a Parquet footer is there), because it read them to learn the size.
    """

    def __init__(self, size: int, tail: bytes, read_range: ReadRange) -> None:
        super().__init__()
        self._size = size
        self._tail = tail
        self._read_block = lru_cache(MAX_CACHED_BLOCKS)(read_range)
        self._position = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position from the start."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position and return it."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """At most `size` bytes from the position, fewer only at the end."""
        end = self._size if size is None or size < 0 else min(self._size, self._position + size)
        parts = []
        while self._position < end:
            part = self._part(end)
            self._position += len(part)
            parts.append(part)
        return b"".join(parts)

    def _part(self, end: int) -> bytes:
        """Bytes from the position up to `end` that one block or the tail holds."""
        tail_start = self._size - len(self._tail)
        if self._position >= tail_start:
            return self._tail[self._position - tail_start : end - tail_start]
        start = self._position // BLOCK_BYTES * BLOCK_BYTES
        block = self._read_block(start, min(BLOCK_BYTES, self._size - start))
        return block[self._position - start : end - start]
