"""The whole command on 1,000 people with sample maps, from start to exit, gate included: where the seconds go.

With --against it is paired with the job of another checkout, on the same data in the same rounds.
"""

import argparse
import sys
from datetime import datetime
from functools import partial
from pathlib import Path

from benchmarks import report
from benchmarks.measure import Outcome, interleaved, middle, run_measured
from benchmarks.samples import kept_sample
from benchmarks.shipped import CHECKOUT, ENGINES, ENVIRONMENT, Run, command, fresh_lake, run_shipped
from qol_dev.sample import CORE, SampleOptions

CACHE = Path(__file__).parents[1] / ".bench"
NOW = datetime.fromisoformat("2026-11-18T00:05:00+00:00")
LIBRARIES = ("great_expectations", "pandas", "polars", "pyarrow", "jsonschema", "msgspec", "typer", "duckdb")


def measure(people: int, rounds: int, cache: Path = CACHE, against: Path | None = None) -> str:
    """Both engines and the cost of imports, in Markdown."""
    folder = kept_sample(f"sample-{people}", SampleOptions(users=people, weeks=1, sources=CORE), cache)
    checkouts = {"": CHECKOUT} | ({f", {against.name}": against} if against else {})
    best: dict[str, Run] = {}

    def run(name: str, engine: str, checkout: Path, with_memory: bool) -> Outcome:
        with fresh_lake(cache, folder) as lake:
            found = run_shipped(lake, engine, NOW, cache, checkout, with_memory=with_memory)
        if name not in best or found.outcome.seconds < best[name].outcome.seconds:
            best[name] = found
        return found.outcome

    variants = {
        f"{engine}{suffix}": partial(run, f"{engine}{suffix}", engine, checkout)
        for engine in ENGINES
        for suffix, checkout in checkouts.items()
    }
    outcomes = interleaved(variants, rounds, seed=people)
    rows = [_row(name, runs, best[name]) for name, runs in outcomes.items()]
    stages = list(best["local"].stages)
    head = ["engine", "median s", "min s", "min processor s", *stages, "start, session, exit", "peak GiB"]
    imports = ", ".join(f"{name} {value:.1f}" for name, value in import_seconds(folder, cache).items())
    return (
        f"{people:,} people, one week; warmed once, then {rounds} rounds in turn.\n\n{report.table(head, rows)}\n\n"
        f"Of these, seconds to import (local, all processes' first import): {imports}."
    )


def _row(name: str, runs: list[Outcome], best: Run) -> list[str]:
    rest = best.outcome.seconds - sum(best.stages.values())
    spent = [min(run.seconds for run in runs), min(run.processor_seconds for run in runs)]
    values = [report.seconds(value) for value in (middle(runs), *spent, *best.stages.values(), rest)]
    return [name, *values, report.gib(runs[0].memory)]


def import_seconds(folder: Path, cache: Path) -> dict[str, float]:
    """Seconds per library in one more local run that prints every import; each with what it imports itself."""
    log = cache / "logs/imports.log"
    with fresh_lake(cache, folder) as lake:
        timed = [sys.executable, "-X", "importtime", *command(lake, "local", NOW)[1:]]
        run_measured(timed, log, ENVIRONMENT)
    found: dict[str, float] = {}
    for line in log.read_text(encoding="utf-8").splitlines():
        if line.startswith("import time:") and line.count("|") == 2:
            _, microseconds, name = line.split("|")
            if name.strip() in LIBRARIES:
                found.setdefault(name.strip(), int(microseconds) / 1e6)
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", type=Path, help="another checkout of this project")
    options = parser.parse_args()
    report.say(measure(options.people, options.rounds, against=options.against))


if __name__ == "__main__":
    main()
