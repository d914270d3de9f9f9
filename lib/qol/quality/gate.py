"""Run the suites on the candidates, write Data Docs, refuse what fails; no value of a row leaves the gate."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from qol.contracts.model import Contracts
from qol.contracts.wording import count
from qol.errors import RefusedError
from qol.quality.comparison import Comparison
from qol.quality.docs_pages import write_pages
from qol.quality.gate_checks import Check, Evaluated, Facts
from qol.quality.gate_input import GateInput
from qol.quality.judge_process import ask_to_judge
from qol.quality.observations import observe_files, observe_run, observe_two_ids
from qol.quality.row_facts import evaluate_rows
from qol.quality.row_suites import row_suites
from qol.quality.suites import between_weeks_suite, partitions_suite, run_suite
from qol.tables.manifest import CheckResult, Trigger

#: What an operator types again, by the run's trigger; dates and weeks are those of the refused run.
_COMMANDS = {"backfill": "qol backfill --from … --to …", "rebuild": "qol rebuild …"}


def run_gate(contracts: Contracts, gate_input: GateInput, docs: Path | None) -> list[CheckResult]:
    """Results of all suites: files, run, weeks, rows. Data Docs are written below `docs`; LakeError when they cannot be."""
    suites = dict(_suites(contracts, gate_input))
    passed, pages = ask_to_judge(suites, with_docs=docs is not None)
    if docs is not None:
        write_pages(docs, pages)
    return [
        _check_result(one, success=success)
        for name, evaluated in suites.items()
        for one, success in zip(evaluated, passed[name], strict=True)
    ]


def _suites(contracts: Contracts, given: GateInput) -> Iterator[tuple[str, list[Evaluated]]]:
    """Checks with their observations and facts, by suite; no suite that has nothing to check."""
    if files := _evaluate_files(partitions_suite(), given.comparisons):
        yield "partitions", files
    yield "run", _evaluate_run(given)
    if weeks := _evaluate_files(between_weeks_suite(contracts), given.comparisons):
        yield "between_weeks", weeks
    for table, checks in row_suites(contracts).items():
        if observed := [rows for rows in given.rows if rows.table == table]:
            yield table, evaluate_rows(table, checks, observed)


def _evaluate_files(checks: Sequence[Check], comparisons: Sequence[Comparison]) -> list[Evaluated]:
    """Checks of compared files; none where no file was compared."""
    kinds = {check.compared for check in checks}
    compared = [c for c in comparisons if c.compared in kinds]
    return [
        Evaluated(check, observe_files(check, compared), [_file_facts(check, compared)]) for check in checks if compared
    ]


def _file_facts(check: Check, comparisons: Sequence[Comparison]) -> Facts:
    of_check = [c for c in comparisons if c.compared == check.compared]
    checked = [c for c in of_check if not c.not_checked]
    return Facts(len(of_check), len(checked), sum(check.severity in c.found for c in checked))


def _evaluate_run(given: GateInput) -> list[Evaluated]:
    share = given.rejected / given.items if given.items else 0.0
    observations = (observe_run(given.rejected, given.items), observe_two_ids(given.two_ids))
    values = (share, given.two_ids)
    return [
        Evaluated(check, observation, [Facts(highest=value)])
        for check, observation, value in zip(run_suite(), observations, values, strict=True)
    ]


def _check_result(evaluated: Evaluated, *, success: bool) -> CheckResult:
    check, seen, _ = evaluated
    finding = "" if success else seen.finding
    return CheckResult(check.id, check.severity, success, seen.text, check.message, seen.checked, finding)


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
