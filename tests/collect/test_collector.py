"""What a run does with a vendor that is not always well: what is stored, who fails, what the next run asks."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest

from qol.collect.collect_manifest import read_collects
from qol.collect.watermarks import read_state
from qol.errors import LakeError
from qol.lake import LocalLake
from tests.collect.conftest import NOW, Answer, Collect, in_turn, owner, page, raw_lines, sleep, text, write_tokens


def test_pages_become_lines_of_one_object_and_the_last_day_is_remembered(collect: Collect, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    outcome = collect(in_turn(page(sleep("2026-11-15"), next_token="t"), page(sleep("2026-11-16"))))

    first, second = map(json.loads, raw_lines(lake))
    assert (first["data"], first["user_id"], first["next_token"]) == ([sleep("2026-11-15")], "u1", "t")
    assert (second["data"], second["_received_at"][:17]) == ([sleep("2026-11-16")], "2026-11-18T00:05:")
    (file,) = (lake / "raw/oura/daily_sleep/date=2026-11-18").iterdir()
    assert file.name == f"{outcome.manifest.run_id}.jsonl"
    assert read_state(LocalLake(lake), "oura").persons["u1"].collected == {"daily_sleep": date(2026, 11, 18)}
    (counts,) = outcome.manifest.records
    assert (counts.pages, counts.documents, counts.requests, counts.repeated) == (2, 2, 2, 0)
    assert read_collects(LocalLake(lake)) == [outcome.manifest]


def test_the_next_run_asks_since_the_last_one_and_a_week_again(collect: Collect) -> None:
    asked: list[tuple[str, ...]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(tuple(request.url.params[name] for name in ("start_date", "end_date")))
        return page()

    collect(answer, first=date(2026, 11, 17))
    collect(answer, now=NOW + timedelta(days=1), first=None)
    assert asked == [("2026-11-15", "2026-11-20"), ("2026-11-09", "2026-11-21")]


@pytest.mark.parametrize(
    "fault",
    [
        text("<html>We are upgrading</html>"),
        text('{"data":[{"day":"2026-'),
        text('{"data": {"id": "one"}}'),
        text("", 503),
        text("", 429),
        text("", 429, **{"Retry-After": "0"}),
        httpx2.ConnectError("refused"),
        httpx2.RemoteProtocolError("peer closed connection without sending complete message body"),
    ],
)
def test_a_fault_that_goes_away_costs_a_repetition(collect: Collect, fault: Answer) -> None:
    (counts,) = collect(in_turn(fault, page(sleep()))).manifest.records
    assert (counts.documents, counts.requests, counts.repeated, counts.failed) == (1, 2, 1, 0)


@pytest.mark.parametrize(
    ("answers", "reason", "detail"),
    [
        ([text("<html>")], "bad_answer", "not JSON (not_json); page 1 of 2026-11-08 to 2026-11-20"),
        (
            [page(sleep(), next_token="t"), text('{"data":[{')],
            "bad_answer",
            "not JSON (not_json); page 2 of 2026-11-08 to 2026-11-20",
        ),
        ([text("", 503)], "unreachable", "HTTP 503"),
        ([httpx2.ConnectError("http://secret")], "unreachable", ""),
        ([page(sleep(), next_token="t")], "repeated_token", "on page 2"),
        ([text("secret", 400)], "refused", "HTTP 400"),
        ([text("", 302, Location="https://elsewhere")], "refused", "HTTP 302"),
        ([text('{"detail":"Token is not authorized access spo2 scope."}', 401)], "scope", "spo2"),
        ([text('{"detail":"subscription has expired"}', 403)], "membership", "HTTP 403"),
        ([text("", 401)], "connect_again", "no refresh token"),
        ([text("", 429, **{"Retry-After": "86400"})], "postponed", "for 86400 s"),
    ],
)
def test_what_does_not_go_away_leaves_no_part_of_the_data(
    collect: Collect, tmp_path: Path, answers: list[Answer], reason: str, detail: str
) -> None:
    outcome = collect(in_turn(*answers))

    (failure,) = outcome.failures
    assert (failure.user_id, failure.record, failure.reason, failure.detail) == ("u1", "daily_sleep", reason, detail)
    assert (outcome.manifest.status, outcome.manifest.refused) == ("failed", {reason: 1})
    assert raw_lines(tmp_path / "lake") == []
    assert read_state(LocalLake(tmp_path / "lake"), "oura").person("u1").collected == {}


def test_an_empty_page_with_a_token_is_not_the_last(collect: Collect) -> None:
    (counts,) = collect(in_turn(page(next_token="t"), page(sleep()))).manifest.records
    assert (counts.pages, counts.documents) == (2, 1)


def test_one_persons_refusal_is_theirs_alone_and_asked_once(collect: Collect, tokens: Path, tmp_path: Path) -> None:
    write_tokens(tokens, "u1", "u2")
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(owner(request))
        return text("", 403) if owner(request) == "u1" else page(sleep())

    records = ("daily_sleep", "daily_stress", "sleep")
    outcome = collect(answer, records=records)
    assert {(f.user_id, f.reason) for f in outcome.failures} == {("u1", "membership")}
    assert (outcome.manifest.status, outcome.manifest.failed_users) == ("partial", 1)
    assert [json.loads(line)["user_id"] for record in records for line in raw_lines(tmp_path / "lake", record)] == [
        "u2"
    ] * 3

    asked.clear()
    soon = collect(answer, records=records, now=NOW + timedelta(hours=11))
    assert (soon.manifest.resting_users, set(asked), soon.failures) == (1, {"u2"}, [])
    asked.clear()
    collect(answer, now=NOW + timedelta(hours=13))
    assert sorted(asked) == ["u1", "u2"]
    asked.clear()
    collect(answer, now=NOW + timedelta(hours=14), users=("u1",))
    assert asked == ["u1"]  # who is named is asked for


def test_a_missing_scope_is_of_its_endpoint_alone(collect: Collect) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        is_spo2 = request.url.path.endswith("daily_spo2")
        return text("Token is not authorized access spo2 scope.", 401) if is_spo2 else page(sleep())

    outcome = collect(answer, records=("daily_sleep", "daily_spo2", "sleep"))
    assert [(f.record, f.reason, f.detail) for f in outcome.failures] == [("daily_spo2", "scope", "spo2")]
    assert {counts.record: counts.stale for counts in outcome.manifest.records} == {
        "daily_sleep": False, "daily_spo2": True, "sleep": False,
    }  # fmt: skip


def test_an_endpoint_that_a_person_lacks_is_no_failure_but_one_that_ends_after_a_page_is(
    collect: Collect, tmp_path: Path, logged: list[dict[str, Any]]
) -> None:
    lacking = collect(in_turn(text("", 410)), records=("tag",))
    assert (lacking.failures, lacking.manifest.records[0].pages) == ([], 0)
    assert [(line["record"], line["status"], line["outcome"]) for line in logged] == [("tag", 410, "absent")]

    ended = collect(in_turn(page(sleep(), next_token="t"), text("", 404)), records=("tag",))
    assert [(f.reason, f.detail) for f in ended.failures] == [("refused", "HTTP 404, after other pages")]
    assert raw_lines(tmp_path / "lake", "tag") == []


def test_a_run_ends_at_its_deadline_and_keeps_what_is_complete(
    collect: Collect, tokens: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tokens(tokens, *(f"u{number}" for number in range(30)))
    clock = count()
    monkeypatch.setattr("qol.collect.vendor.time.monotonic", lambda: float(next(clock)))

    outcome = collect(lambda _: page(sleep()), deadline_seconds=100)

    assert set(outcome.manifest.refused) == {"deadline"}
    assert 0 < len(raw_lines(tmp_path / "lake")) == 30 - outcome.manifest.failed_users < 30


def test_the_sandbox_is_asked_with_no_ones_token_and_for_no_one(
    collect: Collect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, str]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append((str(request.url.copy_with(query=None)), request.headers["Authorization"]))
        return page(sleep("2021-01-01"))

    collect(answer, sandbox=True)
    monkeypatch.setenv("QOL_OURA_BASE", "http://127.0.0.1:9000/v2/usercollection")
    collect(answer, sandbox=True)
    hosts = ("https://api.ouraring.com", "http://127.0.0.1:9000")
    assert seen == [(f"{host}/v2/sandbox/usercollection/daily_sleep", "Bearer sandbox") for host in hosts]
    assert json.loads(raw_lines(tmp_path / "lake")[0])["user_id"] == "sandbox"


def test_nothing_of_a_person_is_in_logs_and_manifests(
    collect: Collect, tmp_path: Path, logged: list[dict[str, Any]]
) -> None:
    outcome = collect(in_turn(text("canary-body", 400), page(sleep(score=77123))))
    written = (tmp_path / "lake" / outcome.manifest.key).read_text()
    for canary in ("token-of", "canary-body", "77123", '"u1"', "u1 "):
        assert canary not in written
        assert canary not in json.dumps(logged)
    (line,) = logged
    assert {name: line[name] for name in ("record", "endpoint", "window", "page", "status", "outcome")} == {
        "record": "daily_sleep", "endpoint": "/daily_sleep", "window": {"from": "2026-11-08", "to": "2026-11-20"},
        "page": 1, "status": 400, "outcome": "refused",
    }  # fmt: skip
    assert len(line["request_id"]) == 16


def test_an_announced_document_is_asked_for_alone_and_moves_no_day(
    collect: Collect, tmp_path: Path, logged: list[dict[str, Any]]
) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        assert not request.url.params
        gone = request.url.path.endswith("/gone")
        return text("", 404) if gone else httpx2.Response(200, json=sleep())

    ids = ("sleep", "gone", "../../secret")
    outcome = collect(answer, documents=tuple(("u1", "daily_sleep", document) for document in ids))
    assert (outcome.failures, outcome.manifest.records[0].documents) == ([], 1)
    (line,) = raw_lines(tmp_path / "lake")
    assert json.loads(line)["id"] == "id-2026-11-16"
    assert read_state(LocalLake(tmp_path / "lake"), "oura").person("u1").collected == {}
    assert {line["endpoint"] for line in logged} == {"/daily_sleep/{id}"}


def test_a_lake_that_takes_nothing_ends_the_run_with_a_manifest_that_says_so(
    collect: Collect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: LocalLake, key: str, __: bytes) -> bool:
        raise LakeError(f"{key.partition('/')[0]}: no space left")

    monkeypatch.setattr(LocalLake, "put_if_absent", full)
    outcome = collect(in_turn(page(sleep())))
    assert (outcome.manifest.status, outcome.manifest.error, type(outcome.error)) == (
        "failed",
        "raw: no space left",
        LakeError,
    )


def test_two_runs_at_once_keep_each_others_days(
    collect: Collect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, records = LocalLake.put, ("daily_sleep", "daily_stress")

    def slow(lake: LocalLake, key: str, data: bytes) -> None:
        time.sleep(0.1)  # the other run reads meanwhile
        put(lake, key, data)

    monkeypatch.setattr(LocalLake, "put", slow)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda record: collect(in_turn(page(sleep())), records=(record,)), records))
    assert sorted(read_state(LocalLake(tmp_path / "lake"), "oura").person("u1").collected) == [*records]
