"""The part of the demo that asks a vendor: a fake one on this machine, collected into a lake of its own, and run."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from qol.cli.run_commands import perform
from qol.cli.show import say, table
from qol.collect.collector import Collector, CollectOutcome, CollectRequest
from qol.collect.tokens import open_tokens
from qol.contracts.load import load_contracts
from qol.lake import LocalLake
from qol.run.request import RunRequest
from qol.tables.weeks import parse_week
from qol_dev.fake_oura import SCENARIOS, FakeOura, RingDocuments, running
from qol_dev.fake_oura.ring_documents import SOURCE
from qol_dev.fake_oura.vendor_app import CLIENT_ID, CLIENT_SECRET
from qol_dev.sample import SampleOptions

_KEY = "a pseudonym key for nothing but the demo"


def collect_and_run(lake: Path, week: str, now: datetime) -> None:
    """Collect two weeks of ten rings until `week` and run the weekly job; one person's consent has ended."""
    options = SampleOptions(users=10, weeks=2, end=week, sources=(SOURCE,))
    documents = RingDocuments.of_sample(options)
    vendor = FakeOura(documents, {documents.people[0]: SCENARIOS["lapsed"]}, page=200)
    say(
        f"A vendor that is asked: {len(documents.people)} rings, collected by `collect:` of the contracts alone",
        style="bold",
    )
    with running(vendor.app) as address, _environment(_settings(address)):
        outcome = _collect(
            lake, vendor, CollectRequest(SOURCE, options.first_day, parse_week(week) + timedelta(days=6), now=now)
        )
        rows = [(c.record, c.users - c.failed, c.pages, c.documents) for c in outcome.manifest.records]
        table("What the vendor gave", ("record", "users", "pages", "documents"), sorted(rows))
        for failure in sorted(outcome.failures)[:1]:
            say(f"{failure.user_id} was refused ({failure.reason}, {failure.detail}); all others are collected.")
        (lake / "user_map.jsonl").write_text("".join(json.dumps(line) + "\n" for line in documents.people_map))
        perform(RunRequest(lake=str(lake), now=now, no_docs=True, user_map=str(lake / "user_map.jsonl")))


def _collect(lake: Path, vendor: FakeOura, request: CollectRequest) -> CollectOutcome:
    lake.mkdir()
    vendor.write_tokens(tokens := lake.parent / "tokens.jsonl")
    store = open_tokens(str(tokens), SOURCE)
    return Collector(LocalLake(lake), load_contracts(), request, store, lambda _: None).run()


def _settings(address: str) -> Mapping[str, str]:
    return {
        "QOL_OURA_BASE": f"{address}/v2/usercollection",
        "QOL_OURA_CLIENT_ID": CLIENT_ID,
        "QOL_OURA_CLIENT_SECRET": CLIENT_SECRET,
        "QOL_PSEUDONYM_KEY": _KEY,
    }


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Environment variables until the block ends."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
