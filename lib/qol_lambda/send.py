"""Notifications through SNS, each sent once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger

from qol_lambda import lock_table
from qol_lambda.clients import client, error_summary
from qol_lambda.messages import Message
from qol_lambda.settings import setting

logger = Logger()


def send(message: Message) -> str:
    """Publish the message and return its id; ClientError when SNS refuses it."""
    answer = client("sns").publish(TopicArn=setting("QOL_TOPIC_ARN"), Subject=message.subject, Message=message.body)
    return str(answer["MessageId"])


def send_once(about: str, message: Message, now: datetime, week: str | None = None) -> bool:
    """Publish the message and return True, unless one was published for `notice#<about>` before.

    In doubt it is sent twice, never lost: a publish that failed, or whose function died, is repeated by the next call, and
    a lock table that does not answer prevents none. `week` is recorded as notified. Raises when SNS refuses the message.
    """
    name = f"notice#{about}"
    is_own, before = _taken(name, now)
    if not is_own:
        return False
    try:
        message_id = send(message)
    except Exception:
        _without_failing(lock_table.release, name, now, before)
        raise
    _without_failing(lock_table.complete, name, now, "message_id", message_id)
    if week:
        _without_failing(lock_table.note_alert, week, about, now)
    return True


def _taken(name: str, now: datetime) -> tuple[bool, lock_table.Item]:
    try:
        return lock_table.take(name, now, done="message_id")
    except Exception as err:  # noqa: BLE001 (the notification is sent whatever the table answers)
        logger.warning("the lock table did not answer", extra={"reason": error_summary(err)})
        return True, {}


def _without_failing(step: Callable[..., object], *values: Any) -> None:
    """Call a step whose failure costs at most a second notification."""
    try:
        step(*values)
    except Exception as err:  # noqa: BLE001 (as above)
        logger.warning("the lock table was not updated", extra={"reason": error_summary(err)})
