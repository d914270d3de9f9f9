"""Several devices that measured the same time count once."""

from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from qol.contracts.many_records import Overlaps
from qol.transform.overlaps import with_share
from tests.effort import examples

from .builders import MEASUREMENTS, Row, after_midnight, contract_of, days_of, picked, records, the_day_of

RULE = Overlaps(
    start="start_seconds", end="end_seconds", kind="kind", by="device", order=("WATCH", "PHONE"), share="share"
)
STEPS = """
overlaps: {start: start_seconds, end: end_seconds, kind: kind, by: device, order: [WATCH, PHONE], share: share}
derived: {counted: value * share}
daily:
  steps: {value: counted, over: sum}
  dropped_overlap_minutes: {value: (end_seconds - start_seconds) * (1 - share) / 60, over: sum}
"""


def a_stretch(device: str | None, start: float, end: float, value: float = 0.0, **fields: Any) -> Row:
    """A record of minutes after midnight."""
    times = {"start_seconds": after_midnight(start), "end_seconds": after_midnight(end)}
    return {"uuid": f"{device}{start}-{end}", "kind": "STEPS", "device": device, "value": value} | times | fields


def shares(*rows: Row) -> list[float]:
    return with_share(RULE, records(contract_of(MEASUREMENTS), rows))["share"].to_list()


def test_a_worse_device_keeps_the_share_of_its_time_that_no_better_one_has() -> None:
    """60 minutes of the phone, of which the watch has 10 + 5: 45 of 60 count."""
    rows = [a_stretch("PHONE", 0, 60, 600), a_stretch("WATCH", 10, 20, 100), a_stretch("WATCH", 55, 90, 700)]
    assert shares(*rows) == [0.75, 1.0, 1.0]
    day = the_day_of(contract_of(MEASUREMENTS, STEPS), rows)
    assert picked(day, "steps", "dropped_overlap_minutes") == (450 + 800, 15.0)


def test_of_two_devices_of_one_class_one_has_the_time_they_share_and_an_instant() -> None:
    rule = RULE.model_copy(update={"device": "app"})
    rows = [a_stretch("PHONE", 0, 20, app="b"), a_stretch("PHONE", 10, 40, app="a"), a_stretch("PHONE", 5, 5, app="b")]
    rows += [a_stretch("PHONE", 5, 5, app="a"), a_stretch("WATCH", 30, 40, app="c"), a_stretch("WATCH", 35, 45)]
    found = with_share(rule, records(contract_of(MEASUREMENTS), rows))["share"].to_list()
    assert found == [0.5, 2 / 3, 0.0, 1.0, 0.5, 1.0]


def test_of_one_devices_records_the_first_to_begin_then_the_longer_then_the_first_by_key_has_the_time() -> None:
    assert shares(a_stretch("WATCH", 0, 20), a_stretch("WATCH", 10, 30)) == [1.0, 0.5]
    assert shares(a_stretch("WATCH", 0, 10), a_stretch("WATCH", 0, 30)) == [0.0, 1.0]
    assert shares(a_stretch("WATCH", 0, 10, uuid="b"), a_stretch("WATCH", 0, 10, uuid="a")) == [0.0, 1.0]


def test_a_record_that_ends_before_it_starts_counts_whole_whatever_a_better_device_measured() -> None:
    assert shares(a_stretch("PHONE", 60, 30), a_stretch("PHONE", 90, 100), a_stretch("WATCH", 0, 120)) == [
        1.0,
        0.0,
        1.0,
    ]


def test_devices_that_are_not_listed_come_last_by_name_and_one_without_a_name_after_them() -> None:
    names = [None, "SCALE", "RING", "PHONE", "WATCH"]
    for place, name in enumerate(names[:-1]):
        better, worse = names[place + 1], name
        assert shares(a_stretch(better, 0, 10), a_stretch(worse, 0, 20)) == [1.0, 0.5]


