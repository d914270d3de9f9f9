"""One record type of one person: all pages of all spans of days, or why they cannot be collected."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol
from urllib.parse import urljoin, urlsplit

from qol.collect.pages import Page, read_page
from qol.collect.refusals import REST, AbsentError, Again, RefusedError, StaleTokenError
from qol.collect.tokens import Token
from qol.collect.vendor import ATTEMPTS, Answer, Asked, Requests, Vendor
from qol.collect.windows import Days, parameters, spans
from qol.contracts.collect import Collect, CollectWindow, Paging, Refusals
from qol.contracts.raw_values import safe_get

MAX_PAGES = 10_000
#: A scope's name of a vendor that may be shown.
_SCOPE = re.compile(r"[A-Za-z0-9_.:-]{1,40}")


@dataclass(frozen=True)
class Task:
    """One record type of one person, with the days to ask for."""

    user_id: str
    record: str
    days: Days
    #: The vendor's id of the only document to ask for; no days then.
    document: str | None = None

    def endpoint(self, collect: Collect) -> Collect:
        """How the task is asked for; a document that is no longer there is no failure."""
        if self.document is None:
            return collect
        refused = collect.refused.model_copy(update={"absent": (*collect.refused.absent, 404)})
        alone = {"path": f"{collect.path}/{self.document}", "page": Paging(), "window": CollectWindow()}
        return collect.model_copy(update={**alone, "refused": refused})


@dataclass
class Collected:
    """The result of a task: its pages as raw lines, or why it is not collected; never both."""

    task: Task
    lines: list[bytes] = field(default_factory=list)
    documents: int = 0
    requests: Requests = field(default_factory=Requests)
    refused: RefusedError | None = None


class Shown(Protocol):
    """The tokens that requests are sent with."""

    def current(self, user_id: str) -> Token:
        """The tokens to try first."""

    def renewed(self, refused: Token) -> tuple[Token, bool]:
        """Tokens in place of refused ones, and whether they are new."""

    def header(self, token: Token) -> Mapping[str, str]:
        """The header that carries a token."""


class Asking:
    """Asks a vendor for record types of persons; several threads share it."""

    def __init__(self, base: str, vendor: Vendor, shown: Shown, clock: Callable[[], datetime]) -> None:
        self._base, self._vendor, self._shown, self._clock = base, vendor, shown, clock
        self._final: dict[str, RefusedError] = {}
        self._tried: set[str] = set()

    def collect(self, collect: Collect, task: Task) -> Collected:
        """All pages of a task; what is refused for the person is not asked for again in this run.

        A person of whom something was refused gets two attempts per request from then on: a fault that stays does not
        take the run's time.
        """
        collected, collect = Collected(task), task.endpoint(collect)
        if (final := self._final.get(task.user_id)) is not None:
            collected.refused = final
            return collected
        try:
            self._collect(collect, collected)
        except RefusedError as err:
            collected.refused, collected.lines, collected.documents = err, [], 0
            self._tried.add(task.user_id)
            if err.of_person:
                self._final[task.user_id] = err
        return collected

    def _collect(self, collect: Collect, collected: Collected) -> None:
        """Add all pages; none of an endpoint that the person does not have, which is no failure and in the log as `absent`."""
        task = collected.task
        try:
            for span in self._spans(collect, task.days):
                for page in self._pages(collect, task, span, collected.requests):
                    person = {} if collect.person is None else {collect.person: task.user_id}
                    collected.lines.append(page.line(person, self._clock()))
                    collected.documents += page.documents
        except AbsentError as err:
            if collected.lines:  # what is missing after other pages would be lost
                raise RefusedError("refused", f"{err}, after other pages") from None

    @staticmethod
    def _spans(collect: Collect, days: Days) -> Iterator[Days | None]:
        if collect.window.written in (None, "none"):
            yield None
        else:
            yield from spans(collect.window, days)

    def _pages(self, collect: Collect, task: Task, span: Days | None, requests: Requests) -> Iterator[Page]:
        """The pages of a span; RefusedError at the first that cannot be read, or when the vendor repeats a page."""
        asked = str(collect.page.first) if collect.page.by == "page" else None
        seen: set[str | bytes | None] = {asked}
        endpoint = f"/{collect.path}"
        if task.document is not None:
            endpoint = endpoint.removesuffix(task.document) + "{id}"
        window = None if span is None else {"from": span.first.isoformat(), "to": span.last.isoformat()}
        place = {"record": task.record, "endpoint": endpoint, "window": window}
        for number in range(1, MAX_PAGES + 1):
            request = replace(self._request(collect, span, asked), place={**place, "page": number})
            try:
                page = self._page(collect, task.user_id, request, asked, requests)
            except RefusedError as err:
                if err.reason != "bad_answer":
                    raise
                days = "" if span is None else f" of {span.first} to {span.last}"
                raise RefusedError(err.reason, f"{err.detail}; page {number}{days}") from None
            if number > 1 and collect.page.by == "page" and page.body in seen:
                raise RefusedError("repeated_token", "the same page under two numbers")
            yield page
            if page.following is None:
                return
            if page.following in seen:
                raise RefusedError("repeated_token", f"on page {number}")
            asked = page.following
            seen |= {asked, page.body} if collect.page.by == "page" else {asked}
        raise RefusedError("repeated_token", f"more than {MAX_PAGES} pages")

    def _request(self, collect: Collect, span: Days | None, asked: str | None) -> Asked:
        url, method = f"{self._base}/{collect.path}", collect.method or "GET"
        if collect.page.by == "link" and asked is not None:
            return Asked(self._next_url(url, asked), method)
        given = {**collect.query, **({} if span is None else parameters(collect.window, span))}
        if asked is not None and collect.page.parameter is not None:
            given[collect.page.parameter] = asked
        return Asked(url, method, given)

    @staticmethod
    def _next_url(url: str, link: str) -> str:
        """The next page's address; RefusedError for one of another server, which would be shown the token."""
        found = urljoin(url, link)
        if urlsplit(found)[:2] != urlsplit(url)[:2]:
            raise RefusedError("refused", "the next page is on another server")
        return found

    def _page(self, collect: Collect, user_id: str, request: Asked, asked: str | None, requests: Requests) -> Page:
        """A page, with a renewed token where the first is not known: the stored one, then one refreshed."""

        def read(answer: Answer) -> Page:
            return read_page(collect, self._granted(collect.refused, answer), asked, answer.link)

        token, is_new = self._shown.current(user_id), False
        while True:
            try:
                shown = replace(request, headers=self._shown.header(token))
                return self._vendor.ask(shown, read, requests, 2 if user_id in self._tried else ATTEMPTS)
            except StaleTokenError:
                if is_new:
                    raise RefusedError("connect_again", "HTTP 401", of_person=True) from None
            token, is_new = self._shown.renewed(token)

    def _granted(self, refusals: Refusals, answer: Answer) -> bytes:
        """The body of an answer that grants the request; what refuses it is raised."""
        status = self._status(refusals, answer)
        if status != answer.status:  # the vendor's own
            self._vendor.check_status(replace(answer, status=status))
        if status == 401:
            raise _unauthorized(refusals, answer.body)
        if status == refusals.membership:
            raise RefusedError("membership", f"HTTP {status}", of_person=True, rest=REST)
        if status in refusals.absent:
            raise AbsentError(f"HTTP {status}")
        if not 200 <= status < 300:
            raise RefusedError("refused", f"HTTP {status}")
        return answer.body

    @staticmethod
    def _status(refusals: Refusals, answer: Answer) -> int:
        """The HTTP status, or the one that the vendor's own status in the body stands for."""
        if refusals.status is None or answer.status != 200:
            return answer.status
        try:
            own = safe_get(json.loads(answer.body), refusals.status)
        except (ValueError, RecursionError):
            return answer.status  # no page; reading it says so
        if not isinstance(own, int):
            raise Again("bad_answer", "without the vendor's status")
        known = own if 400 <= own <= 599 else 500  # never a success
        return answer.status if own == 0 else refusals.status_as.get(str(own), known)


def _unauthorized(refusals: Refusals, body: bytes) -> Exception:
    """Why a request is unauthorized: a missing scope, which no new token mends, or the token."""
    found = re.search(refusals.scope, body.decode("utf-8", "replace")) if refusals.scope else None
    if found is None:
        return StaleTokenError()
    name = found[1] if found.re.groups else ""
    return RefusedError("scope", name if _SCOPE.fullmatch(name) else "")
