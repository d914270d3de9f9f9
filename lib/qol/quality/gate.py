"""Run the suites on the candidates, write Data Docs, refuse what fails; no value of a row leaves this module."""

import importlib
import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from qol.contracts.model import Contracts
from qol.contracts.wording import count
from qol.errors import LakeError, RefusedError
from qol.lake.base import Lake
from qol.quality.check_columns import select_check_columns, to_numbers
from qol.quality.comparison import Comparison
from qol.quality.docs_pages import load_nothing
from qol.quality.gate_input import GateInput
from qol.quality.observations import CheckObservation, observe_files, observe_rows, observe_run, observe_two_ids
from qol.quality.sentences import NOT_EVALUATED, rows_sentence
from qol.quality.suites import Check, between_weeks_suite, partitions_suite, row_suites, run_suite
from qol.tables.layout import Candidate
from qol.tables.manifest import CheckResult, Trigger

BATCH_ROWS = 2_000_000
#: What an operator types again, by the run's trigger; dates and weeks are those of the refused run.
_COMMANDS = {"backfill": "qol backfill --from … --to …", "rebuild": "qol rebuild …"}
#: Neither results nor Data Docs hold values of rows.
RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}


def preload() -> None:
    """Import Great Expectations in the background: two seconds in which the driver only waits for its workers."""
    threading.Thread(target=importlib.import_module, args=["great_expectations.expectations"], daemon=True).start()


def run_gate(lake: Lake, contracts: Contracts, gate_input: GateInput, docs: Path | None) -> list[CheckResult]:
    """Results of all suites: files, run, weeks, rows. Data Docs are written below `docs`; LakeError when they cannot be."""
    context = _context()
    comparisons, rejected, items = gate_input.comparisons, gate_input.rejected, gate_input.items
    results = _validate_files(context, "partitions", partitions_suite(), comparisons)
    two_ids = gate_input.two_ids
    row = pl.DataFrame({"rejected_share": [rejected / items if items else 0.0], "people_with_two_ids": [two_ids]})
    observed = {"rejected_share": observe_run(rejected, items), "people_with_two_ids": observe_two_ids(two_ids)}
    results += _validate_observed(context, "run", run_suite(), row, observed)
    results += _validate_files(context, "between_weeks", between_weeks_suite(contracts), comparisons)
    for table, suite in row_suites(contracts).items():
        batches = list(_batches(lake, contracts, table, gate_input.candidates))
        if batches:
            results += _validate(context, table, suite, batches)
    if docs is not None:
        _write_docs(context, docs)
    return results


def require_passed(checks: Sequence[CheckResult], accept: frozenset[str], trigger: Trigger) -> None:
    """RefusedError when a critical check failed that is not in `accept`; it names what was observed and the next command."""
    failed = [c for c in checks if c.severity == "critical" and not c.success and c.id not in accept]
    if not failed:
        return
    lines = "\n".join(f"  {check.id}: {check.what_is_wrong}" for check in failed)
    # What was accepted already has to be accepted again.
    options = " ".join(f"--accept {name}" for name in sorted({*accept, *(check.id for check in failed)}))
    raise RefusedError(
        f"refused, nothing was published; {count(len(failed), 'critical check')} failed:\n{lines}\n"
        f"To publish in spite of this, accept the checks: {_COMMANDS.get(trigger, 'qol run')} {options}"
    )


def _validate_files(
    context: Any, suite: str, checks: list[Check], comparisons: Sequence[Comparison]
) -> list[CheckResult]:
    """Results of checks of compared files; none where no file was compared."""
    kinds = {check.compared for check in checks}
    compared = [c for c in comparisons if c.compared in kinds]
    if not compared:
        return []
    observed = {check.id: observe_files(check, compared) for check in checks}
    return _validate_observed(context, suite, checks, findings_frame(checks, compared), observed)


def findings_frame(checks: Sequence[Check], comparisons: Sequence[Comparison]) -> pl.DataFrame:
    """A row per comparison, a column per check: 1 where it has a finding of the check's severity, null if not checked."""
    columns = {
        check.id: [
            None if c.compared != check.compared or c.not_checked else float(check.severity in c.found)
            for c in comparisons
        ]
        for check in checks
    }
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Float64))


def _validate_observed(
    context: Any, suite: str, checks: list[Check], rows: pl.DataFrame, observed: Mapping[str, CheckObservation]
) -> list[CheckResult]:
    """Results with their observations; a check without anything to check says so, in the results and in Data Docs."""
    checks = [c if observed[c.id].checked else replace(c, note=observed[c.id].text) for c in checks]
    results = _validate(context, suite, checks, [rows])
    for result in results:
        if result.observed != NOT_EVALUATED:
            seen = observed[result.id]
            result.observed, result.checked = seen.text, seen.checked
            result.finding = "" if result.success else seen.finding
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
        found = {result.expectation_config.meta["id"]: result for result in outcome.results}
        for check in checks:
            _merge(merged, check, found[check.id], partial(observe_rows, name, check, rows))
    for check in checks:
        result = merged[check.id]
        result.finding = "" if result.success else rows_sentence(check.wrong, result.observed)
    return list(merged.values())


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


def _batches(lake: Lake, contracts: Contracts, table: str, candidates: Sequence[Candidate]) -> Iterator[pl.DataFrame]:
    """Rows of a table's candidates, a bounded number at a time, with only the columns its checks need."""
    waiting: list[pl.DataFrame] = []
    for candidate in candidates:
        if candidate.table == table:
            rows = pl.read_parquet(lake.open_table(candidate.staged))
            waiting.append(select_check_columns(rows, contracts, candidate))
            if sum(rows.height for rows in waiting) >= BATCH_ROWS:
                yield to_numbers(pl.concat(waiting))
                waiting = []
    if waiting:
        yield to_numbers(pl.concat(waiting))


def _write_docs(context: Any, folder: Path) -> None:
    site = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.resolve())},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        context.add_data_docs_site(site_name="qol", site_config=site)
        context.build_data_docs(site_names=["qol"])
        load_nothing(folder)
    except OSError as err:
        message = f"{folder}: Data Docs cannot be written there ({err.strerror})"
        raise LakeError(f"{message}; make it a writable folder, or leave them out with --no-docs") from err
