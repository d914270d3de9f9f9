"""What the rows of a candidate say about the checks of its table: counted by Polars, some rows and few columns at a time.

Workers count, each the candidate it has just written; the gate adds up. No value of a row is in what they count.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import NamedTuple

import polars as pl
import pyarrow.parquet as pq

from qol.contracts.expression_errors import naming_expressions
from qol.contracts.model import Contracts
from qol.contracts.wording import count
from qol.lake.base import Lake
from qol.quality.gate_checks import Check, CheckObservation, Evaluated, Facts
from qol.quality.observations import named
from qol.quality.row_suites import EXPRESSION_FILES, relation_sides, row_checks
from qol.quality.sentences import rows_sentence
from qol.tables.corruption import read_file
from qol.tables.layout import Candidate
from qol.tables.weeks import iso_week


class Broken(NamedTuple):
    """How many rows of one candidate break a check, of how many users, by which metrics."""

    date: str
    rows: int
    users: int
    metrics: list[str]


class OfCheck(NamedTuple):
    """What one candidate says about a check: the facts of each expectation, and the rows that break one, if any does."""

    facts: Sequence[Facts]
    broken: Broken | None


class RowFacts(NamedTuple):
    """What one candidate says about the checks of its table, in their order; of a table without checks nothing."""

    table: str
    checks: Sequence[OfCheck]


def observe_rows(lake: Lake, contracts: Contracts, candidate: Candidate) -> RowFacts:
    """Count the rows of a candidate; a file in which rows break a check is read again, for their users and metrics.

    UsageError names an expression of the contracts that cannot be computed.
    """
    checks = row_checks(contracts, candidate.table)
    counted = _count(lake, contracts, checks, candidate) if checks else []
    return RowFacts(
        candidate.table,
        [
            OfCheck(facts, _broken(lake, check, candidate) if any(fact.broken for fact in facts) else None)
            for check, facts in zip(checks, counted, strict=True)
        ],
    )


def evaluate_rows(table: str, checks: Sequence[Check], observed: Sequence[RowFacts]) -> list[Evaluated]:
    """Checks of a table with what its candidates, at least one, say about them."""
    return [_evaluate(table, check, [rows.checks[n] for rows in observed]) for n, check in enumerate(checks)]


def _evaluate(table: str, check: Check, found: Sequence[OfCheck]) -> Evaluated:
    facts = [Facts(*map(sum, zip(*of, strict=True))) for of in zip(*(one.facts for one in found), strict=True)]
    broken = [one.broken for one in found if one.broken is not None]
    text = f"{sum(one.rows for one in broken)} of {facts[0].rows} rows{_places(table, check, broken)}"
    return Evaluated(check, CheckObservation(checked=True, text=text, finding=rows_sentence(check.wrong, text)), facts)


def _count(lake: Lake, contracts: Contracts, checks: Sequence[Check], candidate: Candidate) -> list[list[Facts]]:
    """Facts of every check's expectations in one candidate."""
    file = pq.ParquetFile(lake.open_table(candidate.staged))
    sides = relation_sides(contracts, candidate.table)
    every = list(enumerate(expected for check in checks for expected in check.expected))
    counts: dict[int, Facts] = {}
    for at_once in (True, False):
        exprs = {n: one.broken for n, one in every if one.at_once == at_once and one.broken is not None}
        sums = []
        for rows in _parts(file, _columns(exprs.values()), at_once=at_once):
            with naming_expressions(EXPRESSION_FILES.get(candidate.table, ""), rows, sides):
                sums.append(rows.select(*_counts(exprs)))
        total = pl.concat(sums).sum().row(0, named=True)
        counts |= {n: Facts(file.metadata.num_rows, total[f"{n}:checked"], total[f"{n}:broken"]) for n in exprs}
    in_order = (counts[n] for n, _ in every)
    return [list(islice(in_order, len(check.expected))) for check in checks]


def _counts(exprs: Mapping[int, pl.Expr]) -> Iterator[pl.Expr]:
    for n, broken in exprs.items():
        yield broken.count().alias(f"{n}:checked")
        yield broken.sum().alias(f"{n}:broken")


def _parts(file: pq.ParquetFile, columns: list[str], *, at_once: bool) -> Iterator[pl.DataFrame]:
    """Columns of a file by row groups, or all rows at once."""
    if at_once or not file.num_row_groups:
        yield pl.DataFrame(file.read(columns))
    else:
        yield from (pl.DataFrame(file.read_row_group(n, columns)) for n in range(file.num_row_groups))


def _columns(exprs: Iterable[pl.Expr]) -> list[str]:
    return sorted({name for expr in exprs for name in expr.meta.root_names()})


def _broken(lake: Lake, check: Check, candidate: Candidate) -> Broken:
    exprs = {n: one.broken for n, one in enumerate(check.expected) if one.broken is not None}
    columns = {"user_id", *_columns(exprs.values())}
    rows = pl.DataFrame(read_file(lake, candidate.staged, sorted(columns)))
    found = rows.select("user_id", *(expr.alias(str(n)) for n, expr in exprs.items()))
    found = found.filter(pl.any_horizontal(pl.exclude("user_id")))
    metrics = [check.expected[n].metric for n in exprs if found[str(n)].any()]
    users = found["user_id"].drop_nulls().n_unique()
    return Broken(candidate.date, found.height, users, list(filter(None, dict.fromkeys(metrics))))


def _places(table: str, check: Check, broken: Sequence[Broken]) -> str:
    """The weeks with rows that break a check, and the metrics that do, in column order.

    `; weekly_metrics 2026-W46: 2 rows of 1 user (steps)`; empty where no row does.
    """
    if not broken:
        return ""
    weeks = [
        f"{iso_week(date.fromisoformat(b.date))}: {count(b.rows, 'row')} of {count(b.users, 'user')}"
        for b in sorted(broken, key=lambda b: b.date)
    ]
    known = dict.fromkeys(one.metric for one in check.expected)
    metrics = [name for name in known if any(name in b.metrics for b in broken)]
    names = f" ({', '.join(metrics)})" if metrics else ""
    return f"; {table} {named(weeks, 'week')}{names}"
