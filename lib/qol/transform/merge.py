"""New rows and published rows to one winner per week, user and key, by a total order."""

from dataclasses import dataclass

import polars as pl

from qol.contracts.columns import record_columns
from qol.contracts.frames import monday_expr
from qol.contracts.raw_values import EPOCH
from qol.contracts.source import SourceContract
from qol.transform.versions import RECEIPT, version_order

#: Which of two equal records stays: the one from the smaller place.
PLACE = ["object", "line_number"]

#: How many lines lie before a range of an object that was split.
LINE_OFFSETS = {"object_index": pl.Int64, "range_start": pl.Int64, "lines_before": pl.Int64}

EXCEPT_CONTENT = frozenset({"user_id", "record_key", "value_issues", "raw_object", "line_number"})


@dataclass(frozen=True)
class Merged:
    """Winners sorted by user and key (with `week`); per object index how many new rows were kept, and received."""

    records: pl.DataFrame
    kept: pl.DataFrame


def to_records(
    rows: pl.DataFrame, contract: SourceContract, raw_objects: pl.Series, line_offsets: pl.DataFrame
) -> pl.DataFrame:
    """Ingest rows as record rows: real dates and times, absolute line numbers, the hash of the object's key.

    `line_offsets` has the columns LINE_OFFSETS for objects that were split.
    """
    dates = ["day", "arrival_date"]
    dates += [spec.name for spec in contract.fields if spec.type == "date"]
    epoch = pl.lit(EPOCH)
    rows = with_line_numbers(rows, line_offsets).with_columns(
        *[(epoch + pl.duration(days=pl.col(name))).cast(pl.Date).alias(name) for name in dates],
        *[pl.col(name).cast(pl.Datetime("us", "UTC")) for name in ("source_timestamp", "received_at")],
    )
    return rows.with_columns(
        record_key=pl.concat_str(
            [column.cast(pl.String).fill_null("") for column in key_columns(contract).values()], separator="|"
        ),
        raw_object=raw_objects.gather(rows["object_index"]),
    )


def key_columns(contract: SourceContract) -> dict[str, pl.Expr]:
    """Columns that are the same in two records of one user exactly when both are about the same thing."""
    if not contract.key_without:
        return {name: pl.col(name) for name in contract.key}
    lacks = pl.any_horizontal([pl.col(name).is_null() for name in contract.key])
    return {
        **{f"key_{name}": pl.when(~lacks).then(pl.col(name)) for name in contract.key},
        **{f"without_{name}": pl.when(lacks).then(pl.col(name)) for name in contract.key_without},
    }


def with_line_numbers(rows: pl.DataFrame, line_offsets: pl.DataFrame) -> pl.DataFrame:
    """Rows whose line numbers count from the start of the object, not of the range they were read in."""
    if line_offsets.is_empty():
        return rows
    rows = rows.join(line_offsets, on=["object_index", "range_start"], how="left", maintain_order="left")
    return rows.with_columns(pl.col("line_number") + pl.col("lines_before").fill_null(0))


def merge(new: pl.DataFrame, published: pl.DataFrame | None, contract: SourceContract) -> Merged:
    """One winner per (week, user, key).

    Order: that of the contract's versions (`version_order`); the larger content, where the fields that grow are compared
    before all others; then the smallest place. Rows of equal content give equal output.
    Where the contract has a slot, only rows of the slot's newest receipt take part.
    """
    names = [column.name for column in record_columns(contract)]
    rows = new.select(*names, "object_index", is_new=pl.lit(value=True))
    if published is not None and published.height:
        old = published.select(*names, object_index=pl.lit(None, pl.Int64), is_new=pl.lit(value=False))
        rows = pl.concat([rows, old])
    winners = _winners_by(["week"], rows.with_columns(week=monday_expr(pl.col("day"))), contract)
    kept = winners.filter("is_new").group_by("object_index").len("kept")
    received = new.group_by("object_index").len("records")
    counts = received.join(kept, on="object_index", how="left").with_columns(pl.col("kept").fill_null(0).cast(pl.Int64))
    return Merged(winners.select(*names, "week"), counts)


