"""Tokens in a file: who may read them, and how they change."""

import json
import multiprocessing
from pathlib import Path

import pytest

from qol.collect.tokens import Token, TokenFile, open_tokens
from qol.errors import UsageError
from tests.collect.conftest import write_tokens


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602, 0o400, 0o700])
def test_a_file_of_another_mode_than_600_is_refused(tokens: Path, mode: int) -> None:
    tokens.chmod(mode)
    with pytest.raises(UsageError, match=f"found mode {mode:03o}; allowed: mode 600"):
        open_tokens(str(tokens), "oura")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("secret", "line 2: not a person's tokens"),
        ('{"user_id": "u2"}', "line 2: not a person's tokens"),
        ('{"user_id": "", "access_token": "secret"}', "line 2: not a person's tokens"),
        ('{"user_id": "u2", "access_token": "sec\\nret"}', "line 2: not a person's tokens"),
        ('{"user_id": "u2", "access_token": "secret", "expires_at": "soon"}', "line 2: not a person's tokens"),
        ('{"user_id": "u1", "access_token": "secret"}', "line 2: a person who has a line before"),
    ],
)
def test_a_wrong_line_is_told_by_its_number_alone(tokens: Path, line: str, problem: str) -> None:
    with tokens.open("a") as file:
        file.write(line)
    with pytest.raises(UsageError, match=problem) as told:
        TokenFile(tokens)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("ends", [1794960300, 1794960300000, "2026-11-18T00:05:00Z", "2026-11-18T09:05:00+09:00"])
def test_the_end_of_a_token_is_a_time_or_a_number(tmp_path: Path, ends: object) -> None:
    token = TokenFile(write_tokens(tmp_path / "t", "u1", expires_at=ends)).get("u1")
    assert token is not None
    assert (token.expires_at, repr(token)) == (1794960300.0, "Token(expires_at=1794960300.0)")


def test_new_tokens_replace_the_old_ones_and_nobody_else_can_read_them(tmp_path: Path) -> None:
    store = TokenFile(write_tokens(tmp_path / "t", "u1", "u2"))
    store.put(Token("u1", "new", "refresh", 1794960300.0))
    assert [json.loads(line) for line in (tmp_path / "t").read_text().splitlines()] == [
        {"user_id": "u1", "access_token": "new", "refresh_token": "refresh", "expires_at": "2026-11-18T00:05:00+00:00"},
        {"user_id": "u2", "access_token": "token-of-u2"},
    ]
    assert (tmp_path / "t").stat().st_mode & 0o777 == 0o600
    assert (store.remove("u1"), store.remove("u1"), store.users()) == (True, False, ["u2"])


def _count(file: Path, times: int) -> None:
    store = TokenFile(file)
    for _ in range(times):
        with store.locked("u1"):
            token = store.get("u1")
            assert token is not None
            store.put(Token("u1", str(int(token.access_token) + 1)))


def test_two_processes_never_refresh_at_the_same_time(tmp_path: Path) -> None:
    file = tmp_path / "t"
    TokenFile(write_tokens(file)).put(Token("u1", "0"))
    processes = [multiprocessing.get_context("fork").Process(target=_count, args=(file, 20)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert TokenFile(file).get("u1") == Token("u1", "40")
