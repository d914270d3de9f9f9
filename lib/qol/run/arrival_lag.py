"""How late records arrive: days between the day a record is about and the UTC day of its arrival, counted exactly."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import polars as pl


def count_days(rows: pl.DataFrame) -> Counter[int]:
    """Records by days of lateness, of rows with `day` and `arrival_date` as days since 1970.

    -1 stands for a record whose local day had begun before the UTC day had.
    """
    late = rows.select(days=pl.col("arrival_date") - pl.col("day")).drop_nulls()
    return Counter(dict(late.group_by("days").len().iter_rows()))


def summarize(counts: Iterable[Counter[int]]) -> dict[str, int] | None:
    """How many records there were, and the median, 95th percentile and maximum of their days; None without records.

    A percentile is the smallest number of days that this share of the records does not exceed (nearest rank).
    """
    total = sum(counts, Counter[int]())
    if not total:
        return None
    days, weights = zip(*total.items(), strict=True)
    half, most = np.quantile(days, (0.5, 0.95), method="inverted_cdf", weights=weights)
    return {"records": total.total(), "p50_days": int(half), "p95_days": int(most), "max_days": max(days)}
