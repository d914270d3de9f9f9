"""New rows and published rows to one winner per week, user and key, by a total order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qol.contracts.columns import record_columns
from qol.contracts.frames import monday_expr
from qol.contracts.raw_values import EPOCH
from qol.contracts.source import SourceContract
from qol.transform.versions import RECEIPT, version_order

#: Which of two equal records stays: the one from the smaller place.
PLACE = ["object", "line_number"]

#: How many lines lie before a range of an object that was split.
LINE_OFFSETS = {"object_index": pl.Int64, "range_start": pl.Int64, "lines_before": pl.Int64}

#: Whole numbers up to here are exact, and so are sums and products that stay below.
_MAX_WIDTH = 2**62

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
    places = rows.select("object_index", "range_start")
    offsets = places.join(line_offsets, on=places.columns, how="left", maintain_order="left")["lines_before"]
    return rows.with_columns(pl.col("line_number") + offsets.fill_null(0))


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
    """The winner of each user and key within columns of the rows, sorted by user, these columns and key."""
    versions = version_order(contract)
    names = [column.name for column in record_columns(contract)]
    users = _compact(rows["user_id"].unique().sort())
    rows = rows.with_columns(
        **versions, **key_columns(contract), person=_places(rows["user_id"], users), object=ranks(rows["raw_object"])
    )
    if contract.slot:
        rows = _newest_of_slots(rows, (*within, *contract.slot))
    ordered = _best_first(rows, ["person", *within, *key_columns(contract)], [*versions])
    winners = _winners(rows, ordered, [*versions], list(dict.fromkeys((*contract.growing, *names))))
    return winners.with_columns(user_id=users.gather(winners["person"]))


def _compact(texts: pl.Series) -> pl.Series:
    """The texts one after the other in memory. Chosen and sorted ones stay where they were: each look is a cache miss."""
    return pl.Series(texts.name, texts.to_arrow(compat_level=pl.CompatLevel.oldest()))


def _best_first(rows: pl.DataFrame, keys: list[str], versions: list[str]) -> pl.DataFrame:
    """What orders the rows, sorted by key, the best first, with their place in `rows` (`=at`).

    Each has the number of its `group` from 1 and its `position`. Only these columns are sorted: to move all of them twice
    takes longer than to sort.
    """
    order = [*keys, *versions, *PLACE, "is_new"]
    falls = [False] * len(keys) + [True] * len(versions) + [False] * len(PLACE) + [True]
    # What is the same in all rows sorts nothing; often half of the columns are.
    is_alike = [rows[name].eq_missing(rows[name].head(1)).all() for name in order]
    by = [(name, down) for name, down, alike in zip(order, falls, is_alike, strict=True) if not alike]
    few = rows.select(*order, pl.int_range(pl.len()).alias("=at"))
    ordered = few[sorted_places([(rows[name], down) for name, down in by])] if by else few
    differs = [pl.col(name).ne_missing(pl.col(name).shift()) for name, _ in by if name in keys]
    return ordered.with_columns(
        group=pl.any_horizontal(pl.int_range(pl.len()) == 0, *differs).cum_sum().cast(pl.Int64),
        position=pl.int_range(pl.len()),
    )


def sorted_places(columns: Sequence[tuple[pl.Series, bool]]) -> NDArray[Any]:
    """The places of rows sorted by columns, the first before the next, each rising or (`True`) falling, nulls last.

    As many columns as fit share a whole number: a sort by two of these takes a fifth of one by the columns.
    """
    keys: list[pl.Series] = []
    room = 1
    for values, falls in columns:
        numbers, width = _numbers(values)
        key = (width - 1 - numbers if falls else numbers).fill_null(width)
        if keys and room * (width + 1) <= _MAX_WIDTH:
            keys[-1], room = keys[-1] * (width + 1) + key, room * (width + 1)
        else:
            keys.append(key)
            room = width + 1
    return _lexsorted([key.to_numpy() for key in keys])


def _lexsorted(keys: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The places of rows sorted by keys, the first before the next; equal rows stay in their order.

    A sort by the first key, which need not be stable, takes an eighth of `np.lexsort`, and leaves few ties.
    """
    places: NDArray[Any] = np.argsort(keys[0])
    first = keys[0][places]
    equal = first[1:] == first[:-1]
    if equal.any():
        at = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
        tied = np.sort(places[at])
        places[at] = tied[np.lexsort([key[tied] for key in reversed(keys)])]
    return places


