"""What every store of the API's state does: SQLite, DynamoDB, and in acceptance servers of databases."""

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import boto3
import pytest
from limits import RateLimitItemPerMinute
from limits.storage import Storage
from moto import mock_aws

from qol.errors import UsageError
from qol.serve.door import SlidingWindow
from qol.serve.local_counters import LocalCounters
from qol.serve.shared_counters import SharedCounters
from qol.state import KINDS, Item, State, open_state
from tests.acceptance import database_servers
from tests.edges import ENVIRONMENT


def make_tables(prefix: str) -> None:
    """The tables as Terraform makes them."""
    client = boto3.client("dynamodb")
    for kind in (*KINDS, "limits"):
        names = ["name"] if kind == "limits" else ["owner", "name"]
        client.create_table(
            TableName=f"{prefix}-{kind}",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
            KeySchema=[
                {"AttributeName": name, "KeyType": key} for name, key in zip(names, ("HASH", "RANGE"), strict=False)
            ],
        )


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        make_tables("qol")
        yield


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with database_servers.postgresql() as url:
        yield url


@pytest.fixture(scope="module")
def mariadb() -> Iterator[str]:
    with database_servers.mariadb() as url:
        yield url


SERVERS = [pytest.param(name, marks=pytest.mark.acceptance) for name in ("postgresql", "mariadb")]
_numbers = itertools.count()


@pytest.fixture(params=["sqlite", "dynamodb", *SERVERS])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[State]:
    address = {"sqlite": f"sqlite:///{tmp_path / 'state.sqlite'}", "dynamodb": "dynamodb:qol"}.get(request.param)
    if address == "dynamodb:qol":
        request.getfixturevalue("tables")
    elif address is None:
        server = request.getfixturevalue(request.param)
        address = database_servers.new_database(server, f"state{next(_numbers)}")
    opened = open_state(address)
    yield opened
    opened.close()


def test_a_document_is_created_once_replaced_by_its_version_and_deleted(state: State) -> None:
    assert state.create("goals", "Ä/b", "walk", {"target": 1})
    assert not state.create("goals", "Ä/b", "walk", {"target": 2})
    assert state.get("goals", "ä/B", "walk") is None
    assert state.replace("goals", "Ä/b", "walk", {"target": 2.5}, 1)
    assert not state.replace("goals", "Ä/b", "walk", {"target": 3}, 1)
    assert not state.replace("goals", "Ä/b", "run", {"target": 3}, 1)
    assert state.get("goals", "Ä/b", "walk") == Item("walk", {"target": 2.5}, 2)
    assert state.get("users", "Ä/b", "walk") is None
    assert not state.delete("goals", "Ä/b", "walk", 1)
    assert state.delete("goals", "Ä/b", "walk", 2)
    assert not state.delete("goals", "Ä/b", "walk")


def test_documents_of_an_owner_come_in_pages_without_those_of_others_and_are_purged(state: State) -> None:
    for number in range(5):
        state.create("readings", "room", f"{number:03d}", {"n": number})
    state.create("readings", "room2", "001", {"n": 9})
    pages = [
        [item.body["n"] for item in state.items("readings", "room", after, 2)] for after in ("", "001", "003", "004")
    ]
    assert pages == [[0, 1], [2, 3], [4], []]
    state.create("readings", "Ä_5f/b", "001", {"n": 9})
    assert state.owners("readings") == {"room", "room2", "Ä_5f/b"}
    assert state.purge("readings", "room") == 5
    assert state.items("readings", "room") == []
    assert state.owners("readings") == {"room2", "Ä_5f/b"}
    assert len(state.items("readings", "room2")) == 1


def test_an_expired_document_is_not_there_and_makes_room_for_a_new_one(state: State) -> None:
    past, future = int(time.time()) - 5, int(time.time()) + 500
    assert state.create("events", "e", "1", {"n": 1}, expires=past)
    assert (state.get("events", "e", "1"), state.items("events", "e")) == (None, [])
    assert state.create("events", "e", "1", {"n": 2}, expires=future)
    assert not state.create("events", "e", "1", {"n": 3})
    assert state.get("events", "e", "1") == Item("1", {"n": 2}, 1)


def test_of_many_who_create_one_document_at_once_one_does(state: State) -> None:
    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(lambda n: state.create("events", "e", "1", {"n": n}), range(8)))
    assert sum(created) == 1


def test_an_address_of_no_store_is_refused_without_its_text() -> None:
    with pytest.raises(UsageError, match="--state: not an address") as refused:
        open_state("oracle://scott:tiger@host/db")
    assert "tiger" not in str(refused.value)


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("made", [lambda: SharedCounters("qol"), LocalCounters])
def test_counters_let_exactly_the_limit_through_and_half_of_the_window_before_counts(
    monkeypatch: pytest.MonkeyPatch, made: Callable[[], SharedCounters | LocalCounters]
) -> None:
    counters, now = SlidingWindow(cast("Storage", made())), 6_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    limit = RateLimitItemPerMinute(10)
    assert sum(counters.hit(limit, "a") for _ in range(13)) == 10
    assert counters.hit(limit, "b")
    now += 90
    assert sum(counters.hit(limit, "a") for _ in range(13)) == 5
    now -= 90
    assert not counters.hit(limit, "a")
