"""A pull source by YAML alone: `examples/withings`, collected from a vendor of a few lines and run."""

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx2
import pyarrow.parquet as pq
import pytest

from qol.collect.collector import Collector, CollectRequest
from qol.collect.tokens import TokenFile
from qol.contracts.load import load_contracts
from qol.lake import LocalLake
from tests.builders import CONTRACTS, NOW, run_lake, without_gate
from tests.collect.conftest import write_tokens

PROJECT = Path(__file__).parents[2]


def group(number: int, seconds: int, grams: int, attribution: int = 0) -> dict[str, Any]:
    measures = [{"value": grams, "type": 1, "unit": -3}, {"value": 171, "type": 6, "unit": -1}]
    return {"grpid": number, "attrib": attribution, "date": seconds, "category": 1, "measures": measures}


class Scales:
    """Answers as Withings does: always HTTP 200, its own status in the body, pages by offset, a token that has ended."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.statuses = [601, 401, 0]

    def __call__(self, asked: httpx2.Request) -> httpx2.Response:
        form = dict(httpx2.QueryParams(asked.content.decode()))
        self.forms.append({"path": asked.url.path, "token": asked.headers.get("Authorization", ""), **form})
        if asked.url.path == "/v2/oauth2":
            given = {"userid": "7", "access_token": "new", "refresh_token": "next", "expires_in": 10800}
            return httpx2.Response(200, json={"status": 0, "body": given})
        status = self.statuses.pop(0) if self.statuses else 0
        if status:
            return httpx2.Response(200, json={"status": status, "body": {}, "error": "no"})
        first = "offset" not in form
        groups = (
            [group(1, 1794175530, 75450)] if first else [group(2, 1794262000, 74900), group(3, 1794262100, 60000, 1)]
        )
        body = {
            "updatetime": 1794960300,
            "timezone": "Asia/Tokyo",
            "measuregrps": groups,
            "more": int(first),
            "offset": 1,
        }
        return httpx2.Response(200, json={"status": 0, "body": body})


def test_two_files_of_yaml_are_enough_for_a_pull_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for pause in ("PAUSE", "JITTER"):
        monkeypatch.setattr(f"qol.collect.vendor.{pause}", 0.0)
    shutil.copytree(CONTRACTS.root, tmp_path / "schemas")
    shutil.copytree(PROJECT / "examples" / "withings" / "schemas", tmp_path / "schemas" / "sources" / "withings")
    contracts, lake, scales = load_contracts(tmp_path / "schemas"), tmp_path / "lake", Scales()
    tokens = TokenFile(write_tokens(tmp_path / "tokens", "7", refresh_token="refresh"))
    asked = CollectRequest("withings", first=date(2026, 11, 9), last=date(2026, 11, 15), now=datetime(2026, 11, 17, tzinfo=UTC))  # fmt: skip

    outcome = Collector(LocalLake(lake), contracts, asked, tokens, lambda _: None).run(transport=httpx2.MockTransport(scales))  # fmt: skip

    assert outcome.failures == []
    window = {"action": "getmeas", "category": "1", "startdate": "1794096000", "enddate": "1794873600"}
    measure = {"path": "/measure", "token": "Bearer token-of-7", **window}
    assert scales.forms == [
        measure,
        measure,  # again after 601, which is too many requests
        {"path": "/v2/oauth2", "token": "", "action": "requesttoken", "grant_type": "refresh_token", "refresh_token": "refresh"},
        {**measure, "token": "Bearer new"},
        {**measure, "token": "Bearer new", "offset": "1"},
    ]  # fmt: skip
    stored = tokens.get("7")
    assert stored is not None
    assert stored.refresh_token == "next"
    with without_gate():
        manifest = run_lake(lake, contracts, now=NOW)
    assert (manifest.totals["kept"], manifest.totals["rejected"], json.dumps(manifest.field_issues)) == (3, 0, "{}")
    days = pq.read_table(lake / "processed/daily/date=2026-11-09/part-00000.parquet").to_pylist()
    assert [(str(row["day"]), row["weight_kg"], row["body_fat_pct"]) for row in days] == [
        ("2026-11-09", 75.45, 17.1),
        ("2026-11-10", 74.9, 17.1),
    ]
