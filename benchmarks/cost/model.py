"""From users to amounts of a week, from amounts to dollars and to the limits of the design."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

FOLDER = Path(__file__).parent
PRICE_LIST, BASES, MEASURED = (
    yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8")) for name in ("prices", "assumptions", "measured")
)
PRICES: dict[str, dict[str, Any]] = PRICE_LIST["prices"]
TYPES: dict[str, dict[str, float]] = BASES.pop("types")
FIGURES = {benchmark: SimpleNamespace(**figures) for benchmark, figures in MEASURED.items()}


def value_of(entry: dict[str, Any]) -> float:
    """What an entry of assumptions.yaml says, or what follows from the figures of benchmarks."""
    return float(f"{eval(entry['derived'], {}, FIGURES):.3g}") if "derived" in entry else entry["value"]


def shown(value: float) -> str:
    """A value of the page, whole numbers without a point."""
    return f"{value:.0f}" if value == int(value) else str(value)


A = SimpleNamespace(**{name: value_of(entry) for group in BASES.values() for name, entry in group.items()})

PUSHES_PER_DAY = sum(t["pushes"] for t in TYPES.values())
BYTES_PER_DAY = sum(t["pushes"] * t["records"] * t["bytes"] for t in TYPES.values())
WEEKS_PER_MONTH = 365 / 12 / 7


class Case:
    """Amounts of an installation's week; `gathered`: arriving objects are put together before the job reads them."""

    def __init__(self, users: int, *, gathered: bool = False) -> None:
        self.users, self.gathered = users, gathered
        self.pushes = users * PUSHES_PER_DAY * 7
        self.raw_bytes = users * BYTES_PER_DAY * 7
        # One object for each push, or one for so many bytes, at the latest after so many seconds.
        gathered_objects = max(self.raw_bytes / A.gathered_bytes, 7 * 86_400 / A.gathered_seconds)
        self.objects = min(gathered_objects, self.pushes) if gathered else self.pushes
        self.object_bytes = self.raw_bytes / (A.gzip_ratio if gathered else 1)
        # What a run reads, and its requests: a LIST names 1,000 objects of one day, a GET gives 8 MiB.
        self.objects_read = self.objects / 7 * A.read_days
        self.bytes_read = self.raw_bytes / 7 * A.read_days
        self.lists = (self.objects / 7_000 + 1) * A.window_days
        self.gets = self.objects_read + self.object_bytes / 7 * A.read_days / (8 * 2**20)
        # After a year, old versions included.
        published = users * A.published_bytes
        old_weeks = A.weeks_replaced * A.old_version_days / 7
        self.stored_gb = (A.raw_weeks_kept * (self.object_bytes + published) + published * old_weeks) / 1e9


def seconds_per_read() -> float:
    """Seconds of a slot for a small object: S3's answers overlap, the processor's work for each request does not."""
    return float(max(A.read_seconds / A.reads_at_once, A.read_core_seconds * A.vcpus_per_core))


def run_seconds(case: Case, workers: int) -> float:
    """Seconds of a run: its start, the driver's listing and assembling, and the work that workers share."""
    driver = case.users * A.weeks_computed * A.tables * A.driver_core_seconds_per_user_week * A.vcpus_per_core
    core_seconds = case.bytes_read / A.ingest_bytes_per_core_second * A.envelope_factor
    core_seconds += case.users * A.weeks_computed * len(TYPES) * A.reduce_core_seconds_per_user_week
    shared = core_seconds * A.vcpus_per_core + case.objects_read * seconds_per_read()
    return float(A.start_seconds + case.lists * A.list_seconds + driver + shared / ((workers - 1) * A.slots_per_worker))


def job_run(case: Case) -> tuple[int, float, int]:
    """Workers, seconds and attempts of a run: the fewest workers that are not slow, else all; twice when Glue stops it."""
    choices = range(A.least_workers if case.gathered else A.workers, A.max_workers)
    workers = next((n for n in choices if run_seconds(case, n) <= A.slow_seconds), A.max_workers)
    seconds = run_seconds(case, workers)
    return (workers, seconds, 1) if seconds <= A.timeout_seconds else (workers, A.timeout_seconds, A.attempts)


def dollars(price: str, amount: float) -> float:
    """Dollars for an amount of a price's unit in a week; what is priced by the month is taken by a week's share of it."""
    share = 1 / WEEKS_PER_MONTH if "-month" in PRICES[price]["unit"] else 1
    return float(amount * share / PRICES[price]["per"] * PRICES[price]["dollars"])


