"""Whether rows are in order already, which spares a sort."""

from typing import Any

import polars as pl
import pytest

from qol.contracts.frames import in_order, rises


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("u1", 1), ("u1", 2), ("u2", 1)], True),
        ([("u1", 1), ("u1", 1), ("u2", 1)], False),
        ([("u1", 2), ("u1", 1), ("u2", 1)], False),
        ([("u2", 1), ("u1", 2)], False),
        ([("u1", 1)], True),
        ([], True),
    ],
    ids=["in order", "one twice", "days fall", "users fall", "one row", "no row"],
)
def test_rows_rise_where_each_is_above_the_one_before(rows: list[Any], expected: bool) -> None:
    frame = pl.DataFrame(rows, schema={"user_id": pl.String, "day": pl.Int64}, orient="row")
    assert rises(frame, ["user_id", "day"]) is expected
    assert in_order(frame, ["user_id", "day"]).rows() == sorted(rows)
