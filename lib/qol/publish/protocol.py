"""The publish protocol: how candidates replace published files."""

import hashlib

from qol.lake.base import Lake
from qol.tables.layout import Candidate, Published

#: Records first, then daily, then weekly: a reader never sees a weekly row before its records.
ORDER = {"rejects": 0, "daily_metrics": 2, "weekly_metrics": 3, "survey_windows": 4}
RECORDS_RANK = 1


def changed(lake: Lake, candidate: Candidate, published: Published) -> bool:
    """Whether a candidate's bytes differ from the published file's."""
    current = published.get(candidate.table, candidate.date)
    if current is None or current.bytes != candidate.bytes:
        return True
    return hashlib.sha256(lake.read(candidate.key)).hexdigest() != candidate.sha256


def publish(lake: Lake, candidates: list[Candidate], published: Published) -> None:
    """Publish candidates, each by one atomic write, in an order that never shows a week without its records.

    PublishConflictError when a published file is no longer the one of `published`.
    """
    for candidate in sorted(candidates, key=lambda c: (ORDER.get(c.table, RECORDS_RANK), c.table, c.date)):
        current = published.get(candidate.table, candidate.date)
        lake.publish(candidate.staged, candidate.key, current.etag if current else None)
        lake.register(candidate.table, candidate.date, candidate.key)


def register(lake: Lake, candidates: list[Candidate]) -> None:
    """Register partitions whose files are published already: a run that died may have published only the file."""
    for candidate in candidates:
        lake.register(candidate.table, candidate.date, candidate.key)
