"""Weekly tables of several weeks at once."""

from datetime import date
from pathlib import Path

import polars as pl

from qol.contracts.frames import monday_expr
from qol.lake import LocalLake
from qol.run.week_tables import week_tables
from qol.tables.slices import Bucket
from qol.tables.weeks import WEEK
from tests.builders import CONTRACTS
from tests.transform.builders import MONDAY, daily_frame

NEXT, OPEN = MONDAY + WEEK, MONDAY + 2 * WEEK


def test_closed_weeks_come_in_order_each_compared_with_the_week_before(tmp_path: Path) -> None:
    """100 steps on every day of the first week, 130 of the second; the third is not closed."""
    rows = [{"day": n, "steps": 100 + 30 * (n // 7)} for n in range(21)]
    days = daily_frame(rows).with_columns(week=monday_expr(pl.col("day")))
    users = Bucket(LocalLake(tmp_path), None, None)

    made = week_tables(CONTRACTS, days, (OPEN, NEXT, MONDAY), {NEXT, MONDAY}, users)

    found: list[tuple[str, date, float | None]] = [
        (table, week, tables["steps_mean_change"].item()) for table, week, tables in made
    ]
    assert found == [("weekly_metrics", MONDAY, None), ("weekly_metrics", NEXT, 30.0)]
