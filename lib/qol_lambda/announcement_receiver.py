"""`qol-announcements`: checks what vendors announce, and queues it before it answers 200.

A forged or stale message gets 401, and nothing of it is kept. What cannot be queued gets 503, and the vendor repeats it.
"""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import BotoCoreError, ClientError

from qol.aws.emf import NAMESPACE
from qol.errors import QolError, safe_place
from qol.webhooks.bodies import stamp
from qol.webhooks.deadline import QUICK
from qol_lambda.announced_sources import SOURCES
from qol_lambda.announcements import (
    AnnouncedSource,
    Announcement,
    ClientSecret,
    is_signed,
    is_verified,
    read_announcement,
    read_client_secret,
)
from qol_lambda.clients import client, error_summary
from qol_lambda.settings import setting
from qol_lambda.webhook_secret import CachedSecret, NoSecretError

OK, UNAUTHORIZED, NOT_FOUND, FAILED, UNAVAILABLE = 200, 401, 404, 500, 503
#: An announcement has a few keys; a longer body is refused.
MAX_BODY_BYTES = 16_384

Event = Mapping[str, Any]

logger = Logger()
metrics = Metrics(namespace=NAMESPACE)


def handler(event: Event, context: object) -> dict[str, Any]:  # noqa: ARG001 (Lambda passes it)
    """Answer one request of API Gateway (payload format 2.0)."""
    return answer(event, datetime.now(UTC))


def answer(event: Event, now: datetime) -> dict[str, Any]:
    """Answer a request received at `now`; raises nothing, and logs nothing about a user."""
    reason, body = "", ""
    try:
        code, body = _answer(event, now)
    except (NoSecretError, ClientError, BotoCoreError) as err:
        code, reason = UNAVAILABLE, error_summary(err)
    except Exception as err:  # noqa: BLE001 (whatever it is, the vendor has to announce again)
        code, reason = FAILED, str(err) if isinstance(err, QolError) else safe_place(err)
    if reason:
        logger.error("not queued, to be announced again", extra={"reason": reason})
    metrics.add_metric("failed_announcements", MetricUnit.Count, int(code in (FAILED, UNAVAILABLE)))
    metrics.add_metric("forged_announcements", MetricUnit.Count, int(code == UNAUTHORIZED))
    metrics.flush_metrics()
    return {"statusCode": code, "headers": {"content-type": "application/json"}, "body": body}


def _answer(event: Event, now: datetime) -> tuple[int, str]:
    http = event["requestContext"]["http"]
    name = str(http["path"]).strip("/").partition("/")[0]
    source = SOURCES.get(name)
    if source is None:
        return NOT_FOUND, ""
    if http["method"] == "GET":
        return _verify(name, source, event.get("queryStringParameters") or {})
    body = _body(event)
    headers = {key.lower(): str(value) for key, value in (event.get("headers") or {}).items()}
    if len(body) > MAX_BODY_BYTES or not client_secret(name).accepts(
        lambda secret: is_signed(source, headers, body, secret, now)
    ):
        logger.warning("refused: wrong signature or time", extra={"source": name})
        return UNAUTHORIZED, ""
    found = read_announcement(source, body)
    if found is not None and (found.deleted or found.record):
        _queue(name, found, body, now)
    else:
        what = "an announcement that is not readable" if found is None else "a record type that is not collected"
        logger.warning("not queued", extra={"source": name, "reason": what})
    metrics.add_metric("announcements", MetricUnit.Count, 1)
    metrics.add_metric("unreadable_announcements", MetricUnit.Count, int(found is None))
    return OK, ""


def _verify(name: str, source: AnnouncedSource, parameters: Mapping[str, str]) -> tuple[int, str]:
    if not client_secret(name).accepts(lambda secret: is_verified(source, parameters, secret)):
        logger.warning("refused: wrong verification token", extra={"source": name})
        return UNAUTHORIZED, ""
    return OK, json.dumps({source.challenge: parameters[source.challenge]})


@cache
def client_secret(name: str) -> CachedSecret[ClientSecret]:
    """This function's cache of a source's secret, kept between requests."""
    secret_id = json.loads(setting("QOL_COLLECT_SECRETS"))[name]
    return CachedSecret(
        lambda: str(client("secretsmanager", QUICK).get_secret_value(SecretId=secret_id)["SecretString"]),
        read_client_secret,
    )


def _queue(name: str, found: Announcement, body: bytes, now: datetime) -> None:
    """Queue what the collector needs; a deletion is passed on as it came, because it is a record."""
    message: dict[str, Any] = {"source": name, "user_id": found.person, "received_at": stamp(now)}
    if found.deleted:
        message |= {"deletion": body.decode(), "folder": SOURCES[name].deletions}
    else:
        message |= {"record": found.record, "document_id": found.document}
    queue = json.loads(setting("QOL_ANNOUNCEMENT_QUEUES"))[name]
    client("sqs", QUICK).send_message(QueueUrl=queue, MessageBody=json.dumps(message))


def _body(event: Event) -> bytes:
    text = event.get("body") or ""
    return base64.b64decode(text) if event.get("isBase64Encoded") else text.encode("utf-8", "surrogatepass")
