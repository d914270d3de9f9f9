"""The examples of contracts, run as a run would: ingested, merged, made daily metrics, compared with what they expect."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from qol.contracts.expressions import engine_text
from qol.contracts.model import Contracts
from qol.contracts.source import SourceContract
from qol.contracts.wording import shown
from qol.errors import ContractError, Difference, Problem
from qol.ingest.examples import read_examples, record_differences, with_cause
from qol.ingest.results import IngestResult
from qol.transform.daily_rows import daily
from qol.transform.merge import LINE_OFFSETS, merge, to_records


def example_problems(contracts: Contracts) -> Iterator[Problem]:
    """Examples with another outcome than they expect, and expressions that fail on them."""
    for contract, results in read_examples(contracts):
        for index, read in enumerate(results):
            yield from record_differences(contract, index, read)
        yield from _daily_problems(contracts, contract, results)


def _daily_problems(
    contracts: Contracts, contract: SourceContract, results: Sequence[IngestResult]
) -> Iterator[Problem]:
    """What the daily rows of a contract's examples differ in; each example is one of another user."""
    records = {
        index: read.rows[contract.name].with_columns(user_id=pl.lit(str(index)))
        for index, read in enumerate(results)
        if contract.name in read.rows
    }
    if not records:
        return
    try:
        days = _days(contracts, contract, pl.concat(records.values()))
    except ContractError as err:
        yield from _failed(contracts, contract, records) or with_cause(err, "all examples together")
        return
    except pl.exceptions.PolarsError as err:
        yield Problem(
            contract.file, "daily", engine_text(err), "expressions that give what their metrics and words are"
        )
        return
    for index, rows in records.items():
        example = contract.examples[index]
        row = _row_of(days, index, rows) if example.expect_daily else {}
        for name, value in (example.expect_daily or {}).items():
            if not _is_expected(value, row.get(name)):
                at = f"examples.{index}.expect_daily.{name}"
                yield Difference(contract.file, at, shown(value), f"it becomes {shown(row.get(name))} ({example.name})")


def _days(contracts: Contracts, contract: SourceContract, rows: pl.DataFrame) -> pl.DataFrame:
    """Daily rows of ingested rows, by the functions of a run."""
    named = to_records(rows, contract, pl.Series(["raw/example.jsonl"]), pl.DataFrame(schema=LINE_OFFSETS))
    return daily(contracts, {contract.name: merge(named, None, contract).records.drop("week")}, {})


def _failed(contracts: Contracts, contract: SourceContract, records: Mapping[int, pl.DataFrame]) -> list[Problem]:
    """Expressions that fail on the first example that any fails on; none where it takes several of them."""
    for index, rows in records.items():
        try:
            _days(contracts, contract, rows)
        except ContractError as err:
            return with_cause(err, f"example {contract.examples[index].name!r}")
    return []


def _row_of(days: pl.DataFrame, index: int, rows: pl.DataFrame) -> Mapping[str, Any]:
    """The daily row of an example, of the record's own day where it gives several; empty where it gives none."""
    own = days.filter(user_id=str(index)).sort(pl.col("day") != rows["day"][0])
    return next(own.iter_rows(named=True), {})


def _is_expected(expected: Any, found: Any) -> bool:
    """Whether a value is the expected one, to the decimals that are written there."""
    if isinstance(expected, float) and isinstance(found, float):
        return round(found, max(0, -int(Decimal(str(expected)).as_tuple().exponent))) == expected
    return bool(found == expected)
