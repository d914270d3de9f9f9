"""The collector as a function on AWS: a schedule collects what is new of a source, its queue the announced documents.

Its zip has the contracts, but no library that reads tables.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from qol.aws.emf import emf_line
from qol.aws.requests import RetryPolicy, aws_client
from qol.collect.addresses import variable
from qol.collect.collect_manifest import CollectManifest
from qol.collect.collector import Collector, CollectOutcome, CollectRequest, endpoints
from qol.collect.notice import tell
from qol.collect.pages import Page
from qol.collect.tokens import open_tokens
from qol.contracts.collect_rules import read_collect_rules
from qol.contracts.roots import default_root
from qol.errors import UsageError
from qol.lake import Lake, open_lake

#: What a run leaves of the function's time, for its manifest and message.
SPARE_SECONDS = 20.0
#: Refusals that a repetition of a message does not mend; the person's next scheduled run tells of them.
_FINAL = frozenset({"scope", "membership", "connect_again"})
_POLICY = RetryPolicy(attempts=3, connect_seconds=3.0, read_seconds=10.0)

Message = Mapping[str, Any]


def handler(event: Mapping[str, Any], context: Any) -> Mapping[str, Any]:
    """Collect for a schedule, or for messages of the queue, whose failed ones are answered so that they come again."""
    seconds = max(context.get_remaining_time_in_millis() / 1_000 - SPARE_SECONDS, 1.0)
    source = _setting("QOL_COLLECT_SOURCE")
    _use_secret(source)
    if "Records" in event:
        return _announced(source, event["Records"], seconds)
    outcome = _collect(CollectRequest(source, now=datetime.now(UTC), deadline_seconds=seconds), _lake())
    if outcome.manifest.status != "complete" and (problem := tell(outcome.manifest)):
        _log({"message": "the message about this run was not sent", "reason": problem})
    if outcome.error is not None:
        raise outcome.error
    return {"run_id": outcome.manifest.run_id, "status": outcome.manifest.status}


def _announced(source: str, records: Sequence[Mapping[str, Any]], seconds: float) -> Mapping[str, Any]:
    """Store deletions as they came, collect the other documents; which messages failed."""
    lake, failed = _lake(), []
    documents: dict[str, tuple[str, str, str]] = {}
    for record in records:
        message = json.loads(record["body"])
        if "deletion" in message:
            _store_deletion(lake, message)
        else:
            documents[record["messageId"]] = (message["user_id"], message["record"], message["document_id"])
    if documents:
        asked = CollectRequest(source, deadline_seconds=seconds, documents=tuple(documents.values()))
        outcome = _collect(asked, lake)
        if outcome.error is not None:
            raise outcome.error
        again = {(f.user_id, f.record) for f in outcome.failures if f.reason not in _FINAL}
        failed = [message_id for message_id, document in documents.items() if document[:2] in again]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _store_deletion(lake: Lake, message: Message) -> None:
    """Put the message of a deletion as a raw line; one that comes again finds its object."""
    body = " ".join(str(message["deletion"]).split("\n")).strip().encode()
    received = datetime.fromisoformat(message["received_at"])
    name = hashlib.sha256(body).hexdigest()
    key = f"{message['folder']}/date={received.date()}/{name}.jsonl"
    lake.put_if_absent(key, Page(body, 1, None).line({}, received))


def _collect(request: CollectRequest, lake: Lake) -> CollectOutcome:
    rules = read_collect_rules(default_root(), request.source)
    kinds = {collect.auth.kind for collect in endpoints(rules, request).values()}
    store = None if kinds == {"none"} else open_tokens(os.environ.get("QOL_TOKENS"), request.source)
    outcome = Collector(lake, rules, request, store, _log).run()
    _write(_metrics(outcome.manifest))
    return outcome


def _metrics(manifest: CollectManifest) -> str:
    counted = {
        "collected_documents": sum(counts.documents for counts in manifest.records),
        "uncollected_users": manifest.failed_users,
    }
    values = {name: (float(value), "Count") for name, value in counted.items()}
    return emf_line({"source": manifest.source}, values, {"run_id": manifest.run_id}, datetime.now(UTC))


def _log(line: Mapping[str, Any]) -> None:
    _write(json.dumps(dict(line)))


def _write(line: str) -> None:
    """A line of the function's log, where CloudWatch finds metrics too."""
    sys.stdout.write(f"{line}\n")


def _use_secret(source: str) -> None:
    """Put the client's id and secret where requests for tokens look for them; a source without any has no secret."""
    name = os.environ.get("QOL_COLLECT_SECRET")
    if not name:
        return
    text = aws_client("secretsmanager", _POLICY).get_secret_value(SecretId=name)["SecretString"]
    try:
        found = json.loads(text)
        os.environ.update({variable(source, word.upper()): str(found[word]) for word in ("client_id", "client_secret")})
    except (ValueError, KeyError, TypeError):
        raise UsageError(f'secret {name}: allowed: {{"client_id": "…", "client_secret": "…"}}') from None


def _lake() -> Lake:
    place = f"s3://{_setting('QOL_BUCKET')}/{os.environ.get('QOL_PREFIX', '')}".rstrip("/")
    return open_lake(place, kms_key=os.environ.get("QOL_KMS_KEY"))


def _setting(name: str) -> str:
    if name not in os.environ:
        raise UsageError(f"environment variable {name}: not set; allowed: a value (Terraform sets it)")
    return os.environ[name]
