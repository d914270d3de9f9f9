"""Days of a room: the discomfort index of published tables, the comfort limits at their edges, readings that do not count."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from qol.identity.user_map import UserMap
from tests.builders import MONDAY_START, run_lake, write_lines

ROOM = UserMap((("sensor", "room-1", "P1", None),))


pytestmark = pytest.mark.usefixtures("no_gate")


def day_of(lake: Path, *readings: dict[str, Any]) -> dict[str, Any]:
    """The daily row of a room with these readings, five minutes apart."""
    lines = [{"device_id": "room-1", "timestamp": MONDAY_START + 300 * n, **r} for n, r in enumerate(readings)]
    write_lines(lake, "2026-11-10", lines, folder="raw/sensor/readings")
    run_lake(lake, user_map=ROOM)
    (row,) = pq.read_table(lake / "processed/daily/date=2026-11-09/part-00000.parquet").to_pylist()
    assert (row["user_id"], row["source"]) == ("P1", "sensor")
    return dict(row)


@pytest.mark.parametrize(
    ("temperature", "humidity", "index"),
    # The table of the Japanese Wikipedia's article on the index, 75, 80, 78 and 91, with two decimals.
    [(27, 55, 75.01), (29, 70, 79.88), (25, 0, 66.55), (30, 50, 78.30), (35, 80, 90.93)],
)
def test_the_discomfort_index_is_that_of_published_tables(
    tmp_path: Path, temperature: float, humidity: float, index: float
) -> None:
    assert day_of(tmp_path, {"temperature": temperature, "humidity": humidity})["discomfort_index"] == pytest.approx(
        index, abs=0.0051
    )


def test_18_to_28_degrees_and_40_to_70_percent_are_comfortable_with_their_edges(tmp_path: Path) -> None:
    inside = [(18, 40), (28, 70), (22, 55)]
    outside = [(17.9, 40), (28.1, 70), (22, 39.9), (22, 70.1), (35, 90)]
    row = day_of(tmp_path, *({"temperature": t, "humidity": h} for t, h in inside + outside))
    assert (row["comfort_share"], row["valid_readings"]) == (0.375, 8)


def test_faults_are_no_readings_and_what_the_device_calls_an_error_does_not_count(tmp_path: Path) -> None:
    row = day_of(
        tmp_path,
        {"temperature": 20, "humidity": 50},
        {"temperature": 22, "humidity": 60},
        {"temperature": -127, "humidity": 50},
        {"temperature": 85.0, "humidity": 50},
        {"temperature": 0, "humidity": 0},
        {"temperature": 30, "humidity": 90, "status": "error"},
    )
    assert (row["temperature_mean_c"], row["humidity_mean_pct"], row["valid_readings"]) == (21.0, 52.5, 2)


@pytest.mark.parametrize("status", [0, "0", "", None, "online", "LOW_BATTERY", "正常"])
def test_a_status_that_names_no_fault_leaves_a_reading(tmp_path: Path, status: object) -> None:
    assert day_of(tmp_path, {"temperature": 20, "humidity": 50, "status": status})["valid_readings"] == 1


@pytest.mark.parametrize("status", [-2, "No response", "no connection", "unresponsive", "broken", "not ok", "backup"])
def test_a_status_that_does_not_say_it_is_well_leaves_none(tmp_path: Path, status: object) -> None:
    well = {"temperature": 20, "humidity": 50}
    assert day_of(tmp_path, well, {"temperature": 30, "humidity": 50, "status": status})["valid_readings"] == 1


def test_two_devices_of_one_person_do_not_replace_each_other(tmp_path: Path) -> None:
    both = [
        {"device_id": f"room-{n}", "timestamp": MONDAY_START, "temperature": 20 + n, "humidity": 50} for n in (1, 3)
    ]
    write_lines(tmp_path, "2026-11-10", both, folder="raw/sensor/readings")
    run_lake(tmp_path, user_map=UserMap(tuple(("sensor", f"room-{n}", "P1", None) for n in (1, 3))))
    (row,) = pq.read_table(tmp_path / "processed/daily/date=2026-11-09/part-00000.parquet").to_pylist()
    assert (row["temperature_mean_c"], row["valid_readings"]) == (22.0, 2)


@pytest.mark.parametrize("status", ["sensor error", "NOT OK", "offline", "E3?", 7])
def test_whatever_a_device_says_is_wrong_in_its_own_words_does_not_count(tmp_path: Path, status: object) -> None:
    row = day_of(tmp_path, {"temperature": 20, "humidity": 50}, {"temperature": 60, "humidity": 50, "status": status})
    assert (row["temperature_mean_c"], row["valid_readings"]) == (20.0, 1)
