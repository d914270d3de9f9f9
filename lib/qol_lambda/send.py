"""Notifications through SNS, each sent once."""

from datetime import datetime

from qol_lambda import lock_table
from qol_lambda.clients import client, log_errors
from qol_lambda.messages import Message
from qol_lambda.settings import setting

_NOT_UPDATED = "the lock table was not updated"


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
    is_own, before = True, lock_table.Item()
    with log_errors("the lock table did not answer"):
        is_own, before = lock_table.take(name, now, done="message_id")
    if not is_own:
        return False
    try:
        message_id = send(message)
    except Exception:
        with log_errors(_NOT_UPDATED):
            lock_table.release(name, now, before)
        raise
    with log_errors(_NOT_UPDATED):
        lock_table.complete(name, now, "message_id", message_id)
    if week:
        with log_errors(_NOT_UPDATED):
            lock_table.note_alert(week, about, now)
    return True