def best_of_keys(rows: pl.DataFrame, contract: SourceContract) -> pl.DataFrame:
    """Of record rows of several weeks, the winner of each user, `border` and key, in the order that `merge` has."""
    return _winners_by(["border"], rows.with_columns(is_new=pl.lit(value=True)), contract)


def _winners_by(within: list[str], rows: pl.DataFrame, contract: SourceContract) -> pl.DataFrame:
    """The winner of each user and key within columns of the rows."""
    versions = version_order(contract)
    names = [column.name for column in record_columns(contract)]
    ordered = _best_first(rows.with_columns(**versions), contract, [*versions], within)
    return _winners(ordered, [*versions], list(dict.fromkeys((*contract.growing, *names))))


def _best_first(rows: pl.DataFrame, contract: SourceContract, versions: list[str], within: list[str]) -> pl.DataFrame:
    """Rows sorted by user, `within` and key, the best first, with the number of their `group` from 1 and their `position`."""
    rows = rows.with_columns(**key_columns(contract), person=ranks(rows["user_id"]), object=ranks(rows["raw_object"]))
    if contract.slot:
        rows = _newest_of_slots(rows, (*within, *contract.slot))
    keys = ["person", *within, *key_columns(contract)]
    ordered = rows.sort(
        [*keys, *versions, *PLACE, "is_new"],
        descending=[False] * len(keys) + [True] * len(versions) + [False] * len(PLACE) + [True],
        nulls_last=True,
    )
    is_first = pl.any_horizontal([pl.col(key).ne_missing(pl.col(key).shift(1)) for key in keys])
    return ordered.with_columns(
        group=is_first.fill_null(value=True).cum_sum().cast(pl.Int64), position=pl.int_range(pl.len())
    )


def _newest_of_slots(rows: pl.DataFrame, slot: tuple[str, ...]) -> pl.DataFrame:
    """Rows received with the last delivery of their user's slot (columns, with those within which it is one).

    This is done before winners are chosen and by receipt alone, so that rows received one by one leave the same rows as
    all at once: the newest receipt of a slot never gets older, and one of its rows is always among those published.
    """
    return rows.filter(pl.col(RECEIPT) == pl.col(RECEIPT).max().over("person", *slot))


def ranks(texts: pl.Series) -> pl.Series:
    """Numbers in the order of the texts; only the distinct texts are sorted."""
    distinct = texts.unique().sort()
    numbers = pl.int_range(distinct.len(), eager=True)
    return texts.replace_strict(distinct, numbers, return_dtype=pl.Int64).cast(pl.Int64)  # of no texts it gives texts


def _winners(ordered: pl.DataFrame, versions: list[str], names: list[str]) -> pl.DataFrame:
    """The first row of each group; by the content of `names`, in their order, the larger where new rows or places tie.

    A published row whose line was read again counts no more: a changed contract may have made something else of the line.
    """
    leads = ordered.filter(pl.col("group").is_first_distinct())
    if leads.height == ordered.height:
        return leads
    lead = ordered.select([*versions, *PLACE, "position"])[(leads["position"].gather(ordered["group"] - 1))]
    ties = pl.all_horizontal([pl.col(name).eq_missing(pl.lit(lead[name])) for name in versions])
    elsewhere = pl.any_horizontal([pl.col(name) != pl.lit(lead[name]) for name in PLACE])
    same_line = pl.col("is_new") & (pl.col("position") != pl.lit(lead["position"]))
    contested = ordered.filter(ties & (elsewhere | same_line))["group"].unique()
    if contested.is_empty():
        return leads
    tied = ordered.filter(ties & pl.col("group").is_in(contested.implode()))
    tied = tied.filter(pl.col("is_new") == pl.col("is_new").any().over("group", *PLACE))
    content = [pl.col(name) for name in names if name not in EXCEPT_CONTENT]
    rest = [pl.col("value_issues").list.join("\n"), *map(pl.col, PLACE)]
    descending = [False] + [True] * len(content) + [False] * len(rest)
    best = tied.sort("group", *content, *rest, descending=descending, nulls_last=True)
    best = best.filter(pl.col("group").is_first_distinct())
    uncontested = leads.filter(~pl.col("group").is_in(contested.implode()))
    return pl.concat([uncontested, best]).sort("group")
