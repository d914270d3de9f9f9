"""The publish protocol: which published files there are, and how candidates replace them."""

from __future__ import annotations

import hashlib

from qol.lake.base import Lake
from qol.tables.layout import Candidate, Published

#: Records first, then daily, then weekly: a reader never sees a weekly row whose records are not there yet.
ORDER = {"rejects": 0, "daily_metrics": 2, "weekly_metrics": 3, "survey_windows": 4}
RECORDS_RANK = 1


def changed(lake: Lake, candidate: Candidate, published: Published) -> bool:
    """Whether a candidate's bytes differ from the published file's."""
    current = published.get(candidate.table, candidate.date)
    if current is None:
        return True
    if current.bytes != candidate.bytes:
        return True
    return hashlib.sha256(lake.read(candidate.key)).hexdigest() != candidate.sha256


def publish(lake: Lake, candidates: list[Candidate], published: Published) -> None:
    """Put candidates over their names, one atomic act each, in an order that never shows a week without its records.

    PublishConflictError when a file is not the one seen at the start.
    """
    for candidate in sorted(candidates, key=lambda c: (ORDER.get(c.table, RECORDS_RANK), c.table, c.date)):
        seen = published.get(candidate.table, candidate.date)
        lake.publish(candidate.staged, candidate.key, seen.etag if seen else None)
        lake.register(candidate.table, candidate.date, candidate.key)


def register(lake: Lake, candidates: list[Candidate]) -> None:
    """Make partitions known that are published already: a run that died may have got no further than the file."""
    for candidate in candidates:
        lake.register(candidate.table, candidate.date, candidate.key)
