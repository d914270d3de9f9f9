"""However collecting goes (killed, repeated, in other windows and pages), the weeks are those of one run without trouble."""

from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qol.collect.collector import Collector, CollectRequest
from qol.collect.tokens import TokenFile
from qol.lake import LocalLake
from tests.builders import CONTRACTS, NOW, published_files, run_lake, without_gate
from tests.collect.conftest import owner, write_tokens
from tests.effort import examples

RECORDS = ("daily_sleep", "heartrate")
FIRST, LAST = date(2026, 11, 2), date(2026, 11, 17)


class Killed(BaseException):
    """`kill -9`, as far as a test can have it: nothing after it is done."""


class DyingLake(LocalLake):
    """A lake whose writer dies before or after one of its writes."""

    def __init__(self, root: Path, writes: int, *, after: bool) -> None:
        super().__init__(root)
        self._left, self._after = writes, after

    def put(self, key: str, data: bytes) -> None:
        self._left -= 1
        if self._left >= 0 or self._after:
            super().put(key, data)
        if self._left < 0:
            raise Killed


def documents(user: str, record: str) -> list[dict[str, Any]]:
    """A document for each day, or a heart rate for every six hours."""
    days = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]
    if record == "daily_sleep":
        return [{"id": f"{user}-{day}", "day": f"{day}", "score": 50 + day.day} for day in days]
    hours = [(day, hour) for day in days for hour in (0, 6, 12, 18)]
    return [{"bpm": 50 + hour, "source": "rest", "timestamp": f"{day}T{hour:02}:00:00+00:00"} for day, hour in hours]


def vendor(page: int, *, newest_first: bool) -> Any:
    """Answers with pages of so many documents; the end of a window of days is left out."""

    def answer(asked: httpx2.Request) -> httpx2.Response:
        query, record = asked.url.params, asked.url.path.rpartition("/")[2]
        name = "datetime" if record == "heartrate" else "date"
        first, end = query[f"start_{name}"][:10], query[f"end_{name}"][:10]
        found = [d for d in documents(owner(asked), record) if first <= (d.get("day") or d["timestamp"])[:10] < end]
        found = found[::-1] if newest_first else found
        at = int(query.get("next_token", 0))
        following = str(at + page) if at + page < len(found) else None
        return httpx2.Response(200, json={"data": found[at : at + page], "next_token": following})

    return answer


def weeks(lake: Path) -> dict[str, bytes]:
    """The daily and weekly files of a run over what was collected."""
    with without_gate():
        assert run_lake(lake, now=NOW + timedelta(days=1)).status == "published"
    return published_files(lake, "processed/daily", "processed/weekly")


def collect(
    lake: LocalLake, tokens: Path, at: datetime, page: int, *, newest_first: bool = False, **asked: Any
) -> None:
    request = CollectRequest("oura", records=RECORDS, now=at, **asked)
    collector = Collector(lake, CONTRACTS, request, TokenFile(tokens), lambda _: None)
    assert collector.run(transport=httpx2.MockTransport(vendor(page, newest_first=newest_first))).failures == []


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The weeks after one run without trouble."""
    folder = tmp_path_factory.mktemp("undisturbed")
    tokens = write_tokens(folder / "tokens", "u1", "u2")
    collect(LocalLake(folder / "lake"), tokens, NOW, 1_000, first=FIRST)
    return weeks(folder / "lake")


attempts = st.lists(
    st.fixed_dictionaries({
        "first": st.none() | st.dates(FIRST, LAST),
        "page": st.sampled_from([1, 7, 1_000]),
        "newest_first": st.booleans(),
        "users": st.sampled_from([(), ("u1",), ("u2",)]),
        "writes": st.none() | st.integers(0, 4),
        "after": st.booleans(),
    }),
    max_size=4,
)  # fmt: skip


@given(attempts)
@settings(max_examples=examples(3, 40))
def test_any_way_of_collecting_gives_the_same_weeks(undisturbed: dict[str, bytes], tried: list[dict[str, Any]]) -> None:
    with TemporaryDirectory() as name:
        lake, tokens = Path(name) / "lake", write_tokens(Path(name) / "tokens", "u1", "u2")
        for number, given_ in enumerate(tried):
            writes, after = given_.pop("writes"), given_.pop("after")
            opened = LocalLake(lake) if writes is None else DyingLake(lake, writes, after=after)
            try:
                collect(opened, tokens, NOW - timedelta(hours=9 - number), **given_)
            except Killed:
                assert writes is not None
        collect(LocalLake(lake), tokens, NOW, 1_000, first=FIRST if not tried else None)
        if any(given_["first"] not in (None, FIRST) for given_ in tried):
            collect(LocalLake(lake), tokens, NOW, 1_000, first=FIRST)  # what was never asked for yet
        found = weeks(lake)
        assert [key for key in {*found, *undisturbed} if found.get(key) != undisturbed.get(key)] == []
