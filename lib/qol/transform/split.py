"""Records that last over local midnight, as one piece per local day with its share of the quantities."""

import polars as pl

from qol.contracts.frames import monday_expr
from qol.contracts.many_records import Split
from qol.tables.weeks import WEEK
from qol.transform.borders import is_before_border

DAY_SECONDS = 86_400
#: A record that lasts longer stays whole.
MAX_SECONDS = 31 * DAY_SECONDS


def by_local_day(rule: Split, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that stay whole, and a piece per local day of those that last over midnight and that `where` names.

    Days begin at the midnight of the record's own offset from UTC, the one its day was found with. A piece has the
    record's columns, with the day, start and end of the piece and its values in proportion to time. Pieces lie in the
    record's week and, of a record near its end, in the next: no other week knows of the record.
    """
    start, end = pl.col(rule.start).cast(pl.Int64), pl.col(rule.end).cast(pl.Int64)
    local = start + pl.col("utc_offset_seconds")
    until_midnight = DAY_SECONDS - local % DAY_SECONDS
    crosses = (end - start > until_midnight) & (end - start <= MAX_SECONDS)
    if rule.where is not None:
        crosses &= pl.sql_expr(rule.where)
    crosses = crosses.fill_null(value=False)
    midnights = (end - start - until_midnight + DAY_SECONDS - 1) // DAY_SECONDS
    pieces = (
        rows.filter(crosses)
        .with_columns(position=pl.int_ranges(midnights + 1))
        .explode("position")
        .with_columns(record_day="day")
    )
    nth, first_midnight = pl.col("position"), start + until_midnight
    begins = pl.when(nth == 0).then(start).otherwise(first_midnight + (nth - 1) * DAY_SECONDS)
    ends = pl.min_horizontal(first_midnight + nth * DAY_SECONDS, end)
    cut = pieces.with_columns(
        (pl.col("day") + pl.duration(days=nth)).alias("day"),
        begins.cast(rows.schema[rule.start]).alias(rule.start),
        ends.cast(rows.schema[rule.end]).alias(rule.end),
        *[(pl.col(name) * (ends - begins) / (end - start)).alias(name) for name in rule.values],
    )
    own, of_piece = (monday_expr(pl.col(name)) for name in ("record_day", "day"))
    reached = pl.when(is_before_border(pl.col("record_day"))).then(own + WEEK).otherwise(own)
    return rows.filter(~crosses), cut.filter(of_piece <= reached).drop("position", "record_day")
