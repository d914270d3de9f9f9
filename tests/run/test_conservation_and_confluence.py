"""I1 and I3 as properties: any deliveries add up, and how they were split, ordered or repeated does not matter."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.builders import daily_record, night_record, published_files, run_lake, split, write_lines
from tests.effort import examples

pytestmark = pytest.mark.usefixtures("no_gate", "edge")
PROPERTY = settings(
    max_examples=examples(2, 15),
    phases=[Phase.explicit, Phase.generate],  # a failing example is small already; shrinking whole runs takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

STAMPS = st.sampled_from(["2026-11-16T01:00:00Z", "2026-11-16T09:30:00.5Z", "2026-11-17T00:00:00Z"])
USERS = st.sampled_from(["u1", "u2", "u3"])


@st.composite
def deliveries(draw: st.DrawFn) -> dict[str, Any]:
    """A stamped daily or night of a few people and days, often with a key that another delivery has as well."""
    user, day, stamp = draw(USERS), draw(st.integers(-8, 6)), draw(STAMPS)
    if draw(st.booleans()):
        duration = draw(st.sampled_from([40_000, 86_400]))
        steps = draw(st.sampled_from([0, 10, 500, 100_001, "12", None]))
        return daily_record(user, 0, **_shifted(day, duration), steps=steps, _received_at=stamp)
    validation = draw(st.sampled_from(["ENHANCED_TENTATIVE", "ENHANCED_FINAL", "AUTO_MANUAL", None]))
    shift = _shifted(day, draw(st.sampled_from([20_000, 25_200])))
    return night_record(user, 1, **shift, validation=validation, _received_at=stamp)


def _shifted(day: int, duration: int) -> dict[str, Any]:
    start = 1_794_150_000 + day * 86_400
    return {"startTimeInSeconds": start, "durationInSeconds": duration, "calendarDate": None}


BAD_LINES = st.sampled_from([b"", b"{", b"[]", b'{"userId":1}', b"\xff", b"7", b'{"other":[{},{}]}', b'{"dailies":[]}'])


def _write(lake: Path, arrival: str, given: list[dict[str, Any]], name: str) -> None:
    days = [d for d in given if "steps" in d]
    nights = [d for d in given if "steps" not in d]
    write_lines(lake, arrival, days, name=name)
    write_lines(lake, arrival, nights, folder="raw/garmin/sleeps", name=name)


def _published(build: Any) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        lake = Path(folder)
        build(lake)
        return published_files(lake, "processed/daily", "processed/weekly")


@PROPERTY
@given(st.lists(st.one_of(deliveries(), BAD_LINES), min_size=1, max_size=25))
def test_items_in_are_items_out_for_every_object(given: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = Path(folder)
        write_lines(lake, "2026-11-16", given[::2], name="even.jsonl")
        write_lines(lake, "2026-11-17", given[1::2], name="odd.jsonl")
        with split(range_bytes=200):
            totals = run_lake(lake).totals
        again = run_lake(lake, reread=True).totals
    assert totals["lines"] == sum(totals[k] for k in ("blank", "control", "rejected", "kept", "superseded"))
    assert totals["physical_lines"] == len(given)
    assert again == totals


@PROPERTY
@given(st.lists(deliveries(), min_size=1, max_size=14), st.randoms(use_true_random=False), st.integers(0, 14))
def test_splits_orders_and_repetitions_of_deliveries_publish_the_same_bytes(
    given: list[dict[str, Any]], random: Any, cut: int
) -> None:
    def at_once(lake: Path) -> None:
        _write(lake, "2026-11-17", given, "a.jsonl")
        run_lake(lake)

    def in_pieces(lake: Path) -> None:
        shuffled = given + random.sample(given, k=len(given) // 2)
        random.shuffle(shuffled)
        _write(lake, "2026-11-16", shuffled[:cut], "b.jsonl")
        with split(buckets=3):
            run_lake(lake)
        _write(lake, "2026-11-17", shuffled[cut:], "c.jsonl")
        _write(lake, "2026-11-18", given[:2], "d.jsonl")
        with split(range_bytes=150, buckets=2):
            run_lake(lake)

    assert _published(at_once) == _published(in_pieces)
