"""How asking a vendor can end: what a repetition may mend, a token that is no longer good, and what is final."""

from collections.abc import Mapping
from datetime import timedelta

#: How long a person is left alone whose membership or consent has ended.
REST = timedelta(hours=12)
#: Why a person or a record type of a person was not collected, and what to do.
REASONS: Mapping[str, str] = {
    "scope": "the person did not agree to this scope: `qol collect login` again, with all scopes",
    "membership": "the person's membership or consent has ended; they are asked again after 12 hours",
    "connect_again": "the tokens are no longer good: `qol collect login` again",
    "postponed": "the vendor's limit is used up; the person is asked again when it allows it",
    "unreachable": "the vendor does not answer; run again later",
    "bad_answer": "the vendor's answer is no page of documents, asked several times",
    "repeated_token": "the vendor gave the same page token twice; run again later",
    "too_large": "a page is longer than a raw line may be; ask for fewer days (`window.days`)",
    "refused": "the vendor refuses the request",
    "deadline": "the run's time was over; run again",
}


class Again(Exception):  # noqa: N818  not an error yet
    """When asking again may help; `seconds` is how long the vendor wants to be left alone, None for as long as usual."""

    def __init__(self, reason: str, detail: str = "", seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.detail, self.seconds = reason, detail, seconds


class StaleTokenError(Exception):
    """When the vendor does not know a token; `reason` is for the log."""

    reason = "stale_token"


class AbsentError(Exception):
    """When a person has no such endpoint, which is no failure before the first page; `reason` is for the log."""

    reason = "absent"


class RefusedError(Exception):
    """When a record type of a person cannot be collected; of all of their record types where `of_person`.

    `reason` is of `REASONS`; `detail` has no value, no id and no token. `rest` is how long the person is left alone.
    """

    def __init__(
        self, reason: str, detail: str = "", *, of_person: bool = False, rest: timedelta | None = None
    ) -> None:
        super().__init__(reason)
        self.reason, self.detail, self.of_person, self.rest = reason, detail, of_person, rest
