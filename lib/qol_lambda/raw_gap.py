"""`qol-raw-gap-check`: active people without data for some days, as a small table and a number; nobody is written to about it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from qol_lambda.athena import answer
from qol_lambda.clients import client, error_words
from qol_lambda.kick_messages import gaps_failed
from qol_lambda.place import this_place
from qol_lambda.schedule import local_day, scheduled_time
from qol_lambda.send import send
from qol_lambda.settings import setting

REPORTS = "_reports/raw_gaps/"
COLUMNS = ("user_id", "last_day", "registered_on", "days_without_data")
LAST_DAYS = "SELECT user_id, CAST(MAX(day) AS VARCHAR) AS last_day FROM daily_metrics GROUP BY user_id"

logger = Logger()
metrics = Metrics(namespace=setting("POWERTOOLS_METRICS_NAMESPACE", "QoLLake"))


@dataclass(frozen=True)
class Gap:
    """An active person without data: by the internal id, the last day with data, the day of registration."""

    user_id: str
    last_day: date | None
    registered_on: date | None
    days: int | None


@metrics.log_metrics
def handler(event: Mapping[str, Any], _context: Any) -> dict[str, Any]:
    """Lambda's entry: an input of the schedule."""
    return check(event)


def check(event: Mapping[str, Any]) -> dict[str, Any]:
    """Write the table and count; `{"date": …, "people_active": …, "people_without_data": …}`.

    A check that cannot be made is told to people, and raises.
    """
    try:
        today = local_day(scheduled_time(event))
        least = int(setting("QOL_GAP_DAYS", "14"))
        people = active_people()
        found = gaps(people, last_days(), today, least)
        _write(found, today)
    except Exception as err:
        send(gaps_failed(this_place(), error_words(err)))
        raise
    metrics.add_dimension(name="stage", value=this_place().stage)
    metrics.add_metric(name="people_active", unit=MetricUnit.Count, value=len(people))
    metrics.add_metric(name="people_without_data", unit=MetricUnit.Count, value=len(found))
    counts = {"date": today.isoformat(), "people_active": len(people), "people_without_data": len(found)}
    logger.info("checked", extra=counts)
    return counts


def gaps(people: Mapping[str, date | None], last: Mapping[str, date], today: date, least: int) -> list[Gap]:
    """People whose last day with data, or whose registration where there is none, is at least so many days ago.

    Somebody of whom neither is known counts: nothing says that there ever was data.
    """
    found: list[Gap] = []
    for user_id, registered_on in sorted(people.items()):
        last_day = last.get(user_id)
        since = last_day or registered_on
        days = (today - since).days if since else None
        if days is None or days >= least:
            found.append(Gap(user_id, last_day, registered_on, days))
    return found


def active_people() -> dict[str, date | None]:
    """Internal ids with an active entry in the user map, and the first day of one; vendor ids are not even asked for."""
    pages = client("dynamodb").get_paginator("scan").paginate(
        TableName=setting("QOL_USER_MAP_TABLE"),
        Select="SPECIFIC_ATTRIBUTES",
        ProjectionExpression="user_id, #status, registered_at",
        ExpressionAttributeNames={"#status": "status"},
    )  # fmt: skip
    people: dict[str, date | None] = {}
    for item in (item for page in pages for item in page["Items"]):
        if "user_id" in item and item.get("status", {}).get("S", "active") == "active":
            user_id, registered = item["user_id"]["S"], _day(item.get("registered_at", {}).get("S", ""))
            known = people.get(user_id)
            people[user_id] = min(known, registered) if known and registered else known or registered
    return people


def last_days() -> dict[str, date]:
    """The last day with data of everybody who ever had any."""
    days = ((row["user_id"], _day(row["last_day"])) for row in csv.DictReader(answer(LAST_DAYS)))
    return {user_id: day for user_id, day in days if day}


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _write(found: list[Gap], today: date) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for gap in found:
        writer.writerow(["" if v is None else v for v in (gap.user_id, gap.last_day, gap.registered_on, gap.days)])
    key = f"{setting('QOL_PREFIX', '')}{REPORTS}date={today.isoformat()}/raw_gaps.csv"
    body = text.getvalue().encode()
    client("s3").put_object(Bucket=setting("QOL_BUCKET"), Key=key, Body=body, ContentType="text/csv")
