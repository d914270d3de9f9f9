"""Arrival days outside a run's window that no run has read, found by the names of folders alone."""

from collections.abc import Sequence
from datetime import date
from functools import partial

from qol.ingest.line_reader import unnamed
from qol.ingest.listing import RAW, DayFolder
from qol.lake.base import Lake, read_many
from qol.tables.manifest import UnreadDays
from qol.tables.raw_keys import listed_days

#: Spans of days that are told apart; the last one takes all days that are left.
MAX_SPANS = 5
#: Folders whose objects are counted, one request each in a bucket.
MAX_COUNTED_FOLDERS = 200


def find_unread_days(lake: Lake, folders: Sequence[DayFolder]) -> list[UnreadDays]:
    """Spans of arrival days that no run has listed, oldest first; between two spans lies a day that one has.

    `folders` are those outside the window. Objects are counted in at most 200 folders; None where there are more.
    """
    known = listed_days(lake) if folders else set()
    unread = [folder for folder in folders if folder.day not in known]
    counted = unread if len(unread) <= MAX_COUNTED_FOLDERS else []
    numbers = read_many(lake, partial(_count_objects, lake), counted)
    objects = dict(zip(counted, numbers, strict=True))
    spans = [_span(days, objects) for days in _spans({folder.day for folder in unread}, known)]
    return [span for span in spans if span.objects != 0]


def _count_objects(lake: Lake, folder: DayFolder) -> int:
    with unnamed(folder.key, RAW):
        return sum(1 for _ in lake.walk(folder.key))


def _spans(unread: set[date], known: set[date]) -> list[list[date]]:
    spans: list[list[date]] = []
    is_open = False
    for day in sorted(unread | known):
        if day in known:
            is_open = False
        elif is_open or len(spans) == MAX_SPANS:
            spans[-1].append(day)
        else:
            spans.append([day])
            is_open = True
    return spans


def _span(days: list[date], objects: dict[DayFolder, int]) -> UnreadDays:
    first, last = days[0], days[-1]
    number = sum(n for folder, n in objects.items() if first <= folder.day <= last)
    return UnreadDays(first.isoformat(), last.isoformat(), len(days), number if objects else None)
