"""Users of Locust: participants who ask for their week, and participants who post batches of 500 records."""

import json
import os
import random
from itertools import count
from pathlib import Path

from locust import FastHttpUser, task

from benchmarks.serve_lake import headers

SUMMARY, BULK = "/v1/measurements/summary?period=week", "/v1/measurements/bulk"
RECORDS = 500


def batch(number: int) -> str:
    """A batch like no other, of half hours with steps."""
    samples = [
        {
            "uuid": f"{number}-{at}", "type": "HKQuantityTypeIdentifierStepCount", "unit": "count", "value": at,
            "start": f"2026-11-{8 + at // 48:02}T{at % 48 // 2:02}:{at % 2 * 30:02}:00+09:00",
            "end": f"2026-11-{8 + at // 48:02}T{at % 48 // 2:02}:{at % 2 * 30 + 29:02}:00+09:00",
        }
        for at in range(RECORDS)
    ]  # fmt: skip
    return json.dumps({"device_tz": "Asia/Tokyo", "measurements": samples})


class _Participant(FastHttpUser):
    abstract = True
    seeds = count()

    def on_start(self) -> None:
        """Read which lake it is and how many users it has."""
        self.lake = Path(os.environ["QOL_BENCH_LAKE"])
        self.people = int(os.environ["QOL_BENCH_PEOPLE"])
        self.random = random.Random(next(self.seeds))

    def random_headers(self) -> dict[str, str]:
        """Headers of a random user."""
        return headers(self.lake, self.random.randrange(self.people))


class SummaryUser(_Participant):
    """Asks for the last week of a random user, one request after the other."""

    @task
    def summary(self) -> None:
        """One request."""
        self.client.get(SUMMARY, headers=self.random_headers())


class BulkUser(_Participant):
    """Posts batches of random users, one after the other."""

    numbers = count()

    @task
    def bulk(self) -> None:
        """One batch."""
        number = next(self.numbers)
        self.client.post(BULK, data=batch(number), headers=self.random_headers())
