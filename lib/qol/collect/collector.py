"""A run of `qol collect`: every record type of every person, several at once; one object per record type, then watermarks."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

from qol.collect.addresses import addresses
from qol.collect.asking import Asking, Collected, Task
from qol.collect.collect_manifest import AskedDays, CollectManifest, new_run_id, text_of
from qol.collect.credentials import Anonymous, Credentials, token_header
from qol.collect.raw_objects import RecordParts
from qol.collect.tokens import TokenStore
from qol.collect.vendor import Deadline, Log, Vendor
from qol.collect.watermarks import CollectState, read_state, update_state
from qol.collect.windows import Days, moved, next_days
from qol.contracts.collect import Collect
from qol.contracts.collect_rules import Collected as Rules
from qol.contracts.wording import choices
from qol.errors import QolError, UsageError, safe_place
from qol.lake.base import Lake

#: User id of the sandbox's documents; no person has it.
SANDBOX_USER = "sandbox"
DEADLINE_SECONDS = 3_000.0
#: An id that can be a part of an address.
_DOCUMENT = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True)
class CollectRequest:
    """What a run is asked: days (by default since the last collected ones), persons, record types (by default all)."""

    source: str
    first: date | None = None
    last: date | None = None
    users: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    sandbox: bool = False
    now: datetime | None = None
    deadline_seconds: float = DEADLINE_SECONDS
    #: Announced documents instead of days: vendor's id of the person, record type, vendor's id of the document.
    documents: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, order=True)
class Failure:
    """Why a record type of a person was not collected."""

    user_id: str
    record: str
    reason: str
    detail: str


@dataclass
class CollectOutcome:
    """How a run ended: its manifest, and who failed."""

    manifest: CollectManifest
    failures: list[Failure] = field(default_factory=list)
    #: What ended the run before its end.
    error: Exception | None = None


def endpoints(contracts: Rules, request: CollectRequest) -> Mapping[str, Collect]:
    """How each record type of the request is asked for; UsageError for a source or type that is not collected."""
    found = contracts.collected.get(request.source)
    if found is None:
        known = choices(sorted(contracts.collected), request.source)
        raise UsageError(f"{request.source}: no source with `collect:` in its contracts; allowed: {known}")
    for record in request.records:
        if record not in found:
            raise UsageError(f"--record {record}: not collected; allowed: {choices(sorted(found), record)}")
    return {record: collect for record, collect in found.items() if not request.records or record in request.records}


class Collector:
    """Collects one source."""

    def __init__(
        self, lake: Lake, contracts: Rules, request: CollectRequest, store: TokenStore | None, log: Log
    ) -> None:
        self._lake, self._contracts, self._request, self._store, self._log = lake, contracts, request, store, log
        self._endpoints = endpoints(contracts, request)
        self._began, self._now = time.monotonic(), request.now or datetime.now(UTC)
        self._any = next(iter(self._endpoints.values()))
        self._addresses = addresses(request.source, self._any, sandbox=request.sandbox)
        self._state = read_state(lake, request.source)

    def tasks(self) -> list[Task]:
        """What is to be asked for, a record type after the other; persons who are left alone are not in it."""
        today, asked, found = self._clock().date(), self._request, []
        resting, known = set(self.resting), set(self._users)
        if asked.documents:
            return [
                Task(user_id, record, Days(today, today), document)
                for user_id, record, document in dict.fromkeys(asked.documents)
                if user_id in known - resting and record in self._endpoints and _DOCUMENT.fullmatch(document)
            ]
        for record, collect in self._endpoints.items():
            for user_id in self._users:
                collected = self._state.person(user_id).collected.get(record)
                own = next_days(collect.window, collected, today)
                last = asked.last or own.last
                first = asked.first or min(own.first, last)
                if user_id not in resting:
                    found.append(Task(user_id, record, Days(first, last)))
        return found

    @property
    def resting(self) -> list[str]:
        """Persons who are not asked for yet, as an earlier run was refused; persons named by --user are not among them."""
        ends = ((user_id, self._state.person(user_id).rests_until) for user_id in self._users)
        return [user_id for user_id, until in ends if until and until > self._clock() and not self._request.users]

    @cached_property
    def _users(self) -> Sequence[str]:
        """Vendor ids of the persons to collect; one without a name where the vendor knows no persons."""
        if self._request.sandbox:
            return [SANDBOX_USER]
        if self._store is None:
            return [""]
        known, asked = self._store.users(), self._request.users
        if not known:
            raise UsageError(
                f"--tokens: of no user; allowed: tokens of one at least (`qol collect login {self._request.source}`)"
            )
        for user_id in asked:
            if user_id not in known:
                raise UsageError("--user: a person without tokens; allowed: a user_id of --tokens")
        return [user_id for user_id in known if not asked or user_id in asked]

    def run(self, report: Callable[[Collected], None] = lambda _: None, transport: Any = None) -> CollectOutcome:
        """Collect, store, and move watermarks; the outcome is stored as the run's manifest.

        `report` is called with each finished task; `transport` stands for the network in tests.
        """
        tasks, resting = self.tasks(), self.resting
        users = {task.user_id for task in tasks}
        asked = AskedDays(*(day.isoformat() if day else None for day in (self._request.first, self._request.last)))
        manifest = CollectManifest(
            new_run_id(self._now), self._request.source, "failed", text_of(self._now), self._request.sandbox, asked,
            users=len(users) + len(resting), resting_users=len(resting),
        )  # fmt: skip
        outcome = CollectOutcome(manifest)
        deadline = Deadline(self._request.deadline_seconds)
        vendor = Vendor(self._addresses.base, deadline, self._log, transport, self._any.rate)
        try:
            self._collect(tasks, self._asking(vendor), outcome, report)
        except Exception as err:  # noqa: BLE001  told by the manifest, and raised by the command
            outcome.error, manifest.error = err, str(err) if isinstance(err, QolError) else safe_place(err)
        finally:
            vendor.close()
        self._finish(outcome)
        return outcome

    def _finish(self, outcome: CollectOutcome) -> None:
        """Complete the manifest and store it."""
        manifest = outcome.manifest
        manifest.failed_users = len({failure.user_id for failure in outcome.failures})
        manifest.refused = dict(sorted(Counter(failure.reason for failure in outcome.failures).items()))
        has_pages = any(counts.pages for counts in manifest.records)
        is_whole = not outcome.failures and outcome.error is None
        manifest.status = "complete" if is_whole else "partial" if has_pages else "failed"
        manifest.seconds = round(time.monotonic() - self._began, 3)
        self._lake.put(manifest.key, manifest.to_line())

    def _asking(self, vendor: Vendor) -> Asking:
        auth = self._any.auth
        given = token_header(auth, auth.scheme, SANDBOX_USER) if self._request.sandbox else {}
        if self._store is None or self._request.sandbox:
            return Asking(self._addresses.base, vendor, Anonymous(given), self._clock)
        credentials = Credentials(self._request.source, auth, self._addresses.token_url, vendor, self._store)
        return Asking(self._addresses.base, vendor, credentials, self._clock)

    def _collect(
        self, tasks: Sequence[Task], asking: Asking, outcome: CollectOutcome, report: Callable[[Collected], None]
    ) -> None:
        left = Counter(task.record for task in tasks)
        name = outcome.manifest.run_id
        parts = {record: RecordParts(self._lake, self._folder(record), name, self._clock, record) for record in left}
        at_once = max(collect.rate.at_once for collect in self._endpoints.values())
        with _pool(at_once) as pool:
            futures = [pool.submit(asking.collect, self._endpoints[task.record], task) for task in tasks]
            for future in as_completed(futures):
                collected = future.result()
                record = collected.task.record
                parts[record].add(collected)
                report(collected)
                left[record] -= 1
                if not left[record]:
                    self._store_record(parts[record], outcome)

    def _store_record(self, parts: RecordParts, outcome: CollectOutcome) -> None:
        """Put a record type's object, then move its watermarks: a run that dies between them is repeated."""
        parts.put()
        for collected in parts.tasks:
            if (refused := collected.refused) is not None:
                task = collected.task
                outcome.failures.append(Failure(task.user_id, task.record, refused.reason, refused.detail))
        state = update_state(self._lake, self._request.source, lambda state: self._move(state, parts))
        outcome.manifest.records.append(parts.counts(state.fetched.get(parts.record)))

    def _move(self, state: CollectState, parts: RecordParts) -> None:
        """Move a record type's watermarks in the state."""
        now, record = self._clock(), parts.record
        for collected in parts.tasks:
            person, task, refused = state.person(collected.task.user_id), collected.task, collected.refused
            if refused is not None:
                if refused.rest is not None:
                    person.rests_until, person.reason = now + refused.rest, refused.reason
                continue
            day = moved(person.collected.get(record), task.days, now.date())
            if day is not None and task.document is None and not self._request.sandbox:
                person.collected[record] = day
        if any(collected.refused is None for collected in parts.tasks):
            state.fetched[record] = now

    def _folder(self, record: str) -> str:
        return self._contracts.by_name[f"{self._request.source}_{record}"].paths[0]

    def _clock(self) -> datetime:
        """The time, which goes on from `now` where that is given."""
        return self._now + timedelta(seconds=time.monotonic() - self._began)


@contextmanager
def _pool(at_once: int) -> Iterator[ThreadPoolExecutor]:
    """Threads; what they have not begun when the block ends with an error is not begun."""
    pool = ThreadPoolExecutor(at_once)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
