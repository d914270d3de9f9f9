"""WHOQOL-BREF scores: the manual's worked values, reversed items, and what is missing."""

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


#: Best answers everywhere, and the worst: three items are asked the other way round.
BEST, WORST = {f"q{item}": 1 for item in REVERSED}, {f"q{item}": 5 for item in REVERSED}
#: Answers, the domains on the scales to 5 and to 100, the question about life overall.
CASES = {
    "the middle everywhere is 50": (answers(3), [3.0] * 4, [50.0] * 4, 3),
    "the best everywhere is 100": (answers(5, **BEST), [5.0] * 4, [100.0] * 4, 5),
    "the worst everywhere is 0": (answers(1, **WORST), [1.0] * 4, [0.0] * 4, 1),
    "items that were turned round before are not turned round again": (
        answers(5, pre_reversed=True), [5.0] * 4, [100.0] * 4, 5,
    ),
    # 6 - 1 = 5 and 6 - 2 = 4 and five times 4: 29 of 35, exactly 78.57 and not the rounded 81 of the tables.
    "a raw sum of 29 in the physical domain": (
        answers(4, q3=1, q4=2, pre_reversed=False), [4.142857142857, 3.666666666667, 4.0, 4.0], [78.571428571429, 66.666666666667, 75.0, 75.0], 4,
    ),
    "a domain with the allowed missing items is the mean of the others": (
        answers(3, q10=None, q15=None, q20=None), [3.0] * 4, [50.0] * 4, 3,
    ),
    "one missing item more and the domain is not known": (
        answers(3, q10=None, q15=None, q16=None, q20=None, q21=None), [None, 3.0, None, 3.0], [None, 50.0, None, 50.0], 3,
    ),
    "20 answers of 26 are too few for any score": (
        answers(3, q5=None, q10=None, q15=None, q20=None, q8=None, q9=None), [None] * 4, [None] * 4, None,
    ),
    "21 answers of 26 are enough": (
        answers(3, q5=None, q10=None, q15=None, q20=None, q8=None), [3.0] * 4, [50.0] * 4, 3,
    ),
    "another instrument is stored and not scored": (answers(3, instrument="SF-36"), [None] * 4, [None] * 4, None),
}  # fmt: skip


@pytest.mark.parametrize(("answered", "mean5", "t100", "overall"), CASES.values(), ids=CASES)
def test_the_scores_of_a_questionnaire(
    tmp_path: Path, answered: dict[str, Any], mean5: list[float | None], t100: list[float | None], overall: int | None
) -> None:
    found = scores(tmp_path, answered)
    assert (domains(found, "mean5"), domains(found, "t100")) == (mean5, t100)
    assert found["overall"] == overall