def test_a_walk_across_midnight_counts_once_where_phone_and_watch_begin_on_different_days() -> None:
    """The phone from 23:50 to 0:10, the watch from 0:00 to 0:10: the phone's ten minutes of Monday count."""
    tuesday = date(2026, 11, 10)
    phone, watch = a_stretch("PHONE", 1430, 1450, 200), a_stretch("WATCH", 1440, 1450, 90) | {"day": tuesday}
    assert shares(phone, watch) == [0.5, 1.0]
    days = days_of(contract_of(MEASUREMENTS, STEPS), [phone, watch])
    assert [picked(day, "day", "steps", "dropped_overlap_minutes") for day in days] == [
        (date(2026, 11, 9), 100, 10.0),
        (tuesday, 90, 0.0),
    ]


def test_an_instant_counts_unless_a_better_device_has_the_same_instant() -> None:
    rows = [a_stretch("PHONE", 5, 5), a_stretch("PHONE", 5, 5, uuid="again"), a_stretch("WATCH", 5, 5)]
    assert shares(*rows) == [0.0, 0.0, 1.0]
    assert shares(*rows[:2], a_stretch("WATCH", 6, 6), a_stretch("WATCH", 0, 10)) == [1.0, 1.0, 1.0, 1.0]


def test_a_record_of_unknown_time_counts_and_takes_nothing_from_others() -> None:
    unknown = a_stretch("WATCH", 0, 10, end_seconds=None)
    assert shares(a_stretch("PHONE", 0, 10), unknown, a_stretch("WATCH", 10, 0)) == [1.0, 1.0, 1.0]


def test_what_where_leaves_out_takes_no_time_from_others() -> None:
    contract = contract_of(MEASUREMENTS, STEPS.replace("daily:", "daily:\n  where: value IS NOT NULL"))
    rows = [a_stretch("PHONE", 0, 60, 600), a_stretch("WATCH", 0, 60) | {"value": None}]
    assert the_day_of(contract, rows)["steps"] == 600


def test_where_may_name_the_share() -> None:
    contract = contract_of(MEASUREMENTS, STEPS.replace("daily:", "daily:\n  where: share > 0.5"))
    rows = [a_stretch("PHONE", 0, 60, 600), a_stretch("WATCH", 0, 40, 300)]
    assert the_day_of(contract, rows)["steps"] == 300


#: A minute before the week after begins in Tokyo.
SUNDAY_NIGHT = after_midnight(1439, date(2026, 11, 15))
stretches = st.builds(
    lambda start, length, **fields: {"start_seconds": start, "end_seconds": start + length} | fields,
    st.integers(SUNDAY_NIGHT, SUNDAY_NIGHT + 40),
    st.integers(0, 15),
    device=st.sampled_from(["WATCH", "PHONE", "RING", None]),
    day=st.sampled_from([date(2026, 11, 15), date(2026, 11, 16)]),
    kind=st.sampled_from(["STEPS", None]),
    user_id=st.sampled_from(["p1", "p2"]),
)


def owned(rows: list[Row]) -> list[float]:
    """By hand, second by second: each second belongs to the first that has it, of the best device's records."""
    places = {"WATCH": 0, "PHONE": 1, "RING": 2, None: 3}
    order = sorted(
        range(len(rows)),
        key=lambda n: (places[rows[n]["device"]], rows[n]["start_seconds"], -rows[n]["end_seconds"], rows[n]["uuid"]),
    )
    taken: set[tuple[str, str, int]] = set()
    found: dict[int, float] = {}
    for n in order:
        row = rows[n]
        mine = {(row["user_id"], row["kind"], s) for s in range(row["start_seconds"], row["end_seconds"])}
        found[n] = len(mine - taken) / len(mine) if mine else -1.0
        taken |= mine
    return [found[n] for n in range(len(rows))]


@settings(max_examples=examples(60, 200))
@given(st.lists(stretches, max_size=14), st.randoms(use_true_random=False))
def test_shares_are_those_of_counting_second_by_second_in_any_order(rows: list[Row], random: Any) -> None:
    named = [row | {"uuid": f"id{n}"} for n, row in enumerate(rows)]
    mixed = random.sample(named, len(named))
    lasting = [row for row in named if row["end_seconds"] > row["start_seconds"]]
    kept, then = (
        {row["uuid"]: share for row, share in zip(some, shares(*some), strict=True)} for some in (named, mixed)
    )
    assert [kept[row["uuid"]] for row in lasting] == owned(lasting)
    assert kept == then
