"""Messages to people: one SNS publish, and at most one per subject of concern."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger

from qol_lambda import lock_table
from qol_lambda.clients import client, error_words
from qol_lambda.messages import Message
from qol_lambda.settings import setting

logger = Logger()


def send(message: Message) -> str:
    """Publish the message and return its id; ClientError when SNS did not take it."""
    answer = client("sns").publish(TopicArn=setting("QOL_TOPIC_ARN"), Subject=message.subject, Message=message.body)
    return str(answer["MessageId"])


def send_once(about: str, message: Message, now: datetime, week: str | None = None) -> bool:
    """Publish unless that was done for `notice#<about>` before; whether a message went out.

    In doubt twice, never not at all: a publish that failed, or whose function died, leaves the way free for the next,
    and a lock table that does not answer keeps no message back. `week` is the one people now know about. Raises when
    SNS did not take the message.
    """
    name = f"notice#{about}"
    is_mine, before = _taken(name, now)
    if not is_mine:
        return False
    try:
        message_id = send(message)
    except Exception:
        _quietly(lock_table.release, name, now, before)
        raise
    _quietly(lock_table.complete, name, now, "message_id", message_id)
    if week:
        _quietly(lock_table.note_alert, week, about, now)
    return True


def _taken(name: str, now: datetime) -> tuple[bool, lock_table.Item]:
    try:
        return lock_table.take(name, now, done="message_id")
    except Exception as err:  # noqa: BLE001 (whatever the table has, people hear of the run)
        logger.warning("the lock table did not answer", extra={"reason": error_words(err)})
        return True, {}


def _quietly(step: Callable[..., object], *values: Any) -> None:
    """Make a step whose failure costs at most a second message."""
    try:
        step(*values)
    except Exception as err:  # noqa: BLE001 (as above)
        logger.warning("a note about a message was not written", extra={"reason": error_words(err)})
