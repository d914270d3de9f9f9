"""Requests to a vendor: repeated where that may help, never longer than the run, one log line each."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from threading import Lock
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

from qol import __version__
from qol.collect.pages import MAX_PAGE_BYTES
from qol.collect.refusals import Again, RefusedError
from qol.contracts.collect import Rate
from qol.errors import optional_imports

T = TypeVar("T")
#: Attempts of a request, and the pauses between them in seconds: the first one, the longest, and a random part.
ATTEMPTS, PAUSE, MAX_PAUSE, JITTER = 6, 0.2, 20.0, 0.3
#: A vendor that wants to be left alone for longer postpones the person.
MAX_RETRY_AFTER = 300.0
#: A person is postponed for a week at most, whatever the vendor says.
MAX_REST_SECONDS = 7 * 86_400.0
_CONNECT, _READ = 10.0, 30.0
Log = Callable[[Mapping[str, Any]], None]


class Deadline:
    """When a run has to end, by the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left; RefusedError when the time is over."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise RefusedError("deadline")
        return left


@dataclass(frozen=True)
class Asked:
    """One request; `place` says in logs what it is about: endpoint, window, page."""

    url: str
    method: Literal["GET", "POST"] = "GET"
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    place: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """Status, headers and the whole body of a response."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    #: The next page's address in the header Link.
    link: str | None = None


@dataclass
class Requests:
    """How many requests a record type took, and how many of them repeated one."""

    sent: int = 0
    repeated: int = 0


class Vendor:
    """A vendor's server; threads share it. `transport` stands for the network in tests."""

    def __init__(
        self, base: str, deadline: Deadline, log: Log, transport: Any = None, rate: Rate | None = None
    ) -> None:
        with optional_imports("qol collect", "collect", ("httpx2", "stamina")):
            import httpx2
            import stamina

        stamina.instrumentation.set_on_retry_hooks(())  # the log has a line per request
        for library in ("httpx2", "httpcore2"):  # their lines have whole addresses
            logging.getLogger(library).setLevel(logging.WARNING)
        self._http, self._deadline, self._log = httpx2, deadline, log
        self._retries = stamina.retry_context
        agent = {"User-Agent": f"qol-lake/{__version__}"}
        # A proxy of the environment is not for a server on this machine.
        self._client = httpx2.Client(headers=agent, transport=transport, trust_env=not is_loopback(base))
        # What a vendor remembers of one person's request must not come with another person's.
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._lock, self._resume_at, self._is_down = Lock(), 0.0, False
        self._rate, self._times = rate or Rate(), deque[float]()

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def ask(
        self, asked: Asked, read: Callable[[Answer], T], count: Requests | None = None, attempts: int = ATTEMPTS
    ) -> T:
        """What `read` makes of the answer, asked again while that may help; RefusedError when it does not, or time is over.

        `read` raises Again for an unusable answer. While a vendor does not answer at all, there is one attempt.
        """
        attempts = 1 if self._is_down else attempts
        left = self._deadline.left()
        tries = self._retries(
            on=self._pause, attempts=attempts, timeout=left, wait_initial=PAUSE, wait_max=MAX_PAUSE, wait_jitter=JITTER
        )
        try:
            for attempt in tries:
                with attempt:
                    return self._attempt(asked, read, attempt.num, count or Requests())
        except Again as err:
            self._is_down |= err.reason == "unreachable"
            self._deadline.left()
            raise RefusedError(err.reason, err.detail) from None
        raise AssertionError("an attempt returns or raises")

    def _pause(self, err: Exception) -> bool | float:
        """Whether to ask again, or after how many seconds."""
        if not isinstance(err, Again):
            return False
        return True if err.seconds is None else err.seconds

    def _attempt(self, asked: Asked, read: Callable[[Answer], T], number: int, count: Requests) -> T:
        while (wait := self._wait()) > 0:
            time.sleep(min(wait, self._deadline.left()))
        request_id, began, status, outcome = uuid4().hex[:16], time.monotonic(), 0, "ok"
        with self._lock:
            count.sent += 1
            count.repeated += number > 1
        try:
            answer = self._send(asked, request_id)
            status = answer.status
            self.check_status(answer)
            self._is_down = False
            return read(answer)
        except Again as err:
            outcome = err.reason
            raise
        except Exception as err:
            outcome = getattr(err, "reason", type(err).__name__)
            raise
        finally:
            ms = round((time.monotonic() - began) * 1000)
            self._log({
                **asked.place, "attempt": number, "status": status, "outcome": outcome, "ms": ms, "request_id": request_id
            })  # fmt: skip

    def _wait(self) -> float:
        """Seconds to wait before a request; at 0 the request is counted."""
        with self._lock:
            now = time.monotonic()
            while self._times and now - self._times[0] >= self._rate.seconds:
                self._times.popleft()
            wait = self._resume_at - now
            if self._rate.requests is not None and len(self._times) >= self._rate.requests:
                wait = max(wait, self._times[0] + self._rate.seconds - now)
            if wait <= 0:
                self._times.append(now)
            return wait

    def _send(self, asked: Asked, request_id: str) -> Answer:
        kind = "params" if asked.method == "GET" else "data"
        given: dict[str, Any] = {kind: dict(asked.parameters)} if asked.parameters else {}
        left = self._deadline.left()
        timeout = self._http.Timeout(min(_READ, left), connect=min(_CONNECT, left))
        headers = {**asked.headers, "X-Request-Id": request_id}
        try:
            with self._client.stream(asked.method, asked.url, headers=headers, timeout=timeout, **given) as response:
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    self._deadline.left()
                    if len(body) > MAX_PAGE_BYTES:
                        raise RefusedError("too_large")
                link = response.links.get("next", {}).get("url")
                return Answer(response.status_code, response.headers, bytes(body), link)
        except self._http.InvalidURL:
            raise RefusedError("refused", "not an address") from None
        except self._http.DecodingError:
            raise Again("bad_answer", "a body that cannot be unpacked") from None
        except self._http.TransportError:  # its text can hold the address, with a token in it
            raise Again("unreachable") from None

    def check_status(self, answer: Answer) -> None:
        """Raise Again for a status that another attempt may mend, RefusedError for a limit of hours."""
        if answer.status == 429:
            raise self._limited(answer)
        if answer.status >= 500 or answer.status == 408:
            raise Again("unreachable", f"HTTP {answer.status}")

    def _limited(self, answer: Answer) -> Exception:
        """What a limit means: all requests wait, as its layer may be the application's, or the person is postponed."""
        seconds = retry_after(answer.headers.get("Retry-After"), datetime.now(UTC))
        if seconds is None:
            return Again("postponed", "HTTP 429")
        if seconds > min(MAX_RETRY_AFTER, self._deadline.left()):
            rest = timedelta(seconds=min(seconds, MAX_REST_SECONDS))
            return RefusedError("postponed", f"for {seconds:.0f} s", of_person=True, rest=rest)
        with self._lock:
            self._resume_at = max(self._resume_at, time.monotonic() + seconds)
        return Again("postponed", "HTTP 429", seconds)


def retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds of a header Retry-After, in seconds or as a date; None without a usable one."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (ValueError, TypeError):
        return None


def is_loopback(url: str) -> bool:
    """Whether a server is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
