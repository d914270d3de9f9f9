"""How long each place of a lake keeps what it has: schemas/retention.yaml."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from annotated_types import Ge
from pydantic import ValidationError, WrapValidator

from qol.contracts.language import Mistake, Model, Whole, refusal

#: A run reads the last 14 arrival days again and compares a week with the four before it.
MIN_DAYS = 35


def _once(value: Any, handler: Callable[[Any], Any]) -> Any:
    """The value; one mistake, where a union has one for each of its parts."""
    try:
        return handler(value)
    except ValidationError as errors:
        limits = [found["ctx"]["ge"] for found in errors.errors() if "ge" in found.get("ctx", {})]
        raise refusal(
            " ".join(["keep, or a whole number of days", *(f"from {limit} on" for limit in limits)])
        ) from None


Days = Annotated[Literal["keep"] | Annotated[Whole, Ge(MIN_DAYS)], WrapValidator(_once)]
ShortDays = Annotated[Literal["keep"] | Annotated[Whole, Ge(1)], WrapValidator(_once)]
#: Prefixes of each place; the names of raw objects stay as long as they do. Terraform has the same (lake.tf).
PLACES: Mapping[str, tuple[str, ...]] = {
    "raw": ("raw/", "quarantine/objects/"),
    "bodies": ("quarantine/bodies/",),
    "quarantine": ("quarantine/rows/",),
    "records": ("processed/records/",),
    "daily": ("processed/daily/",),
    "weekly": ("processed/weekly/", "processed/survey_windows/"),
    "manifests": ("_runs/",),
    "reports": ("_reports/",),
}
#: Places whose days are Mondays: a week's age counts from its end.
_OF_WEEKS = ("records", "daily", "weekly")
_DAY = re.compile(
    r"date=(\d{4})-(\d\d)-(\d\d)/|^_runs/(\d{4})(\d\d)(\d\d)T|^quarantine/objects/(\d{4})-(\d\d)-(\d\d)\."
)


class Retention(Model):
    """For how many days each place of the lake keeps what it has; `keep` is for ever: schemas/retention.yaml."""

    raw: Days = "keep"
    """What sources sent, by its arrival day."""
    bodies: ShortDays = 30
    """Requests that could not be read."""
    quarantine: Days = 180
    """Lines that could not be used, by their arrival day."""
    records: Days = "keep"
    """Records, from the end of their week on."""
    daily: Days = "keep"
    """Days, from the end of their week on; at least as long as records."""
    weekly: Days = "keep"
    """Weeks and survey windows, from the end of the week on; at least as long as days."""
    manifests: Days = "keep"
    """Manifests of runs."""
    reports: Days = "keep"
    """Lists of users without data."""
    map_entries: Days = "keep"
    """Entries of the user map, from the moment on in which the person withdrew."""
    old_versions: ShortDays = 30
    """Earlier versions of changed and deleted objects, in a bucket."""

    def mistakes(self) -> Iterator[Mistake]:
        """Places that would be made again from what is kept longer."""
        for shorter, longer in (("daily", "records"), ("weekly", "daily")):
            less, more = getattr(self, shorter), getattr(self, longer)
            if less != "keep" and (more == "keep" or more > less):
                yield Mistake(
                    shorter, less, f"at least as many days as {longer} ({more}), from which runs make it again"
                )

    def first_day(self, place: str, today: date) -> date | None:
        """The first day whose objects of a place stay; None for all."""
        days = getattr(self, place)
        return None if days == "keep" else today - timedelta(days=days + (6 if place in _OF_WEEKS else 0))


def day_of(key: str) -> date | None:
    """The day in the key of an object: arrival day, Monday, or day of the run; None without one."""
    found = _DAY.search(key)
    try:
        return date(*map(int, filter(None, found.groups()))) if found else None
    except ValueError:
        return None
