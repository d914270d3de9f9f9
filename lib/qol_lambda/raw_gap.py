"""`qol-raw-gap-check`: active users without data for some days, as a small table and metrics; no message is sent about them."""

import csv
import io
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from qol.aws.emf import NAMESPACE
from qol_lambda.athena import query_csv
from qol_lambda.clients import client, error_summary
from qol_lambda.kick_messages import gaps_failed
from qol_lambda.schedule import local_day, scheduled_time
from qol_lambda.send import send
from qol_lambda.settings import setting, this_installation

REPORTS = "_reports/raw_gaps/"
COLUMNS = ("user_id", "last_day", "registered_on", "days_without_data")
LAST_DAYS = "SELECT user_id, CAST(MAX(day) AS VARCHAR) AS last_day FROM daily_metrics GROUP BY user_id"

logger = Logger()
metrics = Metrics(namespace=NAMESPACE)


class Gap(NamedTuple):
    """An active user without data: internal id, last day with data, day of registration, days since."""

    user_id: str
    last_day: date | None
    registered_on: date | None
    days: int | None


def handler(event: Mapping[str, Any], _context: Any) -> dict[str, Any]:
    """The Lambda handler, for the schedule's input: write the table and count.

    `{"date": …, "people_active": …, "people_without_data": …}`; a check that fails sends a notification and raises.
    """
    try:
        today = local_day(scheduled_time(event))
        min_days = int(setting("QOL_GAP_DAYS", "14"))
        users = active_people()
        found = gaps(users, last_days(), today, min_days)
        _write(found, today)
    except Exception as err:
        send(gaps_failed(this_installation(), error_summary(err)))
        raise
    counts = {"people_active": len(users), "people_without_data": len(found)}
    metrics.add_dimension(name="stage", value=this_installation().stage)
    for name, count in counts.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    metrics.flush_metrics()
    result = {"date": today.isoformat(), **counts}
    logger.info("checked", extra=result)
    return result


def gaps(users: Mapping[str, date | None], last: Mapping[str, date], today: date, min_days: int) -> list[Gap]:
    """Users whose last day with data, else whose registration, is at least `min_days` ago; a user with neither counts."""
    found: list[Gap] = []
    for user_id, registered_on in sorted(users.items()):
        since = last.get(user_id) or registered_on
        days = (today - since).days if since else None
        if days is None or days >= min_days:
            found.append(Gap(user_id, last.get(user_id), registered_on, days))
    return found


def active_people() -> dict[str, date | None]:
    """Internal ids with an active entry in the user map, and the first registration day; vendor ids are not read."""
    pages = client("dynamodb").get_paginator("scan").paginate(
        TableName=setting("QOL_USER_MAP_TABLE"),
        Select="SPECIFIC_ATTRIBUTES",
        ProjectionExpression="user_id, #status, registered_at",
        ExpressionAttributeNames={"#status": "status"},
    )  # fmt: skip
    users: dict[str, date | None] = {}
    for item in (item for page in pages for item in page["Items"]):
        if "user_id" in item and item.get("status", {}).get("S", "active") == "active":
            user_id, registered = item["user_id"]["S"], _day(item.get("registered_at", {}).get("S", ""))
            known = users.get(user_id)
            users[user_id] = min(known, registered) if known and registered else known or registered
    return users


def last_days() -> dict[str, date]:
    """The last day with data of every user who ever had any."""
    days = ((row["user_id"], _day(row["last_day"])) for row in csv.DictReader(query_csv(LAST_DAYS)))
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
    writer.writerows(found)
    key = f"{setting('QOL_PREFIX', '')}{REPORTS}date={today.isoformat()}/raw_gaps.csv"
    client("s3").put_object(
        Bucket=setting("QOL_BUCKET"), Key=key, Body=text.getvalue().encode(), ContentType="text/csv"
    )
