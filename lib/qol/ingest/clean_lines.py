"""Clean lines decoded to columns by a typed struct, which learns the names that lines have.

The struct refuses unknown fields; a scalar unknown field that recurs is then learned: it is still counted and no longer
slow. Names of the contract are in the struct once a line has them: most lines leave a third of them out.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import msgspec
import numpy as np

from qol.contracts.source import SourceContract
from qol.ingest.column_values import Column
from qol.ingest.decoder_types import DECODE_ERRORS, head_types, map_paths

LEARN_AFTER = 32
MAX_LEARNED = 64
#: Lines whose names are taken before the first is decoded.
SEED_LINES = 32
#: Lines that are decoded together: their values are made, moved to columns and freed within the processor's cache.
BLOCK_LINES = 1024
#: Shorter lines have few samples: to look for a second map of the same name would take longer than to decode them.
SHORT_LINE = 2048
#: What msgspec refuses in the name of a struct's field.
_NO_NAME = re.compile(r'["\\\x00-\x1f]')


@dataclass(frozen=True)
class Block:
    """Columns of clean lines by their top-level name, and the places of these lines and of the others."""

    columns: dict[str, Column]
    clean: list[int]
    other: list[int]


class CleanLines:
    """Decodes the lines of one contract."""

    def __init__(
        self, contract: SourceContract, inherited: Iterable[str] = (), discriminators: Collection[str] = ()
    ) -> None:
        """Names that tell a record's contract (`discriminators`) are never learned."""
        self.learned: list[str] = []
        self._contract = contract
        self._inherited = frozenset(inherited)
        self._never = frozenset(("", *discriminators, *contract.envelope_keys))
        self._missed: Counter[str] = Counter()
        self._known = head_types(contract, (), self._inherited)
        self._names: dict[str, None] = {}
        paths = list(map_paths(contract))
        #: Names of sample maps, and as a line without escapes has them; none where one is inside an object.
        self._map_names = {
            name: msgspec.json.encode(name) for (name, *below) in paths if not below and max(map(len, paths)) == 1
        }
        #: Whether the last lines were all clean.
        self._trusting = True

    def blocks(self, lines: Sequence[Any]) -> Iterator[Block]:
        """The lines in blocks, in order."""
        if not self._names:
            self._build(chain(*map(_names, lines[:SEED_LINES]), (self._contract.person[0],)))
        for first in range(0, len(lines), BLOCK_LINES):
            yield self._block(lines[first : first + BLOCK_LINES], first)

    def _block(self, lines: Sequence[Any], first: int) -> Block:
        if self._trusting and (columns := self._together(lines)):
            return Block(columns, list(range(first, first + len(lines))), [])
        structs: list[msgspec.Struct] = []
        clean: list[int] = []
        other: list[int] = []
        unknown: Counter[str] = Counter()
        for place, line in enumerate(lines, first):
            try:
                structs.append(self._one(line))
                clean.append(place)
            except DECODE_ERRORS as err:
                other.append(place)
                unknown[str(err).partition("unknown field `")[2].removesuffix("`")] += 1
        self._trusting = not other
        if self._learn(unknown):
            return self._block(lines, first)
        return Block(self._columns(structs), clean, other)

    def _together(self, lines: Sequence[Any]) -> dict[str, Column] | None:
        """Columns of lines decoded in one call, which takes less; None where one may not be a clean record."""
        try:
            text = b"\n".join(lines)
            is_short = len(text) < SHORT_LINE * len(lines)
            if not _are_objects(text, lines) or not (is_short or b"\\" not in text):
                return None
            structs = (self._decoder_of_maps if is_short else self._decoder).decode_lines(text)
        except DECODE_ERRORS:
            return None
        columns = self._columns(structs)
        single = is_short or all(
            text.count(quoted) == sum(value is not None for value in columns.get(name, ()))
            for name, quoted in self._map_names.items()
        )
        return columns if single and len(structs) == len(lines) else None

    def _one(self, line: Any) -> msgspec.Struct:
        """A line decoded; sample maps of long lines stay JSON, where each is the only one of its name."""
        if len(line) < SHORT_LINE or b"\\" in line or any(line.count(name) > 1 for name in self._map_names.values()):
            return self._decoder_of_maps.decode(line)
        return self._decoder.decode(line)

    def _columns(self, structs: Sequence[msgspec.Struct]) -> dict[str, Column]:
        return dict(zip(self._names, zip(*map(msgspec.structs.astuple, structs), strict=True), strict=False))

    def _learn(self, unknown: Counter[str]) -> bool:
        """Whether there are names to know from now on; a name inside an object, with its place, never is."""
        if known := [name for name in unknown if name in self._known]:
            self._build((*self._names, *known))
            return True
        self._missed += unknown
        often = [name for name, times in self._missed.items() if times >= LEARN_AFTER and self._may_learn(name)]
        if learned := often[: MAX_LEARNED - len(self.learned)]:
            self.learned += learned
            self._build(self._names)
        return bool(learned)

    def _may_learn(self, name: str) -> bool:
        return not (name in self._never or name in self.learned or "` - at" in name or _NO_NAME.search(name))

    def _build(self, names: Iterable[str]) -> None:
        self._names = dict.fromkeys(chain((name for name in names if name in self._known), self.learned))
        self._decoder = self._decoder_of_maps = self._made(raw_maps=False)
        if self._map_names:
            self._decoder = self._made(raw_maps=True)

    def _made(self, *, raw_maps: bool) -> msgspec.json.Decoder[msgspec.Struct]:
        heads = head_types(self._contract, self.learned, self._inherited, raw_maps=raw_maps)
        fields = {f"f{i}": name for i, name in enumerate(self._names)}
        struct = msgspec.defstruct(
            "CleanLine",
            [(attribute, *heads[name]) for attribute, name in fields.items()],
            rename=fields,
            forbid_unknown_fields=True,
            gc=False,
            kw_only=True,
        )
        return msgspec.json.Decoder(struct)


def _are_objects(text: bytes, lines: Sequence[bytes]) -> bool:
    """Whether each of the joined lines begins and ends as an object, so that none begins or ends inside a document."""
    characters = np.frombuffer(text, np.uint8)
    sizes = np.fromiter(map(len, lines), np.int64, len(lines))
    ends = np.cumsum(sizes + 1) - 1
    if not sizes.all():
        return False
    return bool((characters[ends - 1] == ord("}")).all() and (characters[ends - sizes] == ord("{")).all())


def _names(line: Any) -> Iterable[str]:
    """Top-level names of a line, in order; none of one that is no JSON object."""
    try:
        return msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except DECODE_ERRORS:
        return ()
