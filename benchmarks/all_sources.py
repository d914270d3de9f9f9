"""A run over every source at once: wall time, peak memory, and what each added source costs."""

import shutil
from datetime import datetime
from pathlib import Path

from benchmarks import report
from benchmarks.samples import kept_sample, people_and_rounds
from benchmarks.shipped import ENGINES, USER_MAP, Run, fresh_lake, run_shipped
from qol_dev.sample import SOURCES, SampleOptions

CACHE = Path(__file__).parents[1] / ".bench"
NOW = datetime.fromisoformat("2026-11-18T00:05:00+00:00")


def only(folder: Path, sources: tuple[str, ...]) -> Path:
    """The raw objects of some sources, as links."""
    target = folder.with_name(f"{folder.name}-{'-'.join(sources)}")
    shutil.rmtree(target, ignore_errors=True)
    for place in sorted((folder / "raw").iterdir()):
        source = "garmin" if place.name == "daily" else place.name
        if source in sources:
            (target / "raw").mkdir(parents=True, exist_ok=True)
            (target / "raw" / place.name).symlink_to(place.resolve())
    (target / USER_MAP).symlink_to(folder / USER_MAP)
    return target


def measure(people: int, rounds: int, cache: Path = CACHE) -> str:
    """Every source alone and all of them together, on both engines, in Markdown."""
    folder = kept_sample(f"sources-{people}", SampleOptions(users=people, weeks=1), cache)
    rows = []
    for engine in ENGINES:
        combinations = [SOURCES] if engine == "spark" else [*((source,) for source in SOURCES), SOURCES]
        for sources in combinations:
            report.progress(f"running {engine} on {', '.join(sources)}")
            rows.append(_row(engine, sources, _fastest(only(folder, sources), engine, rounds, cache)))
    head = ["engine", "sources", "items", "MB", "whole, s", "ingest, s", "µs an item (ingest)", "tables", "peak GiB"]
    return f"{people:,} people, one week, {rounds} round(s), fastest.\n\n{report.table(head, rows)}"


def _fastest(folder: Path, engine: str, rounds: int, cache: Path) -> Run:
    runs = []
    for _ in range(rounds):
        with fresh_lake(cache, folder) as lake:
            runs.append(run_shipped(lake, engine, NOW, cache))
    return min(runs, key=lambda run: run.outcome.seconds)


def _row(engine: str, sources: tuple[str, ...], run: Run) -> list[str]:
    items = run.manifest["totals"]["lines"]
    size = run.manifest["raw_objects"]["bytes"]
    ingest = run.stages["ingest"]
    tables = len({table["name"] for table in run.manifest["tables"]})
    return [
        engine,
        "all" if sources == SOURCES else ", ".join(sources),
        f"{items:,}",
        f"{size / 1e6:.0f}",
        report.seconds(run.outcome.seconds),
        report.seconds(ingest),
        f"{1e6 * ingest / items:.0f}",
        str(tables),
        report.gib(run.outcome.memory),
    ]


def main() -> None:
    report.say(measure(*people_and_rounds(__doc__)))


if __name__ == "__main__":
    main()
