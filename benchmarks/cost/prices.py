"""List prices, each with its unit, region and where it was seen; nothing else in this package knows a price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TOKYO, VIRGINIA = "ap-northeast-1", "us-east-1"
#: When prices marked `list` were read, by way of published pages that name AWS's and the day.
LISTED_ON = "2026-09-25"
#: Seen on a page of AWS's own documentation, or on a page of somebody else.
LOOKED_UP_ON = "2026-11-21"

#: `list`: AWS's price list; `page`: see above; `unverified`: from experience, nothing was looked up.
Seen = Literal["list", "page", "unverified"]


@dataclass(frozen=True)
class Price:
    """`dollars` for `per` of `unit`."""

    dollars: float
    per: float
    unit: str
    region: str
    seen: Seen
    service: str

    def of(self, amount: float) -> float:
        """Dollars for an amount of the unit."""
        return amount / self.per * self.dollars

    @property
    def source(self) -> str:
        """Where and when it was seen."""
        return {
            "list": f"price list, {LISTED_ON}",
            "page": f"documentation or calculator page, {LOOKED_UP_ON}",
            "unverified": "**not verified**",
        }[self.seen]


PRICES = {
    "glue": Price(0.44, 1, "DPU-hour", VIRGINIA, "list", "glue"),
    "s3_storage": Price(0.025, 1, "GB-month", TOKYO, "list", "s3"),
    "s3_put": Price(0.0047, 1e3, "PUTs or LISTs", TOKYO, "list", "s3"),
    "s3_get": Price(0.00037, 1e3, "GETs", TOKYO, "list", "s3"),
    "lambda_requests": Price(0.20, 1e6, "requests", VIRGINIA, "list", "lambda"),
    "lambda_gb_seconds": Price(0.0000133334, 1, "GB-second, arm64", VIRGINIA, "page", "lambda"),
    "http_api": Price(1.29, 1e6, "requests of up to 512 KB", TOKYO, "unverified", "api-gateway"),
    "dynamodb_write": Price(0.625, 1e6, "write units, on demand", VIRGINIA, "unverified", "dynamodb"),
    "dynamodb_read": Price(0.125, 1e6, "read units, on demand", VIRGINIA, "unverified", "dynamodb"),
    "dynamodb_storage": Price(0.25, 1, "GB-month", VIRGINIA, "unverified", "dynamodb"),
    "dynamodb_recovery": Price(0.20, 1, "GB-month of point-in-time recovery", VIRGINIA, "unverified", "dynamodb"),
    "kms_key": Price(1.00, 1, "key-month", VIRGINIA, "list", "kms"),
    "kms_requests": Price(0.03, 1e4, "requests", VIRGINIA, "list", "kms"),
    "secret": Price(0.40, 1, "secret-month", VIRGINIA, "list", "secrets-manager"),
    "secret_requests": Price(0.05, 1e4, "calls", VIRGINIA, "unverified", "secrets-manager"),
    "logs_in": Price(0.76, 1, "GB taken in", TOKYO, "unverified", "cloudwatch"),
    "logs_kept": Price(0.033, 1, "GB-month", TOKYO, "unverified", "cloudwatch"),
    "metric": Price(0.30, 1, "metric-month", VIRGINIA, "unverified", "cloudwatch"),
    "alarm": Price(0.10, 1, "alarm-month", VIRGINIA, "unverified", "cloudwatch"),
    "athena": Price(5.00, 1e12, "bytes scanned, 10 MB at least", VIRGINIA, "list", "athena"),
    "sns_mail": Price(2.00, 1e5, "mails", VIRGINIA, "unverified", "sns"),
    "sns_publish": Price(0.50, 1e6, "publishes", VIRGINIA, "unverified", "sns"),
    "scheduler": Price(1.00, 1e6, "calls", VIRGINIA, "unverified", "eventbridge"),
    "sqs": Price(0.40, 1e6, "requests", VIRGINIA, "unverified", "sqs"),
    "firehose": Price(0.029, 1e9, "bytes in steps of 5 KB", VIRGINIA, "list", "firehose"),
    "trail": Price(0.10, 1e5, "data events", VIRGINIA, "unverified", "cloudtrail"),
}


def page(service: str) -> str:
    """AWS's price page of a service."""
    return f"https://aws.amazon.com/{service}/pricing/"
