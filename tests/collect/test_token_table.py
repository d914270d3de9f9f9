"""Tokens in a table: by source and user, refreshed by one process at a time."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from qol.aws.requests import _client, aws_client
from qol.collect import token_table
from qol.collect.token_table import TokenTable
from qol.collect.tokens import Token, open_tokens
from qol.errors import UsageError
from qol.webhooks.deadline import QUICK


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[TokenTable]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-1")
    monkeypatch.setattr(token_table, "_LOOK_SECONDS", 0.01)
    _client.cache_clear()
    with mock_aws():
        keys = [("source", "HASH"), ("user_id", "RANGE")]
        aws_client("dynamodb", QUICK).create_table(
            TableName="tokens",
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
            BillingMode="PAY_PER_REQUEST",
        )
        yield TokenTable("tokens", "oura")
    _client.cache_clear()


def test_tokens_are_stored_by_source_and_user(table: TokenTable) -> None:
    full, bare = Token("u1", "a", "r", 1794960300.5), Token("u2", "b")
    for token in (full, bare):
        table.put(token)
    TokenTable("tokens", "other").put(Token("u3", "c"))
    assert (table.users(), table.get("u1"), table.get("u2"), table.get("u3")) == (["u1", "u2"], full, bare, None)
    table.put(Token("u1", "new"))
    assert table.get("u1") == Token("u1", "new")  # the refresh token before it is gone
    assert (table.remove("u1"), table.remove("u1"), table.users()) == (True, False, ["u2"])


def test_one_holds_the_right_to_refresh_until_it_is_done_or_dead(
    table: TokenTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.put(Token("u1", "a"))
    with table.locked("u1"):
        assert not table._lease("u1", "another process")
        table.put(Token("u1", "b"))
    assert table.get("u1") == Token("u1", "b")
    with table.locked("u1"):
        pass
    with table.locked("of nobody"):  # nothing to wait for
        pass
    monkeypatch.setattr(token_table, "_LEASE_SECONDS", 0.0)
    assert table._lease("u1", "a process that died")
    with table.locked("u1"):
        pass


def test_a_table_that_is_none_is_told(table: TokenTable) -> None:
    with pytest.raises(UsageError, match="--tokens dynamodb:none: there is no such table in this region"):
        open_tokens("dynamodb:none", "oura").users()
