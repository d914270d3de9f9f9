"""`python -m qol_dev.fake_oura`: the fake vendor on a port of this machine, until it is interrupted."""

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path

from qol.errors import QolError, UsageError
from qol.tables.weeks import iso_week, monday_of
from qol_dev.fake_oura.ring_documents import SOURCE, RingDocuments
from qol_dev.fake_oura.scenarios import SCENARIOS, Scenario
from qol_dev.fake_oura.vendor_app import CLIENT_ID, CLIENT_SECRET, PAGE, FakeOura, utc_now
from qol_dev.fake_oura.vendor_server import HOST, make_server
from qol_dev.sample import SampleOptions


def main(words: Sequence[str]) -> int:
    """Serve until interrupted; the exit code."""
    try:
        _serve(_parser().parse_args(words))
    except QolError as err:
        print(err, file=sys.stderr)
        return err.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m qol_dev.fake_oura", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of 127.0.0.1; by default a free one")
    parser.add_argument(
        "--tokens", type=Path, metavar="FILE", help="write the tokens of all users, as --tokens reads them"
    )
    parser.add_argument("--users", type=int, default=20, help="users of the sample; some of them have a ring")
    parser.add_argument("--weeks", type=int, default=6)
    parser.add_argument("--end", metavar="WEEK", help="the last week with data; by default the one before this week")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--page", type=int, default=PAGE, help="documents of a page at most")
    parser.add_argument("--token-limit", type=int, metavar="N", help="requests of one access token in 5 minutes")
    parser.add_argument("--application-limit", type=int, metavar="N", help="requests of all tokens in 5 minutes")
    parser.add_argument("--prices-down", action="store_true", help="the price feed answers 503")
    scenario = "what goes wrong for a person (an id, or a number from 1): " + ", ".join(sorted(SCENARIOS))
    parser.add_argument("--scenario", action="append", default=[], metavar="PERSON=NAME", help=scenario)
    return parser


def _serve(asked: argparse.Namespace) -> None:
    end = asked.end or iso_week(monday_of(utc_now().date()) - dt.timedelta(weeks=1))
    documents = RingDocuments.of_sample(SampleOptions(asked.users, asked.weeks, end, asked.seed, (SOURCE,)))
    vendor = FakeOura(
        documents,
        dict(_scenario(text, documents.people) for text in asked.scenario),
        page=asked.page,
        token_limit=asked.token_limit,
        application_limit=asked.application_limit,
    )
    vendor.prices_down = asked.prices_down
    if asked.tokens:
        vendor.write_tokens(asked.tokens)
    server = make_server(vendor.app, asked.port)
    listening = server.config.bind_socket()
    address = f"http://{HOST}:{listening.getsockname()[1]}"
    print(f"{address}/v2/usercollection  {len(documents.people)} people, weeks until {end}", flush=True)
    print(f"{address}/oauth/token  client {CLIENT_ID}, secret {CLIENT_SECRET}", flush=True)
    print(f"{address}/coins/markets", flush=True)
    server.run([listening])


def _scenario(text: str, people: Sequence[str]) -> tuple[str, Scenario]:
    """A person and their scenario; UsageError names what is allowed."""
    person, _, name = text.partition("=")
    if person.isdecimal() and 1 <= int(person) <= len(people):
        person = people[int(person) - 1]
    if person not in people or name not in SCENARIOS:
        raise UsageError(
            f"--scenario {text}: unknown; allowed: PERSON=NAME with a person of 1 to {len(people)}, "
            f"a name of {', '.join(sorted(SCENARIOS))}"
        )
    return person, SCENARIOS[name]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
