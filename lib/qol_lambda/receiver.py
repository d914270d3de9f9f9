"""`garmin_webhook_receiver`: stores what Garmin pushes, one line per request, before it answers 200.

A line is an object of its own, or goes to the stream that gathers lines into objects. Garmin repeats a delivery that was
not answered with 200; what a repetition stores again, the job keeps once.
"""

import base64
import gzip
import io
import zlib
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import BotoCoreError, ClientError

from qol.aws.emf import NAMESPACE
from qol.errors import QolError, safe_place
from qol.webhooks.bodies import Delivery, read_body, unparsable_key
from qol.webhooks.deadline import QUICK, Deadline, TooLateError
from qol.webhooks.user_map_table import Registered, UserMapTable
from qol.webhooks.webhook_credentials import CLIENT_HEADER
from qol_lambda.clients import client, error_summary, ignore_error
from qol_lambda.erased_accounts import ErasedAccounts
from qol_lambda.settings import setting
from qol_lambda.webhook_secret import NoSecretError, WebhookAuthenticator

GZIP = b"\x1f\x8b"
#: With the stamp of its arrival at most the longest line that the job reads (16 MiB).
MAX_UNPACKED_BYTES = 16 * 2**20 - 128
#: What Firehose takes as one record; a longer line is an object of its own.
MAX_RECORD_BYTES = 1_000 * 2**10
OK, NOT_FOUND, FAILED, UNAVAILABLE = 200, 404, 500, 503

Event = Mapping[str, Any]

logger = Logger()
metrics = Metrics(namespace=NAMESPACE)


def handler(event: Event, context: object) -> dict[str, Any]:  # noqa: ARG001 (Lambda passes it)
    """Answer one request of API Gateway (payload format 2.0)."""
    return receive(event, datetime.now(UTC))


def receive(event: Event, now: datetime) -> dict[str, Any]:
    """Answer a request received at `now`; raises nothing, and logs nothing about a user."""
    reason = ""  # without a traceback, which could hold a value
    try:
        code = _receive(event, now)
    except (TooLateError, NoSecretError, ClientError, BotoCoreError) as err:
        code, reason = UNAVAILABLE, error_summary(err)
    except Exception as err:  # noqa: BLE001 (whatever it is, Garmin has to deliver again)
        code, reason = FAILED, str(err) if isinstance(err, QolError) else safe_place(err)
    if reason:
        logger.error("not stored, to be delivered again", extra={"reason": reason})
    metrics.add_metric("failed_bodies", MetricUnit.Count, int(code in (FAILED, UNAVAILABLE)))
    metrics.add_metric("rejected_tokens", MetricUnit.Count, int(code == NOT_FOUND))
    metrics.flush_metrics()
    return {"statusCode": code, "body": ""}


def _receive(event: Event, now: datetime) -> int:
    deadline = Deadline()
    token = str((event.get("pathParameters") or {}).get("token") or "")
    if not authenticator().verify(token, _header(event, CLIENT_HEADER)):
        logger.warning("refused: wrong token or client id")
        return NOT_FOUND
    body, is_whole = _body(event)
    plain = _unpacked(body) if is_whole else None
    delivery = None if plain is None else read_body(plain, now, deadline.check)
    metrics.add_metric("bodies", MetricUnit.Count, 1)
    metrics.add_metric("body_bytes", MetricUnit.Bytes, len(body))
    metrics.add_metric("unparsable_bodies", MetricUnit.Count, int(delivery is None))
    if delivery is None:
        _put(unparsable_key(body, now), body)
        logger.warning("stored an unparsable body", extra={"bytes": len(body)})
        return OK
    _store(delivery, now, deadline)
    _report(delivery, len(body))
    return OK


def _store(delivery: Delivery, now: datetime, deadline: Deadline) -> None:
    table = UserMapTable(setting("QOL_USER_MAP_TABLE"), erased().among, registered())
    table.update(delivery.users, delivery.controls, now, deadline)
    deadline.check()
    stream = setting("QOL_STREAM", "")
    if stream and 0 < len(delivery.line) <= MAX_RECORD_BYTES:
        client("firehose", QUICK).put_record(DeliveryStreamName=stream, Record={"Data": delivery.line})
    elif delivery.line:
        _put(delivery.key, delivery.line)


def _put(key: str, data: bytes) -> None:
    """Store an object; an existing one is of an earlier delivery of the same body."""
    bucket, key = setting("QOL_BUCKET"), setting("QOL_PREFIX", "") + key
    with ignore_error("PreconditionFailed"):
        client("s3", QUICK).put_object(Bucket=bucket, Key=key, Body=data, IfNoneMatch="*")


def _report(delivery: Delivery, size: int) -> None:
    for record, count in sorted(delivery.records.items()):
        with single_metric(name="records", unit=MetricUnit.Count, value=count, namespace=NAMESPACE) as one:
            one.add_dimension(name="record", value=record)
    logger.info("stored", extra={"bytes": size, "records": dict(delivery.records)})


@cache
def authenticator() -> WebhookAuthenticator:
    """This function's authenticator, which caches the secret between requests."""
    name = setting("QOL_WEBHOOK_SECRET")
    return WebhookAuthenticator(
        lambda: str(client("secretsmanager", QUICK).get_secret_value(SecretId=name)["SecretString"])
    )


#: The users that this function wrote to the map lately.
registered = cache(Registered)
#: Accounts that were erased; what they send is stored, and the next run counts it and keeps none.
erased = cache(ErasedAccounts)


def _header(event: Event, wanted: str) -> str:
    headers = event.get("headers") or {}
    return next((str(value) for name, value in headers.items() if name.lower() == wanted), "")


def _body(event: Event) -> tuple[bytes, bool]:
    """The body's bytes as Garmin sent them, and whether they could be decoded."""
    text = event.get("body") or ""
    is_base64 = bool(event.get("isBase64Encoded"))
    with suppress(ValueError):
        if is_base64:
            return base64.b64decode(text, validate=True), True
    return text.encode("utf-8", "surrogatepass"), not is_base64


def _unpacked(body: bytes) -> bytes | None:
    """A body without its compression by gzip; None when it does not unpack, or to more than a body may have.

    What it begins with decides, not its header: no JSON begins like gzip, and a proxy may have undone it already.
    """
    if not body.startswith(GZIP):
        return body
    with suppress(OSError, EOFError, zlib.error), gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
        plain = packed.read(MAX_UNPACKED_BYTES + 1)
        return plain if len(plain) <= MAX_UNPACKED_BYTES else None
    return None
