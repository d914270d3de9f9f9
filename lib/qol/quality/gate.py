"""Run the suites on what is staged, leave Data Docs, and say what passed; no value of a row leaves this module."""

from __future__ import annotations

import importlib
import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from qol.contracts.model import Contracts
from qol.contracts.quality import COMPARED
from qol.errors import LakeError
from qol.lake.base import Lake
from qol.quality.comparison import Comparison, check_id, comparisons_frame, severities
from qol.quality.facts import PartitionFacts, facts_frame
from qol.quality.observed import (
    Seen,
    broken_metrics,
    broken_rows,
    in_weeks,
    seen_between_weeks,
    seen_in_partitions,
    seen_in_run,
)
from qol.quality.rows import numbered, slim
from qol.quality.suites import (
    Check,
    between_weeks_suite,
    partitions_suite,
    row_suites,
    run_suite,
)
from qol.tables.layout import Candidate
from qol.tables.manifest import CheckResult

BATCH_ROWS = 2_000_000
NOT_EVALUATED = "could not be evaluated"
#: Neither results nor Data Docs hold values of rows.
RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}


@dataclass(frozen=True)
class GateInput:
    """What the gate looks at: facts of the candidates, the candidates themselves, the run's reject share, other weeks."""

    facts: list[PartitionFacts]
    candidates: list[Candidate]
    rejected: int
    lines: int
    #: Weeks against the weeks before, record types against the clock.
    comparisons: Sequence[Comparison] = ()


def preload() -> None:
    """Import Great Expectations in the background: two seconds in which the driver only waits for its workers."""
    threading.Thread(target=importlib.import_module, args=["great_expectations.expectations"], daemon=True).start()


def run_gate(lake: Lake, contracts: Contracts, given: GateInput, docs: Path | None) -> list[CheckResult]:
    """Results of all suites, critical ones first; Data Docs are written below `docs`."""
    context = _context()
    results: list[CheckResult] = []
    if given.facts:
        results += _partitions(context, given.facts)
    share = pl.DataFrame({"rejected_share": [given.rejected / given.lines if given.lines else 0.0]})
    told = {"rejected_share": seen_in_run(given.rejected, given.lines)}
    results += _validate_seen(context, "run", run_suite(), share, told)
    if given.comparisons:
        results += _between_weeks(context, contracts, given.comparisons)
    for table, suite in row_suites(contracts).items():
        batches = list(_batches(lake, contracts, table, given.candidates))
        if batches:
            results += _validate(context, table, suite, batches)
    if docs is not None:
        _write_docs(context, docs)
    return results


def _partitions(context: Any, facts: list[PartitionFacts]) -> list[CheckResult]:
    """The `partitions` suite."""
    return _validate_seen(context, "partitions", partitions_suite(), facts_frame(facts), seen_in_partitions(facts))


def _between_weeks(context: Any, contracts: Contracts, comparisons: Sequence[Comparison]) -> list[CheckResult]:
    """The `between_weeks` suite."""
    checks = between_weeks_suite(contracts)
    seen = {check_id(k, s): seen_between_weeks(comparisons, k, s) for k in COMPARED for s in severities(contracts, k)}
    return _validate_seen(context, "between_weeks", checks, comparisons_frame(contracts, comparisons), seen)


def _validate_seen(
    context: Any, name: str, checks: list[Check], rows: pl.DataFrame, seen: Mapping[str, Seen]
) -> list[CheckResult]:
    """Results with what was seen in words; what could not be checked says so, in the results and in Data Docs."""
    checks = [c if seen[c.id].checked else replace(c, note=seen[c.id].words) for c in checks]
    results = _validate(context, name, checks, [rows])
    for result in results:
        if result.observed != NOT_EVALUATED:
            result.observed, result.checked = seen[result.id].words, seen[result.id].checked
    return results


def _context() -> Any:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def _validate(context: Any, name: str, checks: list[Check], batches: list[pl.DataFrame]) -> list[CheckResult]:
    import great_expectations as gx

    suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=[c.expectation() for c in checks]))
    source = context.data_sources.add_pandas(name)
    asset = source.add_dataframe_asset(name=name)
    batch = asset.add_batch_definition_whole_dataframe(name)
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=suite))
    merged: dict[str, CheckResult] = {}
    for rows in batches:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame = rows.select(cs.exclude("partition") - cs.boolean()).to_pandas()
            outcome = definition.run(batch_parameters={"dataframe": frame}, result_format=RESULT_FORMAT)
        for check, result in zip(checks, _by_id(outcome, checks), strict=True):
            _merge(merged, check, result, _where(name, check, rows))
    return list(merged.values())


def _where(table: str, check: Check, rows: pl.DataFrame) -> Callable[[], str]:
    """Says in which weeks of a batch a check failed and for how many people; nothing for rows that are of no week."""
    if "partition" not in rows.columns:
        return str
    return lambda: f"; {in_weeks(table, broken_rows(check, rows))}{broken_metrics(check, rows)}"


def _by_id(outcome: Any, checks: list[Check]) -> list[Any]:
    found = {result.expectation_config.meta["id"]: result for result in outcome.results}
    return [found[check.id] for check in checks]


def _merge(merged: dict[str, CheckResult], check: Check, result: Any, where: Callable[[], str]) -> None:
    details = result.result or {}
    raised = any(e.get("raised_exception") for e in _exceptions(result.exception_info))
    success = bool(result.success) and not raised
    observed = f"{details.get('unexpected_count') or 0} of {details.get('element_count', 0)} rows"
    if not success:
        observed = NOT_EVALUATED if raised else f"{observed}{where()}"
    before = merged.get(check.id)
    if before is None or (before.success and not success):
        merged[check.id] = CheckResult(check.id, check.severity, success, observed, check.message)
    elif not success and not raised:
        before.observed += where()


def _exceptions(info: Any) -> list[dict[str, Any]]:
    if not isinstance(info, dict):
        return []
    return [info] if "raised_exception" in info else [e for e in info.values() if isinstance(e, dict)]


def _batches(lake: Lake, contracts: Contracts, table: str, candidates: list[Candidate]) -> Iterator[pl.DataFrame]:
    """Rows of a table's candidates, a bounded number at a time, with only what its checks need."""
    waiting: list[pl.DataFrame] = []
    for candidate in candidates:
        if candidate.table == table:
            waiting.append(slim(pl.read_parquet(lake.open_table(candidate.staged)), contracts, candidate))
            if sum(rows.height for rows in waiting) >= BATCH_ROWS:
                yield numbered(pl.concat(waiting))
                waiting = []
    if waiting:
        yield numbered(pl.concat(waiting))


def _write_docs(context: Any, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _build_docs(context, folder)
    except OSError as err:
        message = f"{folder}: Data Docs cannot be written there ({err.strerror})"
        raise LakeError(f"{message}; make it a folder that may be written to, or leave them out by --no-docs") from err


def _build_docs(context: Any, folder: Path) -> None:
    site = {
        "class_name": "SiteBuilder",
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.resolve())},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }
    context.add_data_docs_site(site_name="qol", site_config=site)
    context.build_data_docs(site_names=["qol"])
