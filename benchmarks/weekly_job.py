"""The whole weekly job on 200,000 people's dailies (1.7 GB), and three ways to do less: naive, tuned Spark, DuckDB.

Every variant is a process of its own, from start to exit, on the same files. The shipped job also writes records, daily
rows, quarantine and manifest and passes the gate; the others write weekly values only. All must agree on every value.
"""

import argparse
import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl

from benchmarks import agreement, report
from benchmarks.baselines.fields import weekly_columns
from benchmarks.dailies import Dailies, make, read_all
from benchmarks.measure import Outcome, middle, python, run_measured
from benchmarks.shipped import ENGINES, KEY, Run, fresh_lake, run_shipped
from qol.identity.pseudonyms import Identities

CACHE = Path(__file__).parents[1] / ".bench"
NAIVE = "naive Spark"
BASELINES = {NAIVE: "naive", "tuned Spark": "tuned", "DuckDB": "duck"}
TARGET, AIM, MOST_GIB = 0.6, 0.35, 4


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

    def run(self, variants: list[str], rounds: int) -> None:
        """Run each variant once a round, in an order of chance, and compare what they wrote."""
        order = random.Random(self._spec.seed)
        for _ in range(rounds):
            order.shuffle(variants)
            for name in variants:
                report.progress(f"running {name}")
                self.outcomes.setdefault(name, []).append(self._variant(name)())

    def agreed(self) -> int:
        """How many values all variants agree on; DisagreementError when they do not."""
        first = next(name for name in self._values if name.startswith("qol"))
        others = [name for name in self._values if name != first]
        return sum(agreement.agree(self._values[first], self._values[name], name) for name in others)

    def _variant(self, name: str) -> Callable[[], Outcome]:
        return partial(self._baseline, name) if name in BASELINES else partial(self._shipped, name)

    def _shipped(self, name: str) -> Outcome:
        with fresh_lake(self._cache, self._folder) as lake:
            run = run_shipped(lake, name.split()[1], self._spec.run_at, self._cache)
            self._values[name] = agreement.published(lake, str(self._spec.monday))
        if name not in self.runs or run.outcome.seconds < self.runs[name].outcome.seconds:
            self.runs[name] = run
        return run.outcome

    def _baseline(self, name: str) -> Outcome:
        out = self._cache / "out" / BASELINES[name]
        shutil.rmtree(out, ignore_errors=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        command = python(f"benchmarks.baselines.{BASELINES[name]}", str(self._folder), str(out))
        outcome = run_measured(command, self._cache / f"logs/{BASELINES[name]}.log")
        self._values[name] = agreement.baseline(out, str(self._spec.monday), Identities(KEY.encode(), {}))
        return outcome


def measure(spec: Dailies, rounds: int, cache: Path = CACHE) -> str:
    """Run everything and say it in Markdown; spoiled data is for the shipped job alone, the others cannot read it."""
    comparison = Comparison(spec, cache)
    shipped = [f"qol {engine}" for engine in ENGINES]
    comparison.run(shipped + ([] if spec.bad_share else list(BASELINES)), rounds)
    totals = comparison.runs[shipped[0]].manifest["totals"]
    lines = [
        f"{spec.people:,} people, {totals['lines']:,} lines, {comparison.bytes / 1e9:.2f} GB, {rounds} round(s).",
        "",
        _variants(comparison),
        "",
    ]
    if spec.bad_share:
        lines.append(f"{totals['rejected']:,} items rejected; {spec.bad_share:.1%} of the lines were spoiled.")
    else:
        count = comparison.agreed()
        lines.append(f"All variants agree: {count:,} values compared ({len(weekly_columns())} columns).")
        lines.append(f"The shipped job may take {TARGET} of the naive one, aims for {AIM}, within {MOST_GIB} GiB.")
    return "\n".join([*lines, "", "Seconds of the shipped job by stage (its fastest run):", "", _stages(comparison)])


def _variants(comparison: Comparison) -> str:
    outcomes = comparison.outcomes
    naive = middle(outcomes[NAIVE]) if NAIVE in outcomes else None
    rows = []
    for name in sorted(outcomes, key=lambda name: middle(outcomes[name])):
        runs = outcomes[name]
        ratio = f"{middle(runs) / naive:.2f}" if naive else "-"
        rows.append(
            [
                name,
                report.seconds(min(run.seconds for run in runs)),
                report.seconds(middle(runs)),
                ratio,
                report.seconds(min(run.processor_seconds for run in runs)),
                report.gib(max(run.memory for run in runs)),
            ]
        )
    return report.table(["variant", "min s", "median s", f"of {NAIVE}", "processor s", "peak GiB"], rows)


def _stages(comparison: Comparison) -> str:
    rows = []
    for name, run in comparison.runs.items():
        rest = run.outcome.seconds - sum(run.stages.values())
        rows.append([name, *[report.seconds(value) for value in run.stages.values()], report.seconds(rest)])
    names = list(next(iter(comparison.runs.values())).stages)
    return report.table(["engine", *names, "start, session, exit"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--bad-share", type=float, default=0.0, help="share of lines to spoil; shipped job only")
    options = parser.parse_args()
    report.say(measure(Dailies(options.people, bad_share=options.bad_share), options.rounds))


if __name__ == "__main__":
    main()