def _numbers(values: pl.Series) -> tuple[pl.Series, int]:
    """Whole numbers from 0 on in the order of the values, of which at least one is known, and how many there can be."""
    if values.dtype.is_integer() or values.dtype.is_temporal():
        numbers = values.to_physical().cast(pl.Int64)
        low, high = (cast("int", of) for of in (numbers.min(), numbers.max()))
        if high - low < _MAX_WIDTH:
            return numbers - low, high - low + 1
    numbers = values.rank("dense").cast(pl.Int64) - 1
    return numbers, cast("int", numbers.max()) + 1


def _newest_of_slots(rows: pl.DataFrame, slot: tuple[str, ...]) -> pl.DataFrame:
    """Rows received with the last delivery of their user's slot (columns, with those within which it is one).

    This is done before winners are chosen and by receipt alone, so that rows received one by one leave the same rows as
    all at once: the newest receipt of a slot never gets older, and one of its rows is always among those published.
    """
    return rows.filter(pl.col(RECEIPT) == pl.col(RECEIPT).max().over("person", *slot))


def ranks(texts: pl.Series) -> pl.Series:
    """Numbers in the order of the texts; only the distinct texts are sorted."""
    return _places(texts, texts.unique().sort())


def _places(texts: pl.Series, distinct: pl.Series) -> pl.Series:
    numbers = pl.int_range(distinct.len(), eager=True)
    return texts.replace_strict(distinct, numbers, return_dtype=pl.Int64).cast(pl.Int64)  # of no texts it gives texts


def _winners(rows: pl.DataFrame, ordered: pl.DataFrame, versions: list[str], names: list[str]) -> pl.DataFrame:
    """The first row of each group; by the content of `names`, in their order, the larger where new rows or places tie.

    A published row whose line was read again counts no more: a changed contract may have made something else of the line.
    """
    leads = ordered.filter(pl.col("group") != pl.col("group").shift(fill_value=0))
    if leads.height == ordered.height:
        return rows[leads["=at"]]
    lead = ordered.select([*versions, *PLACE, "position"])[(leads["position"].gather(ordered["group"] - 1))]
    ties = pl.all_horizontal([pl.col(name).eq_missing(pl.lit(lead[name])) for name in versions])
    elsewhere = pl.any_horizontal([pl.col(name) != pl.lit(lead[name]) for name in PLACE])
    same_line = pl.col("is_new") & (pl.col("position") != pl.lit(lead["position"]))
    contested = ordered.filter(ties & (elsewhere | same_line))["group"].unique()
    if contested.is_empty():
        return rows[leads["=at"]]
    tied = ordered.filter(ties & pl.col("group").is_in(contested.implode()))
    tied = tied.filter(pl.col("is_new") == pl.col("is_new").any().over("group", *PLACE)).select("group", "=at")
    content = [pl.col(name) for name in names if name not in EXCEPT_CONTENT]
    rest = [pl.col("value_issues").list.join("\n"), *map(pl.col, PLACE)]
    descending = [False] + [True] * len(content) + [False] * len(rest)
    best = tied.hstack(rows[tied["=at"]]).sort("group", *content, *rest, descending=descending, nulls_last=True)
    best = best.filter(pl.col("group").is_first_distinct()).select("group", "=at")
    uncontested = leads.filter(~pl.col("group").is_in(contested.implode())).select("group", "=at")
    return rows[pl.concat([uncontested, best]).sort("group")["=at"]]
