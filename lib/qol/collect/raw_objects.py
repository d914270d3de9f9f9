"""Pages of a record type as raw objects: put once, when the pages of all persons are there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from qol.collect.asking import Collected
from qol.collect.collect_manifest import RecordCounts, text_of
from qol.lake.base import Lake

#: A longer object is divided.
MAX_OBJECT_BYTES = 64 * 2**20


@dataclass
class RecordParts:
    """The tasks of one record type that are done; `folder` is its raw folder, `name` the objects' name without ending."""

    lake: Lake
    folder: str
    name: str
    clock: Callable[[], datetime]
    record: str
    tasks: list[Collected] = field(default_factory=list)
    objects: int = 0
    _bytes: int = 0
    _pages: int = 0
    _waiting: list[bytes] = field(default_factory=list)
    _waiting_bytes: int = 0

    def add(self, collected: Collected) -> None:
        """Add a task's result; its lines are stored with those of other tasks, or earlier when they fill an object."""
        self.tasks.append(collected)
        for line in collected.lines:
            if self._waiting_bytes + len(line) > MAX_OBJECT_BYTES:
                self.put()
            self._waiting.append(line)
            self._waiting_bytes += len(line)
        self._pages += len(collected.lines)
        collected.lines = []

    def put(self) -> None:
        """Put the lines that wait as one object; the day is that of its last line's receipt."""
        if not self._waiting:
            return
        number = f"-{self.objects}" if self.objects else ""
        day = self.clock().astimezone(UTC).date()
        # The name is this run's own: what is there already is this object, whose acknowledgement was lost.
        self.lake.put_if_absent(f"{self.folder}/date={day}/{self.name}{number}.jsonl", b"".join(self._waiting))
        self.objects += 1
        self._bytes += self._waiting_bytes
        self._waiting, self._waiting_bytes = [], 0

    def counts(self, as_of: datetime | None) -> RecordCounts:
        """What the manifest says of the record type."""
        failed = sum(task.refused is not None for task in self.tasks)
        return RecordCounts(
            record=self.record,
            users=len(self.tasks),
            failed=failed,
            pages=self._pages,
            documents=sum(task.documents for task in self.tasks),
            bytes=self._bytes,
            requests=sum(task.requests.sent for task in self.tasks),
            repeated=sum(task.requests.repeated for task in self.tasks),
            raw_objects=self.objects,
            as_of=None if as_of is None else text_of(as_of),
            stale=failed == len(self.tasks),
        )
