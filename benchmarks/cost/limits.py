"""Limits of the design on the way to more people: where each is met, and what to do then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.cost import assumptions as a
from benchmarks.cost.model import Case, run_seconds

DAY_SECONDS = 86_400
S3_PUTS_PER_PREFIX = 3_500
S3_GETS_PER_PREFIX = 5_500
#: The receiver would hand records to Firehose, which writes one object per type and so many bytes.
GATHER = (
    f"gather objects: the receiver hands records to Firehose, which writes one per type and {a.GATHERED_BYTES >> 20} MB"
)


@dataclass(frozen=True)
class Limit:
    """What is limited, at how many people it is met (None: not a matter of people), and the next step."""

    what: str
    people: int | None
    next_step: str
    detail: str = ""


def _peak_per_person(pushes_per_day: float) -> float:
    return pushes_per_day / DAY_SECONDS * a.PEAK_OVER_MEAN


def _job_limit(workers: int, seconds: float, *, gathered: bool = False) -> int:
    """The most people whose run takes no longer."""
    return most(lambda people: run_seconds(Case(people, gathered), workers) <= seconds)


def most(holds: Callable[[int], bool]) -> int:
    """The largest number for which something holds that holds up to some number and not above."""
    low, high = 0, 1
    while holds(high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def rounded(people: int) -> int:
    """Two digits: the assumptions carry no more."""
    return round(people, 2 - len(str(people)))


def limits() -> list[Limit]:
    """All limits, the earliest first; those that are no matter of people at the end."""
    found = [*_of_the_job(), *_of_listing(), *_of_receiving(), *_of_the_lake(), *_of_any_size()]
    return sorted(found, key=lambda limit: (limit.people is None, limit.people or 0))


def _of_the_job() -> list[Limit]:
    return [
        Limit(
            f"{a.WORKERS} workers take {a.SLOW_SECONDS / 60:.0f} minutes (alarm `qol-weekly-etl-slow`)",
            _job_limit(a.WORKERS, a.SLOW_SECONDS),
            f"`number_of_workers` up to {a.MOST_WORKERS}; open the objects of a task several at a time",
            "opening small objects is nearly all of it",
        ),
        Limit(
            f"{a.MOST_WORKERS} workers take {a.TIMEOUT_SECONDS / 60:.0f} minutes (Glue's timeout)",
            _job_limit(a.MOST_WORKERS, a.TIMEOUT_SECONDS),
            GATHER,
            "small objects, and their listing by the driver",
        ),
        Limit(
            f"gathered objects, {a.MOST_WORKERS} workers, {a.SLOW_SECONDS / 60:.0f} minutes",
            _job_limit(a.MOST_WORKERS, a.SLOW_SECONDS, gathered=True),
            "split by cohort: one lake and one schedule each",
            "decoding the bytes is most of it, assembling by the driver a fifth",
        ),
    ]


def _of_listing() -> list[Limit]:
    in_memory = a.DRIVER_PYTHON_BYTES / a.DRIVER_BYTES_PER_OBJECT
    per_person = a.PUSHES_PER_DAY * a.WINDOW_DAYS
    return [
        Limit(
            f"the driver holds {in_memory / 1e6:.0f} million listed objects",
            int(in_memory / per_person),
            f"{GATHER}; before that, worker type G.2X",
            f"{a.DRIVER_BYTES_PER_OBJECT:,} bytes each, 614 of them measured",
        ),
    ]


def _of_receiving() -> list[Limit]:
    rate = _peak_per_person(a.PUSHES_PER_DAY)
    busiest = _peak_per_person(max(kind.pushes for kind in a.TYPES.values()))
    return [
        Limit(
            f"{a.THROTTLE_PER_SECOND} requests a second (throttle of the API; a 429 is repeated by Garmin)",
            int(a.THROTTLE_PER_SECOND / rate),
            "`webhook_requests_per_second`, with the receiver's concurrency and the account's own quotas",
            "a backfill of history meets it earlier; it only takes longer then",
        ),
        Limit(
            f"{a.RECEIVER_CONCURRENCY} receivers at a time (reserved concurrency)",
            int(a.RECEIVER_CONCURRENCY / (rate * a.RECEIVER_SECONDS)),
            "`reserved` of the receiver in `lambdas.tf`; ask for more than the account's 1,000",
            f"{a.RECEIVER_SECONDS * 1e3:.0f} ms each; an account whose limit is still 10 meets it at "
            f"{rounded(int(10 / (rate * a.RECEIVER_SECONDS))):,} people",
        ),
        Limit(
            f"{S3_PUTS_PER_PREFIX:,} PUT a second below one prefix",
            int(S3_PUTS_PER_PREFIX / busiest),
            "gathered objects never come near it",
            "one type's `date=` of one day",
        ),
    ]


def _of_the_lake() -> list[Limit]:
    return [
        Limit(
            "1 GiB for the one file of a partition (the run fails and says so)",
            int(a.PARTITION_LIMIT_BYTES / a.LARGEST_PARTITION_BYTES),
            "a run's own prefix, and the catalog's location swapped at the end",
            "sleeps, one week",
        ),
        Limit(
            "10 GiB scanned by one Athena query",
            int(a.QUERY_LIMIT_BYTES / (a.WEEKLY_BYTES * 52)),
            "name columns and a range of `date`; `athena_scan_limit_bytes`",
            "all columns of 52 weeks",
        ),
    ]


def _of_any_size() -> list[Limit]:
    slots = S3_GETS_PER_PREFIX * a.OPEN_SECONDS
    return [
        Limit(
            f"{a.BODY_LIMIT_BYTES / 1e6:.1f} MB of one body (a Lambda's event of 6 MiB, in which the body is an escaped string)",
            None,
            "ask Garmin for pings of `epochs` and `activityDetails` and fetch them; or the API puts bodies into S3 "
            "itself, a function splits them (10 MB); or a load balancer and containers (100 MB)",
            f"{a.BODY_LIMIT_BYTES // a.FULL_DAILY_BYTES} full days of heart rate in one push. Garmin's review of a production key asks for "
            "10 MB, and 100 MB for activity details: this design does not pass it without that step",
        ),
        Limit(
            f"{S3_GETS_PER_PREFIX:,} GET a second below one prefix",
            None,
            "S3 splits busy prefixes by itself and answers 503 meanwhile, which the job repeats; gathered objects avoid it",
            f"{slots / a.SLOTS_PER_WORKER:.0f} workers that all read one type's day at once",
        ),
    ]
