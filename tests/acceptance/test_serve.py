"""`qol serve` as a process: what a script sees of it, a server that is killed, and every route under random requests."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3

from tests.acceptance.processes import ROOT, kill
from tests.builders import KEY, daily_record, run_lake, without_gate, write_lines
from tests.serve.phones import BULK, SUMMARY, steps

pytestmark = pytest.mark.acceptance
HTTP = urllib3.PoolManager(retries=False, timeout=30.0)
#: Dies once, after the object is stored and before the answer.
DYING = """
import os, signal, sys
from qol.serve import batches
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
batches._outcome = die
from qol.cli import main
main()
"""


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    folder = tmp_path / "lake"
    write_lines(folder, "2026-11-17", [daily_record("g-anna", day) for day in range(7)])
    (folder / "user_map.jsonl").write_text('{"source": "healthkit", "vendor_user_id": "v-anna", "user_id": "P-anna"}\n')
    with without_gate():
        run_lake(folder)
    (folder / "_locks/lake.json").unlink()  # of a run with another map
    return folder


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "lib"), "QOL_PSEUDONYM_KEY": KEY.decode(), **more}


def qol(*arguments: str | Path) -> str:
    """What a command prints on standard output."""
    command = [sys.executable, "-c", "from qol.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, env=environment(), check=True, capture_output=True, text=True, timeout=60).stdout


@contextmanager
def served(lake: Path, code: str = "from qol.cli import main; main()") -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of a server on a lake, until the block ends."""
    command = [sys.executable, "-c", code, "serve", "--lake", str(lake), "--port", "0", "--now", "2026-11-18T03:05:00Z"]
    process = subprocess.Popen(
        command, env=environment(QOL_RATE_LIMIT_PER_MINUTE="1000000"), start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert found is not None
        yield found[0], process
    finally:
        kill(process)


def post(address: str, token: str, body: bytes) -> tuple[int, object]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = HTTP.request("POST", address + BULK, body=body, headers=headers)
    return answer.status, answer.json()


def test_a_server_that_is_killed_between_object_and_answer_takes_the_batch_again_once(lake: Path) -> None:
    token = qol("keys", "token", "--lake", lake, "--user", "v-anna").strip()
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", token)
    body = json.dumps({"measurements": [steps(100, 7)]}).encode()
    with served(lake, DYING) as (address, _), pytest.raises(urllib3.exceptions.ProtocolError):
        post(address, token, body)
    assert len([*lake.rglob("raw/healthkit/**/*.jsonl")]) == 1
    with served(lake) as (address, _):
        status, receipt = post(address, token, body)
        assert (status, dict(receipt)["kept"]) == (200, 1)  # type: ignore[call-overload]
        asked = HTTP.request(
            "GET", f"{address}{SUMMARY}?period=day&so_far=true", headers={"Authorization": f"Bearer {token}"}
        )
        assert [row["steps"] for row in asked.json()["so_far"]] == [100]
        assert HTTP.request("GET", f"{address}/health").json()["status"] == "ok"
    assert len([*lake.rglob("raw/healthkit/**/*.jsonl")]) == 1
    assert (lake / "_serve/jwt.key").stat().st_mode & 0o777 == 0o600


#: A schema cannot say which columns a period has, or which metrics a goal may be about.
def test_every_route_answers_as_its_description_says_whatever_it_is_sent(lake: Path) -> None:
    token = qol("keys", "token", "--lake", lake, "--user", "v-anna").strip()
    scopes = "devices:write,devices:read,feeds:read,events:write,users:admin"
    key = qol("keys", "new", "--scopes", scopes, "--lake", lake).strip()
    with served(lake) as (address, process):
        for name, value, paths in (
            ("Authorization", f"Bearer {token}", "/v1/(measurements|goals)"),
            ("X-API-Key", key, "/v1/(devices|feeds|webhooks|users$|erasures)|/prices|/health"),
        ):
            command = [
                "schemathesis", "run", f"{address}/openapi.json", "--include-path-regex", paths, "--max-examples", "8",
                "--seed", "18", "-H", f"{name}: {value}", "--suppress-health-check", "all", "--exclude-checks", "positive_data_acceptance", "--workers", "1",
            ]  # fmt: skip
            tool = str(Path(sys.executable).with_name(command[0]))
            done = subprocess.run([tool, *command[1:]], capture_output=True, text=True, timeout=120, check=False)
            assert done.returncode == 0, done.stdout[-6000:]
        assert process.poll() is None
