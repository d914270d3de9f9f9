"""The collector on AWS: what a schedule and a queue make it store, and whom it tells, with a fake vendor and a bucket."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws

from qol.aws.requests import _client
from qol.collect.aws_function import handler
from qol.contracts.collect_rules import read_collect_rules
from qol.contracts.roots import default_root
from qol.errors import UsageError
from qol_dev.fake_oura import SCENARIOS, FakeOura, RingDocuments, running
from qol_dev.fake_oura.vendor_app import CLIENT_ID, CLIENT_SECRET
from tests.builders import CONTRACTS
from tests.edges import ENVIRONMENT, contents, make_bucket

TODAY = datetime.now(UTC).date()
SLEPT = {"id": "night-1", "day": str(TODAY), "score": 80}
DELETION = '{"event_type": "delete",\n"object_id": "night-1", "user_id": "ann"}'
Files = Callable[[], Mapping[str, bytes]]
CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)


@pytest.fixture
def vendor() -> FakeOura:
    documents = RingDocuments(tuple(CONTRACTS.collected["oura"]))
    for person in ("ann", "bob"):
        documents.put(person, "daily_sleep", {**SLEPT, "score": len(person)}, datetime.now(UTC) - timedelta(days=1))
    return FakeOura(documents)


@pytest.fixture
def stored(vendor: FakeOura, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    """An account with the function's settings; what is in its bucket."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    vendor.write_tokens(tmp_path / "tokens")
    _client.cache_clear()
    with mock_aws(), running(vendor.app) as address:
        import boto3

        client = make_bucket("lake")
        secret = json.dumps({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})
        boto3.client("secretsmanager").create_secret(Name="qol/collect/oura", SecretString=secret)
        settings = {"COLLECT_SOURCE": "oura", "COLLECT_SECRET": "qol/collect/oura", "BUCKET": "lake", "PREFIX": "p/"}
        settings |= {"TOKENS": str(tmp_path / "tokens"), "OURA_BASE": f"{address}/v2/usercollection"}
        for name, value in settings.items():
            monkeypatch.setenv(f"QOL_{name}", value)
        for name in ("CLIENT_ID", "CLIENT_SECRET"):  # so that they are gone again afterwards
            monkeypatch.setenv(f"QOL_OURA_{name}", "")
        yield lambda: contents(client, "lake", "p/")
    _client.cache_clear()


def messages(**by_id: Mapping[str, Any] | str) -> dict[str, Any]:
    bodies = {name: body if isinstance(body, str) else json.dumps(body) for name, body in by_id.items()}
    return {"Records": [{"messageId": name, "body": body} for name, body in bodies.items()]}


def announced(person: str, document: str = "night-1", record: str = "daily_sleep") -> dict[str, str]:
    return {"source": "oura", "user_id": person, "record": record, "document_id": document, "received_at": ""}


def lines(files: Mapping[str, bytes], folder: str) -> list[Any]:
    return [json.loads(line) for key in files if key.startswith(folder) for line in files[key].splitlines()]


def test_a_schedule_collects_what_is_new_and_tells_who_was_refused(
    stored: Files, vendor: FakeOura, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import boto3

    topic = boto3.client("sns").create_topic(Name="alert")["TopicArn"]
    monkeypatch.setenv("QOL_TOPIC_ARN", topic)
    vendor.scenarios["ann"] = SCENARIOS["revoked"]
    vendor.tokens.access.clear()  # so that both have to refresh, of whom one may not
    assert handler({"source": "oura"}, CONTEXT)["status"] == "partial"
    files = stored()
    assert [line["user_id"] for line in lines(files, "raw/oura/daily_sleep/") if line["data"]] == ["bob"]
    assert [key.rpartition("/")[0] for key in files if not key.startswith("raw/")] == [
        "_collects",
        "quarantine/collect",
    ]
    out = capsys.readouterr().out
    (metrics,) = [line for line in map(json.loads, out.splitlines()) if "_aws" in line]
    assert (metrics["source"], metrics["collected_documents"], metrics["uncollected_users"]) == ("oura", [1.0], [1.0])
    assert not [word for word in ("ann", "bob", CLIENT_SECRET) if word in out]


def test_an_announced_document_is_collected_alone_and_a_deletion_is_stored_once(stored: Files) -> None:
    deletion = {"deletion": DELETION, "folder": "raw/oura/deleted", "received_at": "2026-11-18T00:05:03.000250Z"}
    answers = [handler(messages(a=announced("ann"), b=deletion), CONTEXT) for _ in range(2)]
    assert answers == [{"batchItemFailures": []}] * 2
    files = stored()
    nights = lines(files, "raw/oura/daily_sleep/")
    assert [(night["id"], night["user_id"], night["score"]) for night in nights] == [("night-1", "ann", 3)] * 2
    (gone,) = lines(files, "raw/oura/deleted/date=2026-11-18/")
    message = {"event_type": "delete", "object_id": "night-1", "user_id": "ann"}
    assert gone == message | {"_received_at": "2026-11-18T00:05:03.000250Z"}


def test_a_message_comes_again_while_the_vendor_is_down_and_not_when_nothing_can_mend_it(
    stored: Files, vendor: FakeOura
) -> None:
    vendor.scenarios |= {"ann": SCENARIOS["down"], "bob": SCENARIOS["revoked"]}
    del vendor.tokens.access[next(token for token, known in vendor.tokens.access.items() if known[0] == "bob")]
    event = messages(a=announced("ann"), b=announced("bob"), c=announced("ann", "../../x"), d=announced("eve"))
    assert handler(event, CONTEXT) == {"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "c"}]}
    assert lines(stored(), "raw/") == []
    with pytest.raises(ValueError, match="Expecting value"):
        handler(messages(a="garbage"), CONTEXT)


def test_the_function_reads_what_all_contracts_say_of_a_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rules = read_collect_rules(default_root(), "oura")
    assert rules.collected["oura"] == CONTRACTS.collected["oura"]
    assert {name: CONTRACTS.by_name[name].paths for name in rules.by_name} == {
        n: f.paths for n, f in rules.by_name.items()
    }
    assert read_collect_rules(default_root(), "survey").collected == {}
    (tmp_path / "sources" / "x").mkdir(parents=True)
    for text in ("collect: {base: 1}", "- a", "a: 1\na: 2"):
        (tmp_path / "sources" / "x" / "y.yaml").write_text(text)
        with pytest.raises(UsageError, match="qol contracts check"):
            read_collect_rules(tmp_path, "x")
    monkeypatch.delenv("QOL_COLLECT_SOURCE", raising=False)
    with pytest.raises(UsageError, match="QOL_COLLECT_SOURCE: not set"):
        handler({}, CONTEXT)
