"""The text of what a check observed: tables, weeks and counts; never a value of a row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from qol.contracts.raw_values import EPOCH
from qol.contracts.wording import count
from qol.quality.comparison import Comparison
from qol.quality.sentences import files_sentence, rejected_sentence, two_ids_sentence
from qol.quality.suites import Check
from qol.tables.weeks import iso_week

#: Files or weeks that are named before the rest is only counted.
MAX_NAMED = 5


@dataclass(frozen=True)
class CheckObservation:
    """What a check observed, and what is wrong if it fails; `checked` is false when there was nothing it could check."""

    checked: bool
    text: str
    finding: str = ""


def observe_run(rejected: int, items: int) -> CheckObservation:
    """The observation of the check of rejected items."""
    percent = 100 * rejected / items if items else 0.0
    text = f"{rejected} of {items} items, {percent:.{0 if percent >= 10 else 1}f} %"
    return CheckObservation(checked=True, text=text, finding=rejected_sentence(text))


def observe_two_ids(users: int) -> CheckObservation:
    """The observation of the check of users whom an entry would have given a second id."""
    kept = "; the keyed hash is kept, the entry not used" if users else ""
    return CheckObservation(checked=True, text=f"{count(users, 'user')}{kept}", finding=two_ids_sentence(users))


def observe_files(check: Check, comparisons: Sequence[Comparison]) -> CheckObservation:
    """The observation of a check of compared files, the newest week first."""
    of_check = [c for c in comparisons if c.compared == check.compared]
    newest_first = sorted(of_check, key=lambda c: c.date, reverse=True)
    compared = [c for c in newest_first if not c.not_checked]
    skipped = _not_checked(newest_first)
    if not compared:
        return CheckObservation(checked=False, text=skipped or "not checked: no file to compare")
    wrong = [(c, c.found[check.severity]) for c in compared if check.severity in c.found]
    places = _named([f"{c.place}: {found}" for c, found in wrong], "file")
    parts = [f"{len(wrong)} of {count(len(compared), 'file')}", places, skipped]
    return CheckObservation(checked=True, text="; ".join(filter(None, parts)), finding=files_sentence(wrong))


def _not_checked(comparisons: Sequence[Comparison]) -> str:
    """The reasons why files were not checked, each with an example."""
    places: dict[str, list[str]] = {}
    for one in comparisons:
        if one.not_checked:
            places.setdefault(one.not_checked, []).append(one.place)
    reasons = [
        f"{reason} ({files[0] if len(files) == 1 else f'{len(files)} files such as {files[0]}'})"
        for reason, files in places.items()
    ]
    return f"not checked: {', '.join(reasons)}" if reasons else ""


def observe_rows(table: str, check: Check, rows: pl.DataFrame) -> str:
    """The weeks of a batch with rows that break a check, and which metrics break it.

    `; weekly_metrics 2026-W46: 2 rows of 1 user (steps)`; empty for rows without a `partition`.
    """
    if "partition" not in rows.columns:
        return ""
    users = pl.col("user_id").drop_nulls().n_unique()
    broken = rows.filter(_breaks(check.expectation_type, check.arguments))
    counted = broken.group_by("partition").agg(pl.len().alias("rows"), users.alias("users")).sort("partition")
    weeks = [
        f"{iso_week(EPOCH + timedelta(days=int(day)))}: {count(n, 'row')} of {count(of, 'user')}"
        for day, n, of in counted.iter_rows()
    ]
    return f"; {table} {_named(weeks, 'week')}{_broken_metrics(check, rows)}"


def _breaks(expectation_type: str, arguments: Mapping[str, Any]) -> pl.Expr:
    expressions: dict[str, Callable[[], pl.Expr]] = {
        "ExpectColumnValuesToNotBeNull": lambda: pl.col(arguments["column"]).is_null(),
        "ExpectCompoundColumnsToBeUnique": lambda: pl.struct(arguments["column_list"]).is_duplicated(),
        "ExpectColumnPairValuesAToBeGreaterThanB": lambda: _not_greater(arguments),
        "ExpectColumnValuesToBeBetween": lambda: pl.col(arguments["column"]) > arguments["max_value"],
    }
    return expressions[expectation_type]()


def _not_greater(arguments: Mapping[str, Any]) -> pl.Expr:
    greater, less = pl.col(arguments["column_A"]), pl.col(arguments["column_B"])
    return less > greater if arguments["or_equal"] else less >= greater


def _broken_metrics(check: Check, rows: pl.DataFrame) -> str:
    """` (steps, distance_m)` for a check of several metrics: those that break it in any row of a batch."""
    columns = [name for name in rows.columns if name.startswith(f"{check.arguments.get('column')}:")]
    names = [name.partition(":")[2] for name in columns if rows[name].any()]
    return f" ({', '.join(names)})" if names else ""


def _named(texts: Sequence[str], noun: str) -> str:
    more = f" and {count(len(texts) - MAX_NAMED, f'more {noun}')}" if len(texts) > MAX_NAMED else ""
    return ", ".join(texts[:MAX_NAMED]) + more
