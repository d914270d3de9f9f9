"""`qol collect` as it is typed: exit codes, what is printed where, and what is never printed."""

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from qol.collect.collect_manifest import AskedDays, CollectManifest, RecordCounts
from qol.collect.notice import tell
from tests.collect.conftest import sleep, write_tokens
from tests.command_line import Qol

NOW = "2026-11-18T00:05:00Z"
PACKAGE = Path(__file__).parents[2] / "lib" / "qol" / "collect"


class Handler(BaseHTTPRequestHandler):
    """A vendor on this machine; users in `lapsed` have no membership. All posted bodies are kept."""

    lapsed: ClassVar[set[str]] = set()
    posted: ClassVar[list[bytes]] = []

    def do_GET(self) -> None:
        user = self.headers["Authorization"].removeprefix("Bearer token-of-")
        self._answer(403 if user in self.lapsed else 200, {"data": [sleep()], "next_token": None})

    def do_POST(self) -> None:
        self.posted.append(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(200, {})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    Handler.lapsed, Handler.posted = set(), []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
        base = f"http://127.0.0.1:{listening.server_port}"
        monkeypatch.setenv("QOL_OURA_BASE", f"{base}/v2/usercollection")
        yield base
        listening.shutdown()


@pytest.fixture
def words(tmp_path: Path, tokens: Path) -> list[str]:
    write_tokens(tokens, "u1", "u2")
    return [
        "collect",
        "oura",
        "--lake",
        f"{tmp_path}/new/lake",
        "--tokens",
        f"{tokens}",
        "--now",
        NOW,
        "--from",
        "2026-11-10",
    ]


def test_everything_collected_is_exit_code_0_with_a_table_on_standard_output_and_json_on_standard_error(
    qol: Qol, words: list[str], server: str
) -> None:
    ended = qol(*words)
    assert ended.code == 0, ended.err
    assert "complete: 40 pages, 40 documents of 2 users." in ended.out
    assert "Next: qol run --lake" in ended.out
    lines = [json.loads(line) for line in ended.err.splitlines()]
    assert len(lines) == 40
    assert set(lines[0]) == {
        "at", "record", "endpoint", "window", "page", "attempt", "status", "outcome", "ms", "request_id",
    }  # fmt: skip


def test_a_user_who_is_not_collected_is_exit_code_1_and_one_message(qol: Qol, words: list[str], server: str) -> None:
    Handler.lapsed = {"u2"}
    ended = qol(*words, "--record", "daily_sleep", QOL_SLACK_WEBHOOK=f"{server}/hook/secret-path")
    assert ended.code == 1
    assert "u2     membership   HTTP 403   daily_sleep" in ended.out
    (message,) = Handler.posted
    assert json.loads(message)["text"].startswith(
        "qol collect oura: partial, 1 of 2 users not collected as a whole (2026"
    )
    assert "u2" not in json.loads(message)["text"]
    for secret in ("token-of", "secret-path"):
        assert secret not in ended.out + ended.err


def test_a_message_that_cannot_be_sent_is_told_without_its_address(qol: Qol, words: list[str], server: str) -> None:
    Handler.lapsed = {"u1", "u2"}
    ended = qol(*words, "--record", "sleep", QOL_SLACK_WEBHOOK="http://127.0.0.1:9/secret-path")
    assert ended.code == 1
    assert "The message about this run was not sent: QOL_SLACK_WEBHOOK: not reached (ConnectError)" in ended.err
    assert "secret-path" not in ended.out + ended.err


def test_a_dry_run_asks_and_writes_nothing(qol: Qol, words: list[str], tmp_path: Path) -> None:
    ended = qol(*words, "--dry-run", "--record", "sleep", "--user", "u2", QOL_OURA_BASE="http://127.0.0.1:9/")
    assert ended.code == 0, ended.err
    assert "sleep    2026-11-10   2026-11-18       1" in ended.out
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--record", "sleeps"], "--record sleeps: not collected; allowed: "),
        (["--user", "u3"], "--user: a person without tokens; allowed: a user_id of --tokens"),
        (["--to", "2026-11-09"], "--from 2026-11-10: after --to 2026-11-09; allowed: a day up to it"),
        (["--to", "yesterday"], "--to yesterday: not a day; allowed: YYYY-MM-DD such as 2026-11-09"),
        (["--lake", "/dev/null/lake"], "--lake /dev/null/lake: cannot be made (Not a directory); allowed: a folder"),
        (["other"], "oura other: more than one source; allowed: one source, or login and one source"),
    ],
)
def test_wrong_usage_is_exit_code_2(qol: Qol, words: list[str], more: list[str], message: str) -> None:
    ended = qol(*words, *more)
    assert ended.code == 2
    assert message in ended.err


