"""What the bill assumes. Numbers are named here and explained in one line, which docs/cost.md prints."""

from __future__ import annotations

from dataclasses import dataclass

SIZES = (100, 10_000, 200_000)

WEEKS_PER_MONTH = 365 / 12 / 7


@dataclass(frozen=True)
class Type:
    """A record type: pushes of a person and day, records in one push, bytes of a record."""

    pushes: float
    records: float
    bytes: float


#: Pushes and records as in `qol sample --sources garmin-core` (2,000 people, a week), its resends included; bytes too, but for dailies.
#: Dailies carry a heart rate every 15 s since midnight, 66 KB by the end of a day, for everybody here.
TYPES = {
    "dailies": Type(pushes=3, records=1, bytes=40_000),
    "stressDetails": Type(pushes=3, records=2.8, bytes=1_300),
    "sleeps": Type(pushes=1.7, records=1, bytes=2_100),
    "hrv": Type(pushes=1, records=1, bytes=830),
    "userMetrics": Type(pushes=0.15, records=1, bytes=215),
}
PUSHES_PER_DAY = sum(kind.pushes for kind in TYPES.values())
BYTES_PER_DAY = sum(kind.pushes * kind.records * kind.bytes for kind in TYPES.values())
FULL_DAILY_BYTES = 66_000
#: A function takes 6 MiB of event, and in it every quotation mark of the body has two bytes (tests/qol_lambda/test_body_limit.py).
BODY_LIMIT_BYTES = 5_300_000
PEAK_OVER_MEAN = 6.0

# What is read and kept.
WINDOW_DAYS = 15
RAW_WEEKS_KEPT = 52
PUBLISHED_BYTES = 2_350
LARGEST_PARTITION_BYTES = 560
WEEKLY_BYTES = 440
WEEKS_REPLACED = 2
OLD_VERSION_WEEKS = 90 / 7
MAP_ITEM_BYTES = 300

# The job. The first three are a row of docs/performance.md: `start`, spark engine.
MEASURED_BYTES = 290e6
MEASURED_INGEST_SECONDS = 8.0
MEASURED_CORES = 2
MEASURED_PEOPLE = 200_000
MEASURED_REDUCE_SECONDS = 8.1
MEASURED_DRIVER_SECONDS = 3.6 + 2.8
VCPUS_PER_CORE = 2.0
SLOTS_PER_WORKER = 4
START_SECONDS = 60.0
LIST_SECONDS = 0.1
OPEN_SECONDS = 0.03
LIST_KEYS = 1_000
CHUNK_BYTES = 8 * 2**20
WEEKS_COMPUTED = 3
TABLES = 7
MEASURED_TABLES = 3
RUN_PUTS = 2_000
WORKERS = 4
MOST_WORKERS = 50
SLOW_SECONDS = 2_700.0
TIMEOUT_SECONDS = 3_600.0
ATTEMPTS = 2
DRIVER_BYTES_PER_OBJECT = 1_500
DRIVER_PYTHON_BYTES = 6e9
PARTITION_LIMIT_BYTES = 2**30

# Receiving.
RECEIVER_SECONDS = 0.15
RECEIVER_GB = 0.5
RECEIVER_CONCURRENCY = 50
THROTTLE_PER_SECOND = 50
OTHER_CALLS = 4
OTHER_GB_SECONDS = 60.0
LOG_BYTES_PER_REQUEST = 2_200
LOG_BYTES_PER_RUN = 5e6
LOG_WEEKS_KEPT = 180 / 7

# What is there whatever the size.
KEYS = 2
SECRETS = 2
SECRET_READS = 20_000
KMS_SHARE = 0.01
KMS_FIXED = 5_000
ALARMS = 14
STEADY_METRICS = 16
RUN_METRICS = 45
RUN_METRIC_HOURS = 2
MAILS = 1
SCHEDULES = 3
QUEUE_REQUESTS = 100
QUERIES = 200
QUERY_WEEKS = 26
QUERY_LEAST_BYTES = 10_000_000
QUERY_LIMIT_BYTES = 10 * 2**30
GATHERED_BYTES = 64 * 2**20
FIREHOSE_STEP_BYTES = 5_000

EXPLAINED = (
    (
        f"{PUSHES_PER_DAY:g} pushes of a person and day",
        "types above; one type and one person in a push (more in one push: cheaper)",
    ),
    (
        f"{BYTES_PER_DAY / 1e3:.0f} KB of a person and day",
        "types above; other types that you enable at Garmin come on top",
    ),
    (f"{PEAK_OVER_MEAN:g} times the mean rate", "in the busiest hour: watches sync in the morning"),
    (f"{WINDOW_DAYS} arrival days", "that a weekly run reads, so every object is read about twice"),
    (
        f"{RAW_WEEKS_KEPT} weeks of raw data",
        "are kept: storage is what it costs after a year, and grows on if nothing is removed",
    ),
    (
        f"{PUBLISHED_BYTES:,} bytes of a person and week",
        f"in all tables ({WEEKLY_BYTES} weekly, {LARGEST_PARTITION_BYTES} in the largest file): measured, 2,000 sample people",
    ),
    (f"{WEEKS_REPLACED} older weeks", "are replaced by a run; their old versions stay 90 days"),
    (
        f"{MEASURED_BYTES / 1e6:.0f} MB in {MEASURED_INGEST_SECONDS} s on {MEASURED_CORES} cores",
        f"of ingest, [measured](performance.md); {VCPUS_PER_CORE:g} vCPUs of a G.1X worker count as one of these cores: not measured",
    ),
    (
        f"{OPEN_SECONDS * 1e3:.0f} ms to open an object",
        f"beside its bytes, one after another in each of {SLOTS_PER_WORKER} slots of a worker: not measured",
    ),
    (
        f"{LIST_SECONDS * 1e3:.0f} ms for a LIST of {LIST_KEYS:,} keys",
        "by the driver, one after another: not measured",
    ),
    (f"{START_SECONDS:.0f} s to start", "Glue's session and the wheels: not measured"),
    (
        f"{WORKERS} workers",
        f"as in `env/prod.tfvars`, more where the run would take over {SLOW_SECONDS / 60:.0f} minutes",
    ),
    (f"{RECEIVER_SECONDS * 1e3:.0f} ms at {RECEIVER_GB * 1024:.0f} MB", "for a push in the receiver: not measured"),
    ("1 write unit a push", "into the user map: the receiver may not look whether a person is there"),
    (
        f"{LOG_BYTES_PER_REQUEST:,} bytes of log a push",
        "access log, Lambda's own lines, one line of the receiver, its metrics",
    ),
    (f"{KMS_SHARE:.0%} of object requests", "reach KMS: the bucket key answers the others"),
    (f"{QUERIES} queries a week", f"of whole weekly rows of {QUERY_WEEKS} weeks, people and dashboards together"),
    (
        f"{STEADY_METRICS} metrics all the time",
        f"10 of the receiver, 6 of the API's route; {RUN_METRICS} of the job in {RUN_METRIC_HOURS} hours a week; {ALARMS} alarms",
    ),
    ("no free tier", "is deducted, no discount, no tax; a run ends well at its first attempt"),
)
