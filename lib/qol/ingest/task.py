"""One ingest task: ranges of raw objects in; rows per record type, rejects and one tally per range out."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from qol.errors import LakeError
from qol.ingest.line_batches import LineBatches
from qol.ingest.line_reader import ObjectRange, read_lines, without_name
from qol.ingest.prefetch import prefetching
from qol.ingest.range_reader import RangeReader
from qol.ingest.results import IngestContext, IngestResult, ResultBuilder
from qol.lake.base import Lake


def ingest(lake: Lake, context: IngestContext, parts: list[ObjectRange]) -> IngestResult:
    """Read the ranges; every item ends as a row, a reject, or a count of blank or control items."""
    results = ResultBuilder(context)
    batches = LineBatches(results)
    with _paused_collector(), prefetching(lake, parts) as readable:
        for part in parts:
            reader = RangeReader(results, batches, part)
            try:
                for chunk in read_lines(readable, part):
                    reader.read_chunk(chunk)
            except LakeError as err:
                raise without_name(err, part.key, reader.name()) from None
        batches.read_all()
    return results.result()


@contextmanager
def _paused_collector() -> Iterator[None]:
    """No garbage collection while millions of short-lived rows are made; they form no cycles."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
