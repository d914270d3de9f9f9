"""The whole weekly job on 200,000 people's dailies (1.8 GB), and four ways to do less: DuckDB, Polars, tuned and naive Spark.

Every variant is a process of its own, from start to exit, on the same files. The shipped job also writes records, daily
rows, quarantine and manifest and passes the gate; the others write weekly values only. All must agree on every value.
"""

import argparse
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import polars as pl

from benchmarks import agreement, report
from benchmarks.baselines.fields import weekly_columns
from benchmarks.dailies import Dailies, make, read_all
from benchmarks.measure import Outcome, interleaved, middle, python, run_measured
from benchmarks.shipped import ENGINES, KEY, Run, fresh_lake, run_shipped
from qol.identity.pseudonyms import Identities

CACHE = Path(__file__).parents[1] / ".bench"
DUCKDB, NAIVE = "DuckDB", "naive Spark"
BASELINES = {DUCKDB: "duck", "Polars": "polars_script", "tuned Spark": "tuned", NAIVE: "naive"}
SHIPPED = tuple(f"qol {engine}" for engine in ENGINES)
ROUNDS = 3


class Comparison:
    """Runs of all variants on one set of dailies."""

    def __init__(self, spec: Dailies, cache: Path) -> None:
        self._spec = spec
        self._cache = cache
        self._folder = make(spec, cache)
        self._values: dict[str, pl.DataFrame] = {}
        self.bytes = read_all(self._folder)
        self.outcomes: dict[str, list[Outcome]] = {}
        self.runs: dict[str, Run] = {}

    def run(self, names: list[str], rounds: int) -> None:
        """Warm each variant, then run all of them `rounds` times in turn, and keep what they wrote."""
        self.outcomes = interleaved({name: self._variant(name) for name in names}, rounds, self._spec.seed)

    def agreed(self) -> int:
        """How many values all variants agree on; DisagreementError when they do not."""
        others = [name for name in self._values if name != SHIPPED[0]]
        return sum(agreement.agree(self._values[SHIPPED[0]], self._values[name], name) for name in others)

    def _variant(self, name: str) -> Callable[[bool], Outcome]:
        return partial(self._baseline, name) if name in BASELINES else partial(self._shipped, name)

    def _shipped(self, name: str, with_memory: bool) -> Outcome:
        with fresh_lake(self._cache, self._folder) as lake:
            run = run_shipped(lake, name.split()[1], self._spec.run_at, self._cache, with_memory=with_memory)
            self._values[name] = agreement.published(lake, str(self._spec.monday))
        if name not in self.runs or run.outcome.seconds < self.runs[name].outcome.seconds:
            self.runs[name] = run
        return run.outcome

    def _baseline(self, name: str, with_memory: bool) -> Outcome:
        out = self._cache / "out" / BASELINES[name]
        shutil.rmtree(out, ignore_errors=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        command = python(f"benchmarks.baselines.{BASELINES[name]}", str(self._folder), str(out))
        outcome = run_measured(command, self._cache / f"logs/{BASELINES[name]}.log", with_memory=with_memory)
        self._values[name] = agreement.baseline(out, str(self._spec.monday), Identities(KEY.encode(), {}))
        return outcome


def measure(spec: Dailies, rounds: int, cache: Path = CACHE, without: tuple[str, ...] = ()) -> str:
    """Run everything and say it in Markdown; spoiled data is for the shipped job alone, the others cannot read it."""
    comparison = Comparison(spec, cache)
    others = [] if spec.bad_share else [name for name in BASELINES if name not in without]
    comparison.run([*SHIPPED, *others], rounds)
    totals = comparison.runs[SHIPPED[0]].manifest["totals"]
    size = f"{spec.people:,} people, {totals['lines']:,} lines, {comparison.bytes / 1e9:.2f} GB"
    if spec.bad_share:
        said = f"{totals['rejected']:,} items rejected; {spec.bad_share:.1%} of the lines were spoiled."
    else:
        columns = len(weekly_columns())
        said = f"All variants agree: {comparison.agreed():,} values compared ({columns} columns)."
    return "\n\n".join(
        [
            f"{size}; each variant warmed once, then {rounds} rounds in turn.",
            _variants(comparison.outcomes),
            said,
            "Seconds of the shipped job by stage (its fastest run):",
            _stages(comparison.runs),
        ]
    )


def _variants(outcomes: dict[str, list[Outcome]]) -> str:
    head = ["variant", "min s", "median s", "min processor s", "median processor s", "peak GiB"]
    peers = [name for name in (DUCKDB, NAIVE) if name in outcomes]
    head += [f"{unit}, times {peer}" for peer in peers for unit in ("wall", "processor")]
    rows = []
    for name, runs in sorted(outcomes.items(), key=lambda item: middle(item[1])):
        values = [*_figures(runs), report.gib(runs[0].memory)]
        for peer in peers:
            values += [f"{of(runs) / of(outcomes[peer]):.2f}" for of in (middle, _processor)]
        rows.append([name, *values])
    return report.table(head, rows)


def _figures(runs: list[Outcome]) -> list[str]:
    wall, processor = [run.seconds for run in runs], [run.processor_seconds for run in runs]
    return [report.seconds(value) for value in (min(wall), median(wall), min(processor), median(processor))]


def _processor(runs: list[Outcome]) -> float:
    return median(run.processor_seconds for run in runs)


def _stages(runs: dict[str, Run]) -> str:
    rows = []
    for name, run in runs.items():
        rest = run.outcome.seconds - sum(run.stages.values())
        rows.append([name, *[report.seconds(value) for value in run.stages.values()], report.seconds(rest)])
    names = list(next(iter(runs.values())).stages)
    return report.table(["engine", *names, "start, session, exit"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--bad-share", type=float, default=0.0, help="share of lines to spoil; shipped job only")
    parser.add_argument("--without", nargs="*", default=[], choices=list(BASELINES), help="variants to leave out")
    options = parser.parse_args()
    spec = Dailies(options.people, bad_share=options.bad_share)
    report.say(measure(spec, options.rounds, without=tuple(options.without)))


if __name__ == "__main__":
    main()
