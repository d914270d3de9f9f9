"""What a check saw, in words: table, week and how many; never a value of a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from qol.contracts.quality import Compared, Severity
from qol.quality.comparison import Comparison, NotChecked
from qol.quality.facts import EmptiedMetric, PartitionFacts, PeopleLost
from qol.quality.suites import Check
from qol.tables.weeks import iso_week

#: Weeks that are named before the rest is only counted.
NAMED = 5
#: Checks of weekly files that need enough people, and something to compare with.
COMPARING = ("people_kept", "metrics_not_emptied")
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Seen:
    """What a check saw; `checked` is false when it could look at nothing at all."""

    checked: bool
    words: str


def seen_in_partitions(facts: Sequence[PartitionFacts]) -> dict[str, Seen]:
    """What each check of the `partitions` suite saw, by its id."""
    wrong = [
        f"{_file(f)}: {f.rows_staged} rows staged, {f.rows_expected} computed"
        for f in facts
        if f.rows_staged != f.rows_expected
    ]
    rows = Seen(checked=True, words=_of(wrong, len(facts), "file"))
    return {"rows_as_expected": rows, **{check: _seen(check, facts) for check in COMPARING}}


def seen_in_run(rejected: int, items: int) -> Seen:
    """What the check of rejected items saw."""
    percent = 100 * rejected / items if items else 0.0
    return Seen(checked=True, words=f"{rejected} of {items} items, {percent:.{0 if percent >= 10 else 1}f} %")


def seen_between_weeks(comparisons: Sequence[Comparison], compared: Compared, severity: Severity) -> Seen:
    """What the check of a kind and severity saw, the newest week first."""
    asked = sorted((c for c in comparisons if c.compared == compared), key=lambda c: c.date, reverse=True)
    skipped = _not_checked([(c.place, c.not_checked) for c in asked if c.not_checked], _examples)
    looked = len([comparison for comparison in asked if comparison.not_checked is None])
    if not looked:
        return Seen(checked=False, words=skipped or "not checked: no file to ask this of")
    wrong = [f"{c.place}: {c.found[severity]}" for c in asked if severity in c.found]
    return Seen(checked=True, words="; ".join(filter(None, (_of(wrong, looked, "file"), skipped))))


def _seen(check: str, facts: Sequence[PartitionFacts]) -> Seen:
    asked = [(fact, getattr(fact, check)) for fact in facts if getattr(fact, check) is not None]
    looked = [(fact, found) for fact, found in asked if not isinstance(found, NotChecked)]
    words = [f"{_file(fact)}: {text}" for fact, found in looked if (text := _found(found))]
    skipped = _not_checked([(_week(fact), found) for fact, found in asked if isinstance(found, NotChecked)], _some)
    if not looked:
        return Seen(checked=False, words=skipped or "not checked: no weekly file is new")
    return Seen(checked=True, words="; ".join(filter(None, (_of(words, len(looked), "week"), skipped))))


def _found(found: PeopleLost | tuple[EmptiedMetric, ...]) -> str:
    """What is wrong with a week; nothing when all is well, or when no more is lost than may be."""
    if isinstance(found, PeopleLost):
        return f"{found.lost} of {found.before} people lost" if found.is_too_many else ""
    # All are named: the one whose field was renamed may be the anchor that takes its whole group with it.
    names: dict[str, list[str]] = {}
    for metric in found:
        counted = f"{metric.now} of {metric.people} people (before {metric.before} of {metric.rows_before} rows)"
        names.setdefault(counted, []).append(metric.name)
    return ", ".join(f"{', '.join(named)} {counted}" for counted, named in names.items())


def _not_checked(skipped: Iterable[tuple[str, NotChecked]], listed: Callable[[list[str]], str]) -> str:
    reasons: dict[str, list[str]] = {}
    for place, found in skipped:
        reasons.setdefault(found.reason, []).append(place)
    said = [f"{reason} ({listed(places)})" for reason, places in reasons.items()]
    return f"not checked: {', '.join(said)}" if said else ""


def broken_rows(check: Check, rows: pl.DataFrame) -> list[tuple[date, int, int]]:
    """For each week of a batch: its Monday, how many rows break the check, and of how many people."""
    given = check.arguments
    kinds: dict[str, Callable[[], pl.Expr]] = {
        "ExpectColumnValuesToNotBeNull": lambda: pl.col(given["column"]).is_null(),
        "ExpectCompoundColumnsToBeUnique": lambda: pl.struct(given["column_list"]).is_duplicated(),
        "ExpectColumnPairValuesAToBeGreaterThanB": lambda: _not_greater(given),
        "ExpectColumnValuesToBeBetween": lambda: pl.col(given["column"]) > given["max_value"],
    }
    people = pl.col("user_id").drop_nulls().n_unique()
    counted = rows.filter(kinds[check.kind]()).group_by("partition").agg(pl.len().alias("rows"), people.alias("people"))
    return [(_EPOCH + timedelta(days=int(day)), n, of) for day, n, of in counted.sort("partition").iter_rows()]


def _not_greater(given: Mapping[str, Any]) -> pl.Expr:
    greater, less = pl.col(given["column_A"]), pl.col(given["column_B"])
    return less > greater if given["or_equal"] else less >= greater


def broken_metrics(check: Check, rows: pl.DataFrame) -> str:
    """` (steps, distance_m)` for a check of several metrics: those that break it in any row of a batch."""
    parts = [name for name in rows.columns if name.startswith(f"{check.arguments.get('column')}:")]
    names = [name.partition(":")[2] for name in parts if rows[name].any()]
    return f" ({', '.join(names)})" if names else ""


def in_weeks(table: str, broken: Sequence[tuple[date, int, int]]) -> str:
    """`weekly_metrics 2026-W46: 2 rows of 1 person`."""
    said = [f"{iso_week(monday)}: {_count(rows, 'row')} of {_people(people)}" for monday, rows, people in broken]
    return f"{table} {_some(said)}"


def _file(fact: PartitionFacts) -> str:
    return f"{fact.table} {_week(fact)}"


def _week(fact: PartitionFacts) -> str:
    return iso_week(date.fromisoformat(fact.date))


def _of(wrong: Sequence[str], looked: int, kind: str) -> str:
    """How many are wrong, and which."""
    return "; ".join([f"{len(wrong)} of {looked} {kind}s", *([_some(wrong, kind)] if wrong else [])])


def _examples(places: list[str]) -> str:
    return places[0] if len(places) == 1 else f"{len(places)} files such as {places[0]}"


def _some(words: Sequence[str], kind: str = "week") -> str:
    more = f" and {_count(len(words) - NAMED, f'more {kind}')}" if len(words) > NAMED else ""
    return ", ".join(words[:NAMED]) + more


def _count(number: int, one: str) -> str:
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number} people"
