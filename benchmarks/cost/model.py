"""From people to amounts, from amounts to money."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.cost import assumptions as a
from benchmarks.cost.prices import PRICES


@dataclass(frozen=True)
class Case:
    """An installation: how many people, and whether arriving objects are gathered into large ones."""

    people: int
    gathered: bool = False

    @property
    def name(self) -> str:
        """The head of its column."""
        return f"{self.people:,}{' gathered' if self.gathered else ''}"

    @property
    def pushes(self) -> float:
        """Requests of a week."""
        return self.people * a.PUSHES_PER_DAY * 7

    @property
    def raw_bytes(self) -> float:
        """Raw data of a week."""
        return self.people * a.BYTES_PER_DAY * 7

    @property
    def objects(self) -> float:
        """Raw objects of a week: one per push, or one per so many bytes of a type and day."""
        if not self.gathered:
            return self.pushes
        return max(self.raw_bytes / a.GATHERED_BYTES, len(a.TYPES) * 7)

    @property
    def read_objects(self) -> float:
        """Raw objects that a run reads."""
        return self.objects / 7 * a.WINDOW_DAYS

    @property
    def read_bytes(self) -> float:
        """Raw bytes that a run reads."""
        return self.raw_bytes / 7 * a.WINDOW_DAYS


@dataclass(frozen=True)
class JobRun:
    """A weekly run: workers, seconds of an attempt, attempts."""

    workers: int
    seconds: float
    attempts: int = 1

    @property
    def dpu_hours(self) -> float:
        """What is billed; a G.1X worker is one DPU."""
        return self.workers * self.attempts * max(self.seconds, 60) / 3600

    @property
    def is_too_long(self) -> bool:
        """Whether Glue would stop it."""
        return self.attempts > 1


def run_seconds(case: Case, workers: int) -> float:
    """How long a run takes: its start, the driver's listing and assembling, the work that workers share."""
    cores = a.MEASURED_CORES * a.VCPUS_PER_CORE
    share = case.people / a.MEASURED_PEOPLE * a.WEEKS_COMPUTED
    listing = lists(case) * a.LIST_SECONDS
    driver = a.MEASURED_DRIVER_SECONDS * share * a.TABLES / a.MEASURED_TABLES * a.VCPUS_PER_CORE
    shared = case.read_bytes / a.MEASURED_BYTES * a.MEASURED_INGEST_SECONDS * cores
    shared += a.MEASURED_REDUCE_SECONDS * cores * share * len(a.TYPES)
    shared += case.read_objects * a.OPEN_SECONDS
    return a.START_SECONDS + listing + driver + shared / ((workers - 1) * a.SLOTS_PER_WORKER)


def lists(case: Case) -> float:
    """LIST requests of a run: at least one per type and day."""
    return case.read_objects / a.LIST_KEYS + len(a.TYPES) * a.WINDOW_DAYS


def job_run(case: Case) -> JobRun:
    """The run with as few workers as end it in time; with the most and two timeouts when none do."""
    for workers in range(a.WORKERS, a.MOST_WORKERS + 1):
        seconds = run_seconds(case, workers)
        if seconds <= a.SLOW_SECONDS:
            return JobRun(workers, seconds)
    return JobRun(a.MOST_WORKERS, a.TIMEOUT_SECONDS, a.ATTEMPTS)


@dataclass(frozen=True)
class Item:
    """A line of the bill: component, what for, the price's name, the amount of a week."""

    component: str
    what: str
    price: str
    amount: float

    @property
    def dollars(self) -> float:
        """Dollars a week."""
        return PRICES[self.price].of(self.amount)


def bill(case: Case) -> list[Item]:
    """Every line of a week's bill; what is priced by the month is taken by its share of a month."""
    return [*_job_and_lake(case), *_receiving(case), *_fixed()]


def component_dollars(case: Case) -> dict[str, float]:
    """Dollars a week by component."""
    found: dict[str, float] = {}
    for item in bill(case):
        found[item.component] = found.get(item.component, 0.0) + item.dollars
    return found


def _monthly(amount: float) -> float:
    """The amount of a week of something that is priced by the month."""
    return amount / a.WEEKS_PER_MONTH


