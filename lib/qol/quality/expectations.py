"""Great Expectations judges the facts that Polars counted, and shows them in Data Docs; it sees no row."""

import gc
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from itertools import chain
from types import ModuleType
from typing import Any, NamedTuple, TypeAlias

from qol.quality.gate_checks import Check, Evaluated, Expected, Facts

#: Neither results nor Data Docs hold values of rows.
RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}
#: How long an import in the background keeps the interpreter. Python's 5 ms for each of a year's footers would be a second.
SWITCH_SECONDS = 0.0005
#: What Great Expectations can read rows with, and would load; it sees none here. A run that uses one of them has loaded it.
NOT_NEEDED = ("pyspark", "sqlalchemy")
#: What it draws and fits distributions with. No check does, so these load when something does.
LOADED_WHEN_USED = ("scipy.stats", "altair")


#: Checks with what they observed, by the name of their suite.
Suites: TypeAlias = Mapping[str, Sequence[Evaluated]]


class Judged(NamedTuple):
    """Which checks passed, in their order, by suite; and pages by their place in Data Docs."""

    passed: Mapping[str, Sequence[bool]]
    pages: Mapping[str, str]


def load_in_turn() -> None:
    """Import Great Expectations beside other work of this process."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        load()
    finally:
        sys.setswitchinterval(usual)


def judge(suites: Suites, *, with_docs: bool) -> Judged:
    """What becomes of the checks of each suite; with their pages, if Data Docs are wanted."""
    results = {name: [_results(one) for one in evaluated] for name, evaluated in suites.items()}
    passed = {name: [all(one.success for one in of) for of in checks] for name, checks in results.items()}
    return Judged(passed, _render({name: list(chain(*of)) for name, of in results.items()}) if with_docs else {})


def _results(evaluated: Evaluated) -> list[Any]:
    """The result of each of a check's expectations, with what was observed."""
    check, observation, facts = evaluated
    results = [_result(_expectation(check, one), of) for one, of in zip(check.expected, facts, strict=True)]
    for result, of in zip(results, facts, strict=True):
        is_one_of_many = len(facts) > 1 and not of.broken
        result.result["observed_value"] = f"0 of {of.rows} rows" if is_one_of_many else observation.text
    return results


def _expectation(check: Check, expected: Expected) -> Any:
    """The expectation of Great Expectations; the id is in its meta."""
    return getattr(load(), expected.kind)(
        **expected.arguments,
        severity=check.severity,
        meta={"id": check.id},
        description=f"{check.id}: {expected.description}",
    )


@cache
def load() -> Any:
    """Great Expectations' module of expectations, imported in 1.0 instead of 2.4 processor seconds.

    What an import makes stays: no search for garbage in it.
    """
    gc.disable()
    try:
        with _without_what_no_check_needs():
            return import_module("great_expectations.expectations")
    finally:
        gc.enable()


@contextmanager
def _without_what_no_check_needs() -> Iterator[None]:
    """Importing a package is as if it were not installed, or puts its load off; not where the process has it already."""
    instead = dict.fromkeys(NOT_NEEDED) | {name: _loaded_when_used(name) for name in LOADED_WHEN_USED}
    instead = {name: module for name, module in instead.items() if name not in sys.modules}
    sys.modules.update(instead)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in instead:
            sys.modules.pop(name, None)


def _loaded_when_used(name: str) -> ModuleType:
    """What stands for a module and loads it when it is first asked for something."""
    module = ModuleType(name)

    def load(attribute: str) -> Any:
        if sys.modules.get(name) is module:
            raise AttributeError(attribute)
        return getattr(import_module(name), attribute)

    module.__getattr__ = load  # type: ignore[method-assign]
    return module


def _result(expectation: Any, facts: Facts) -> Any:
    """What the expectation makes of its metrics, which here come from facts instead of from a batch of rows.

    `_validate` is what GX has custom expectations override. The public `metrics_validate` around it asks each expectation
    120 times for its configuration, which takes longer than reading a million rows.
    """
    from great_expectations.core import ExpectationValidationResult

    metric = getattr(expectation, "map_metric", "")
    metrics = {
        "table.row_count": facts.rows,
        "column_values.nonnull.unexpected_count": facts.rows - facts.checked,
        f"{metric}.filtered_row_count": facts.checked,
        f"{metric}.unexpected_count": facts.broken,
        "column.max": facts.highest,
    }
    found = expectation._validate(metrics, runtime_configuration={"result_format": RESULT_FORMAT})  # noqa: SLF001
    return ExpectationValidationResult(**found, expectation_config=expectation.configuration)


def _render(suites: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """The page of each suite's results, by its place in Data Docs."""
    from great_expectations import __version__
    from great_expectations.core import ExpectationSuiteValidationResult, RunIdentifier
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view.view import DefaultJinjaPageView
    from great_expectations.validator.validation_statistics import calc_validation_statistics

    renderer, run = ValidationResultsPageRenderer(), RunIdentifier("gate")
    view: Any = DefaultJinjaPageView()
    meta, pages = {"run_id": run, "great_expectations_version": __version__}, {}
    for name, results in suites.items():
        statistics = calc_validation_statistics(list(results))._asdict()
        success = statistics.pop("success")
        outcome = ExpectationSuiteValidationResult(success, list(results), name, None, statistics, meta)
        place = f"validations/{name}/{run.run_name}/{run.run_time:%Y%m%dT%H%M%S.%fZ}/{name}.html"
        pages[place] = view.render(renderer.render(outcome), show_how_to_buttons=False)
    return pages
