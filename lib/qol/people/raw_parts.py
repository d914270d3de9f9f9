"""Every raw object of a lake, split in what users who left sent and what stays."""

from collections.abc import Collection, Iterator
from datetime import date
from typing import NamedTuple

from qol.contracts.model import Contracts
from qol.contracts.raw_values import EPOCH
from qol.ingest.departures import Departure
from qol.ingest.line_reader import LongLine, ObjectRange, read_lines
from qol.ingest.listing import RawObject, Window, list_raw
from qol.ingest.person_lines import LineSplitter
from qol.ingest.results import IngestContext, ResultBuilder
from qol.lake.base import Lake


class Part(NamedTuple):
    """What goes of one line of a raw object, from 1."""

    line_number: int
    gone: list[bytes]


def all_objects(lake: Lake, contracts: Contracts) -> tuple[RawObject, ...]:
    """All raw objects that a run could read, whatever their arrival day."""
    return list_raw(lake, contracts, Window(None, date.max)).objects


def gone_of(lake: Lake, context: IngestContext, raw: RawObject, wanted: Collection[Departure]) -> Iterator[Part]:
    """The parts of an object's lines that go, in order; lines of which nothing goes are left out."""
    splitter = LineSplitter(context.contracts, ResultBuilder(context), raw.record, wanted)
    day = (date.fromisoformat(raw.arrival_date) - EPOCH).days
    number = 0
    for chunk in read_lines(
        lake, ObjectRange(0, raw.stored.key, raw.record, raw.arrival_date, raw.stored.bytes, 0, raw.stored.bytes)
    ):
        for line in chunk.lines:
            number += 1
            gone = splitter.split(line.head if isinstance(line, LongLine) else line, day).gone
            if gone:
                yield Part(number, gone)