def test_a_source_that_pushes_is_not_collected(qol: Qol, tmp_path: Path) -> None:
    ended = qol("collect", "garmin", "--lake", tmp_path)
    assert (ended.code, ended.err) == (2, "garmin: no source with `collect:` in its contracts; allowed: oura\n")


@pytest.mark.parametrize(
    "base", ["http://example.com/v2", "ftp://127.0.0.1/", "https://user:secret@example.com/", "https://x/?token=secret"]
)
def test_no_token_goes_out_in_clear(qol: Qol, words: list[str], base: str) -> None:
    ended = qol(*words, QOL_OURA_BASE=base)
    assert (ended.code, "QOL_OURA_BASE: not a usable address; allowed: https://" in ended.err) == (2, True)
    assert "secret" not in ended.err


def test_tokens_that_others_can_read_or_that_are_not_given_are_exit_code_2(
    qol: Qol, words: list[str], tokens: Path, tmp_path: Path
) -> None:
    tokens.chmod(0o644)
    ended = qol(*words)
    assert (ended.code, "found mode 644; allowed: mode 600" in ended.err) == (2, True)
    ended = qol("collect", "oura", "--lake", tmp_path)
    assert (ended.code, ended.err.startswith("--tokens: not given; allowed: a file of lines")) == (2, True)


def test_without_its_libraries_it_says_what_to_install(
    qol: Qol, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "stamina", None)
    ended = qol(*words)
    assert (ended.code, ended.err) == (2, "qol collect: stamina is not installed; in the clone, run pip install '.[collect]'\n")  # fmt: skip


def test_no_line_of_the_package_names_a_vendor() -> None:
    texts = {file.name: file.read_text(encoding="utf-8").lower() for file in PACKAGE.glob("*.py")}
    vendors = ("oura", "garmin", "withings", "whoop", "polar", "fitbit", "coingecko")
    assert texts
    assert [(name, vendor) for name, text in texts.items() for vendor in vendors if vendor in text] == []


def test_a_topic_gets_the_message_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[dict[str, str]] = []

    class Topic:
        def publish(self, **message: str) -> None:
            published.append(message)

    monkeypatch.setattr("qol.aws.requests.aws_client", lambda *_: Topic())
    monkeypatch.setenv("QOL_TOPIC_ARN", "arn:topic")
    monkeypatch.setenv("QOL_SLACK_WEBHOOK", "http://127.0.0.1:9/")
    counts = RecordCounts("prices", users=1, failed=1, stale=True)
    manifest = CollectManifest(
        "r1", "market", "failed", NOW, False, AskedDays(None, None), users=1, failed_users=1, records=[counts], refused={"unreachable": 1},
    )  # fmt: skip
    assert tell(manifest) is None
    assert published == [{
        "TopicArn": "arn:topic",
        "Subject": "qol collect market: failed",
        "Message": "qol collect market: failed, 1 of 1 user not collected as a whole (r1)\n"
        "unreachable: 1 x the vendor does not answer; run again later\nnothing new of: prices",
    }]  # fmt: skip