def stored_gb(case: Case) -> float:
    """GB in the bucket after a year, old versions included."""
    published = case.people * a.PUBLISHED_BYTES
    old = published * a.WEEKS_REPLACED * a.OLD_VERSION_WEEKS
    return (a.RAW_WEEKS_KEPT * (case.raw_bytes + published) + old) / 1e9


def gets(case: Case) -> float:
    """GET requests of a run on raw data."""
    return case.read_objects + case.read_bytes / a.CHUNK_BYTES


def _job_and_lake(case: Case) -> list[Item]:
    scanned = max(case.people * a.WEEKLY_BYTES * a.QUERY_WEEKS, a.QUERY_LEAST_BYTES)
    return [
        Item("Glue job", "DPU-hours", "glue", job_run(case).dpu_hours),
        Item("S3", "storage after a year", "s3_storage", _monthly(stored_gb(case))),
        Item("S3", "PUT", "s3_put", case.objects + a.RUN_PUTS),
        Item("S3", "LIST", "s3_put", lists(case)),
        Item("S3", "GET", "s3_get", gets(case)),
        Item("Athena", "queries", "athena", a.QUERIES * scanned),
    ]


def _receiving(case: Case) -> list[Item]:
    gb_seconds = case.pushes * a.RECEIVER_SECONDS * a.RECEIVER_GB + a.OTHER_GB_SECONDS
    map_bytes = case.people * a.MAP_ITEM_BYTES
    log_gb = (case.pushes * a.LOG_BYTES_PER_REQUEST + a.LOG_BYTES_PER_RUN) / 1e9
    items = [
        Item("API Gateway", "requests", "http_api", case.pushes),
        Item("Lambda", "requests", "lambda_requests", case.pushes + a.OTHER_CALLS),
        Item("Lambda", "GB-seconds", "lambda_gb_seconds", gb_seconds),
        Item("DynamoDB", "writes", "dynamodb_write", case.pushes),
        Item("DynamoDB", "two scans of the map", "dynamodb_read", 2 * map_bytes / 4096),
        Item("DynamoDB", "storage", "dynamodb_storage", _monthly(map_bytes / 1e9)),
        Item("DynamoDB", "recovery", "dynamodb_recovery", _monthly(map_bytes / 1e9)),
        Item("CloudWatch", "logs taken in", "logs_in", log_gb),
        Item("CloudWatch", "logs kept", "logs_kept", _monthly(log_gb * a.LOG_WEEKS_KEPT)),
        Item("KMS", "requests", "kms_requests", (case.objects + gets(case)) * a.KMS_SHARE + a.KMS_FIXED),
    ]
    if case.gathered:
        items.append(Item("Firehose", "bytes in", "firehose", _firehose_bytes(case)))
    return items


def _firehose_bytes(case: Case) -> float:
    """Bytes of a week as Firehose counts them: a push rounded up to steps of 5 KB."""
    per_day = sum(
        kind.pushes * math.ceil(kind.records * kind.bytes / a.FIREHOSE_STEP_BYTES) * a.FIREHOSE_STEP_BYTES
        for kind in a.TYPES.values()
    )
    return case.people * per_day * 7


def _fixed() -> list[Item]:
    metrics = a.STEADY_METRICS + a.RUN_METRICS * a.RUN_METRIC_HOURS / (7 * 24)
    return [
        Item("KMS", "keys", "kms_key", _monthly(a.KEYS)),
        Item("Secrets Manager", "secrets", "secret", _monthly(a.SECRETS)),
        Item("Secrets Manager", "reads", "secret_requests", a.SECRET_READS),
        Item("CloudWatch", "metrics", "metric", _monthly(metrics)),
        Item("CloudWatch", "alarms", "alarm", _monthly(a.ALARMS)),
        Item("SNS", "mails", "sns_mail", a.MAILS),
        Item("SNS", "publishes", "sns_publish", a.MAILS),
        Item("EventBridge Scheduler", "calls", "scheduler", a.SCHEDULES),
        Item("SQS", "requests", "sqs", a.QUEUE_REQUESTS),
    ]
