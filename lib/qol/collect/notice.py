"""One message about a run that did not collect everything: to a topic of SNS, else to Slack; without either, none is sent."""

import os

from qol.collect.collect_manifest import CollectManifest
from qol.collect.refusals import REASONS
from qol.contracts.wording import count
from qol.errors import LakeError

SLACK, TOPIC = "QOL_SLACK_WEBHOOK", "QOL_TOPIC_ARN"
_SECONDS = 10.0


def failure_text(manifest: CollectManifest) -> str:
    """What happened, in a few lines: counts and reasons, no person."""
    failed = f"{manifest.failed_users} of {count(manifest.users, 'user')}"
    stale = [counts.record for counts in manifest.records if counts.stale]
    lines = [f"qol collect {manifest.source}: {manifest.status}, {failed} not collected as a whole ({manifest.run_id})"]
    lines += [f"{reason}: {times} x {REASONS[reason]}" for reason, times in manifest.refused.items()]
    lines += [f"nothing new of: {', '.join(stale)}"] if stale else []
    return "\n".join([*lines, *([manifest.error] if manifest.error else [])])


def tell(manifest: CollectManifest) -> str | None:
    """Send the message of a run that failed; why it was not sent, None when it was or no receiver is set."""
    text, topic, hook = failure_text(manifest), os.environ.get(TOPIC), os.environ.get(SLACK)
    if topic:
        return _publish(topic, f"qol collect {manifest.source}: {manifest.status}", text)
    return _post(hook, text) if hook else None


def _publish(topic: str, subject: str, text: str) -> str | None:
    from qol.aws.requests import RetryPolicy, aws_client, translate_errors

    policy = RetryPolicy(attempts=4)
    try:
        with translate_errors("SNS", policy):
            aws_client("sns", policy).publish(TopicArn=topic, Subject=subject, Message=text)
    except LakeError as err:
        return str(err)
    return None


def _post(hook: str, text: str) -> str | None:
    import httpx2

    try:
        status = httpx2.post(hook, json={"text": text}, timeout=_SECONDS).status_code
    except (httpx2.HTTPError, httpx2.InvalidURL) as err:  # its text would hold the address, which is a secret
        return f"{SLACK}: not reached ({type(err).__name__})"
    return None if status < 400 else f"{SLACK}: answered HTTP {status}"