def bill(case: Case) -> dict[str, dict[str, float]]:
    """Dollars of a week: component, price's name, dollars."""
    workers, seconds, attempts = job_run(case)
    log_gb = (case.pushes * A.log_bytes_per_push + 5e6) / 1e9
    map_gb = case.users * A.map_item_bytes / 1e9
    gb_seconds = case.pushes * A.receiver_seconds * A.receiver_megabytes / 1024
    steps = sum(t["pushes"] * math.ceil(t["records"] * t["bytes"] / A.firehose_step_bytes) for t in TYPES.values())
    stored_map = {"dynamodb_storage": map_gb, "dynamodb_recovery": map_gb}
    amounts = {
        "Glue job": {"glue": workers * attempts * seconds / 3600},
        "S3": {"s3_storage": case.stored_gb, "s3_put": case.objects + A.run_puts + case.lists, "s3_get": case.gets},
        "Athena": {"athena": A.queries * max(case.users * A.weekly_bytes * A.query_weeks, 1e7)},
        "KMS": {"kms_key": A.keys, "kms_requests": (case.objects + case.gets) * A.kms_share + A.kms_requests},
        "Secrets Manager": {"secret": A.secrets, "secret_requests": A.secret_reads},
        "API Gateway": {"http_api": case.pushes},
        "Lambda": {"lambda_requests": case.pushes, "lambda_gb_seconds": gb_seconds},
        "DynamoDB": {"dynamodb_write": case.pushes, "dynamodb_read": 2 * map_gb * 1e9 / 4096} | stored_map,
        "CloudWatch logs": {"logs_in": log_gb, "logs_kept": log_gb * A.log_days_kept / 7},
        "CloudWatch metrics": {"metric": A.metrics, "alarm": A.alarms},
        "Firehose": {"firehose": case.users * 7 * steps * A.firehose_step_bytes if case.gathered else 0.0},
    }
    return {component: {p: dollars(p, amount) for p, amount in lines.items()} for component, lines in amounts.items()}


def api_bill(users: int, door: str) -> dict[str, dict[str, float]]:
    """Dollars of a week of the API behind one door, `lambda` or `fargate`, beside the rest: component, price's name, dollars."""
    posts, hours = users * A.api_posts * 7, 7 * 24
    requests = posts + users * A.api_reads * 7
    tasks = max(A.api_tasks, math.ceil(requests / 7 / 86_400 * A.peak_over_mean / A.api_most_requests))
    log_gb = requests * A.api_log_bytes / 1e9
    doors = {
        "lambda": {
            "HTTP API": {"http_api": requests},
            "Lambda": {"lambda_requests": requests, "lambda_gb_seconds": requests * A.api_seconds * A.api_megabytes / 1024},
        },
        "fargate": {
            "Fargate": {"fargate_vcpu": tasks * hours / 2, "fargate_gb": tasks * hours, "public_ip": (tasks + 2) * hours},
            "Load balancer": {"balancer": hours, "balancer_units": hours * max(1, requests / 7 / 86_400 / 25)},
        },
    }  # fmt: skip
    amounts = doors[door] | {
        "CloudFront and firewall": {"edge_requests": requests, "firewall": 1, "firewall_requests": requests},
        "DynamoDB: counters, state": {"dynamodb_write": 2 * requests, "dynamodb_read": 4 * requests},
        "S3: a new object for each batch": {"s3_put": posts, "s3_get": posts},
        "CloudWatch logs": {"logs_in": log_gb},
    }
    return {component: {p: dollars(p, amount) for p, amount in lines.items()} for component, lines in amounts.items()}


def limits() -> dict[str, int]:
    """Users at which each limit of the design is met."""
    peak = PUSHES_PER_DAY / 86_400 * A.peak_over_mean  # requests a second of a user

    def job(workers: int, seconds: float, *, gathered: bool = False) -> int:
        none, many = (run_seconds(Case(users, gathered=gathered), workers) for users in (0, 10**8))
        return int((seconds - none) / (many - none) * 10**8)

    return {
        "slow": job(A.workers, A.slow_seconds),
        "timeout": job(A.max_workers, A.timeout_seconds),
        "gathered": job(A.max_workers, A.slow_seconds, gathered=True),
        "driver": int(A.driver_bytes / A.driver_bytes_per_object / PUSHES_PER_DAY / A.window_days),
        "throttle": int(A.throttle_per_second / peak),
        "concurrency": int(A.receiver_concurrency / (peak * A.receiver_seconds)),
        "put": int(3_500 / peak),
        "stream": int(A.stream_bytes_per_second / (BYTES_PER_DAY / 86_400 * A.peak_over_mean)),
        "partition": A.partition_limit_bytes // A.largest_partition_bytes,
        "query": A.query_limit_bytes // (A.weekly_bytes * 52),
    }
