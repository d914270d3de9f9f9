"""The whole command on 1,000 people, from start to exit, gate included: where the seconds go."""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from benchmarks import report
from benchmarks.measure import run_measured
from benchmarks.samples import kept_sample, people_and_rounds
from benchmarks.shipped import ENGINES, ENVIRONMENT, Run, command, fresh_lake, run_shipped
from qol_dev.sample import CORE, SampleOptions

CACHE = Path(__file__).parents[1] / ".bench"
AIMS = {"local": 5, "spark": 15}
NOW = datetime.fromisoformat("2026-11-18T00:05:00+00:00")
LIBRARIES = ("great_expectations", "pandas", "polars", "pyarrow", "jsonschema", "msgspec", "typer", "duckdb")


def measure(people: int, rounds: int, cache: Path = CACHE) -> str:
    """Both engines and the cost of imports, in Markdown."""
    folder = kept_sample(f"sample-{people}", SampleOptions(users=people, weeks=1, sources=CORE), cache)
    stages: list[list[str]] = []
    for engine in ENGINES:
        runs = []
        for _ in range(rounds):
            report.progress(f"running {engine}")
            with fresh_lake(cache, folder) as lake:
                runs.append(run_shipped(lake, engine, NOW, cache))
        stages.append(_row(engine, runs))
    names = list(runs[0].stages)
    head = ["engine", "whole, s", "aim", *names, "start, session, exit", "peak GiB"]
    imports = ", ".join(f"{name} {value:.1f}" for name, value in import_seconds(folder, cache).items())
    return (
        f"{people:,} people, one week, {rounds} round(s), fastest.\n\n{report.table(head, stages)}\n\n"
        f"Of these, seconds to import (local, all processes' first import): {imports}."
    )


def _row(engine: str, runs: Sequence[Run]) -> list[str]:
    best = min(runs, key=lambda run: run.outcome.seconds)
    rest = best.outcome.seconds - sum(best.stages.values())
    values = [report.seconds(value) for value in (*best.stages.values(), rest)]
    return [engine, report.seconds(best.outcome.seconds), str(AIMS[engine]), *values, report.gib(best.outcome.memory)]


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
    report.say(measure(*people_and_rounds(__doc__)))


if __name__ == "__main__":
    main()
