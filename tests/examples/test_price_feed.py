"""An example from another domain: prices polled every five minutes, with contracts alone."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import httpx2
import pyarrow.parquet as pq
import pytest

from qol.collect.collector import Collector, CollectOutcome, CollectRequest
from qol.contracts.load import load_contracts
from qol.contracts.model import Contracts
from qol.lake import LocalLake
from tests.builders import run_lake, without_gate
from tests.ingest.feed import feed

SCHEMAS = Path(__file__).parents[2] / "examples" / "price_feed" / "schemas"
NOW = datetime(2026, 11, 18, 0, 5, tzinfo=UTC)
POLLS = [
    ("2026-11-09T08:05:00+00:00", "0.000000012345678901"),
    ("2026-11-09T08:05:00+00:00", "0.000000012345678901"),
    ("2026-11-09T08:10:00+00:00", "0.00000002"),
    ("2026-11-14T23:59:00+00:00", "0.000000011"),
    ("2026-11-15T23:59:00+00:00", "1.5e-8"),
]


@pytest.fixture
def contracts() -> Contracts:
    return load_contracts(SCHEMAS)


@pytest.fixture
def lake(tmp_path: Path, contracts: Contracts) -> Path:
    folder = tmp_path / "raw" / "market" / "prices" / "date=2026-11-16"
    folder.mkdir(parents=True)
    lines = [
        f'{{"symbol": "ABC", "name": "Abc", "price": {price}, "change24h": -1, "lastUpdated": "{at}", "ttl": 1}}'
        for at, price in POLLS
    ]
    (folder / "polls.jsonl").write_text("\n".join(lines))
    manifest = run_lake(tmp_path, contracts, now=NOW, zone="UTC")
    assert manifest.status == "published"
    assert (manifest.totals["lines"], manifest.totals["kept"], manifest.totals["superseded"]) == (5, 4, 1)
    return tmp_path


def test_a_quote_found_by_several_polls_is_one_record_with_all_its_digits(lake: Path) -> None:
    rows = pq.read_table(lake / "processed/records/market_prices/date=2026-11-09/part-00000.parquet").to_pylist()
    assert [row["price_usd"] for row in rows] == [
        Decimal("0.000000012345678901"),
        Decimal("0.00000002"),
        Decimal("0.000000011"),
        Decimal("0.000000015"),
    ]


def test_a_week_has_the_last_the_lowest_and_the_highest_price(lake: Path) -> None:
    (row,) = pq.read_table(lake / "processed/weekly/date=2026-11-09/part-00000.parquet").to_pylist()
    assert row["iso_week"] == "2026-W46"
    assert row["price_last_usd_last"] == 0.00000002  # 1.5e-8 with eight decimals
    assert (row["price_min_usd_min"], row["price_max_usd_max"], row["quotes_sum"]) == (0.00000001, 0.00000002, 4)
    assert "ABC" not in json.dumps(row, default=str)


@pytest.mark.parametrize("number", range(5))
def test_its_examples_get_their_verdicts(contracts: Contracts, number: int) -> None:
    example = contracts.by_name["market_prices"].examples[number]
    fed = feed(example.raw.encode(), "market_prices", arrival=example.arrival, contracts=contracts)
    if example.reject is not None:
        assert (fed.verdicts, fed.rows) == ([example.reject], [])
        return
    assert example.expect is not None
    found = {name: fed.row[name] for name in example.expect}
    shown = {name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in found.items()}
    assert shown == example.expect
    assert sorted(fed.row["value_issues"] or []) == sorted(example.nulled)


def test_polls_of_the_feed_keep_every_digit_and_a_feed_that_is_down_leaves_the_last_quote_marked_stale(
    tmp_path: Path, contracts: Contracts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qol.collect.vendor.PAUSE", 0.0)
    monkeypatch.setattr("qol.collect.vendor.JITTER", 0.0)
    quotes = b'[{"symbol": "abc", "price": 0.000000012345678901, "lastUpdated": "2026-11-09T08:05:00Z"},\n {"symbol": "def", "price": 2, "lastUpdated": "2026-11-09T08:04:00Z"}]'  # fmt: skip
    later = quotes.replace(b"T08:05", b"T08:10")

    def poll(minute: int, answer: bytes | None) -> CollectOutcome:
        def feed(asked: httpx2.Request) -> httpx2.Response:
            assert str(asked.url) == "https://api.coingecko.com/api/v3/coins/markets?vs_currency=usd&ids=bitcoin%2Cethereum%2Cshiba-inu&per_page=250"  # fmt: skip
            assert "Authorization" not in asked.headers
            return httpx2.Response(503) if answer is None else httpx2.Response(200, content=answer)

        asked = CollectRequest("market", now=datetime(2026, 11, 9, 8, minute, tzinfo=UTC))
        return Collector(LocalLake(tmp_path), contracts, asked, None, lambda _: None).run(transport=httpx2.MockTransport(feed))  # fmt: skip

    assert [poll(minute, quotes).manifest.status for minute in (6, 7)] == ["complete", "complete"]
    poll(11, later)
    down = poll(16, None).manifest
    assert (down.status, down.refused) == ("failed", {"unreachable": 1})
    assert [(found.as_of, found.stale) for found in down.records] == [("2026-11-09T08:11:00Z", True)]

    with without_gate():
        manifest = run_lake(tmp_path, contracts, now=NOW, zone="UTC")
    assert (manifest.totals["lines"], manifest.totals["kept"], manifest.totals["superseded"]) == (6, 3, 3)
    rows = pq.read_table(tmp_path / "processed/records/market_prices/date=2026-11-09/part-00000.parquet").to_pylist()
    assert sorted(row["price_usd"] for row in rows) == [*[Decimal("0.000000012345678901")] * 2, Decimal(2)]
