"""WHOQOL-BREF scores: the manual's worked values, reversed items, and what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.builders import run_lake, write_lines

REVERSED = (3, 4, 26)


pytestmark = pytest.mark.usefixtures("no_gate")


def answers(value: int, **others: object) -> dict[str, Any]:
    """All 26 items with one answer, but for others."""
    return {f"q{item}": value for item in range(1, 27)} | others


def scores(lake: Path, answered: dict[str, Any]) -> dict[str, Any]:
    """The day's survey metrics of one questionnaire."""
    record = {"user_id": "u1", "administered_at": "2026-11-09T21:30:00+09:00", "instrument": "WHOQOL-BREF", **answered}
    write_lines(lake, "2026-11-10", [record], folder="raw/survey/whoqol26")
    run_lake(lake)
    (row,) = pq.read_table(lake / "processed/daily/date=2026-11-09/part-00000.parquet").to_pylist()
    return {name.removeprefix("whoqol_"): value for name, value in row.items() if name.startswith("whoqol_")}


def domains(found: dict[str, Any], scale: str) -> list[float | None]:
    return [found[f"{domain}_{scale}"] for domain in ("physical", "psychological", "social", "environment")]


@pytest.mark.parametrize(
    ("answer", "reversed_answer", "mean5", "t100"), [(3, 3, 3.0, 50.0), (5, 1, 5.0, 100.0), (1, 5, 1.0, 0.0)]
)
def test_the_middle_the_best_and_the_worst_answers_everywhere_are_50_100_and_0(
    tmp_path: Path, answer: int, reversed_answer: int, mean5: float, t100: float
) -> None:
    found = scores(tmp_path, answers(answer, **{f"q{item}": reversed_answer for item in REVERSED}))
    assert domains(found, "mean5") == [mean5] * 4
    assert domains(found, "t100") == [t100] * 4
    assert (found["overall"], found["health"]) == (answer, answer)


def test_items_that_were_turned_round_before_are_not_turned_round_again(tmp_path: Path) -> None:
    found = scores(tmp_path, answers(5, pre_reversed=True))
    assert domains(found, "t100") == [100.0] * 4


def test_a_raw_sum_of_29_in_the_physical_domain_is_exactly_78_57_and_not_the_rounded_81_of_the_tables(
    tmp_path: Path,
) -> None:
    found = scores(tmp_path, answers(4, q3=1, q4=2, pre_reversed=False))
    # 6 - 1 = 5 and 6 - 2 = 4 and five times 4: 29 of 35.
    assert found["physical_mean5"] == 4.1429
    assert found["physical_t100"] == 78.5714


def test_a_domain_with_up_to_the_allowed_missing_items_is_the_mean_of_the_others(tmp_path: Path) -> None:
    found = scores(tmp_path, answers(3, q10=None, q15=None, q20=None))
    assert domains(found, "mean5") == [3.0, 3.0, 3.0, 3.0]


def test_one_missing_item_more_and_the_domain_is_not_known(tmp_path: Path) -> None:
    found = scores(tmp_path, answers(3, q10=None, q15=None, q16=None, q20=None, q21=None))
    assert domains(found, "mean5") == [None, 3.0, None, 3.0]


def test_20_answers_of_26_are_too_few_for_any_score(tmp_path: Path) -> None:
    gone = {f"q{item}": None for item in (5, 10, 15, 20, 8, 9)}
    found = scores(tmp_path, answers(3, **gone))
    assert domains(found, "mean5") == [None] * 4
    assert (found["overall"], found["health"]) == (None, None)


def test_21_answers_of_26_are_enough(tmp_path: Path) -> None:
    gone = {f"q{item}": None for item in (5, 10, 15, 20, 8)}
    assert domains(scores(tmp_path, answers(3, **gone)), "mean5") == [3.0] * 4


def test_another_instrument_is_stored_and_not_scored(tmp_path: Path) -> None:
    found = scores(tmp_path, answers(3, instrument="SF-36"))
    assert (domains(found, "mean5"), found["overall"]) == ([None] * 4, None)
