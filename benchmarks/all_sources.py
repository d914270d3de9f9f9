"""A run over every source at once: wall time, peak memory, and what each added source costs."""

import argparse
import shutil
from datetime import datetime
from pathlib import Path

from benchmarks import report
from benchmarks.gathered import gathered_sample
from benchmarks.samples import kept_sample, linked
from benchmarks.shipped import ENGINES, USER_MAP, Run, fresh_lake, run_shipped
from qol_dev.sample import SOURCES, SampleOptions

CACHE = Path(__file__).parents[1] / ".bench"
NOW = datetime.fromisoformat("2026-11-18T00:05:00+00:00")


def only(folder: Path, sources: tuple[str, ...]) -> Path:
    """The raw objects of some sources."""
    target = folder.with_name(f"{folder.name}-{'-'.join(sources)}")
    shutil.rmtree(target, ignore_errors=True)
    for place in sorted((folder / "raw").iterdir()):
        source = "garmin" if place.name == "daily" else place.name
        if source in sources:
            linked(place, target / "raw" / place.name)
    (target / USER_MAP).symlink_to(folder / USER_MAP)
    return target


def measure(
    people: int, rounds: int, cache: Path = CACHE, engines: tuple[str, ...] = ENGINES, *, gathers: bool = False
) -> str:
    """Every source alone and all of them together, in Markdown; with `gathers` all together, pushes as a stream stores them."""
    folder = kept_sample(f"sources-{people}", SampleOptions(users=people, weeks=1), cache)
    if gathers:
        folder = gathered_sample(folder)
    rows = []
    for engine in engines:
        alone = [] if gathers or engine == "spark" else [(source,) for source in SOURCES]
        combinations = [*alone, SOURCES]
        for sources in combinations:
            report.progress(f"running {engine} on {', '.join(sources)}")
            rows.append(_row(engine, sources, _fastest(only(folder, sources), engine, rounds, cache)))
    head = [
        "engine",
        "sources",
        "objects",
        "items",
        "MB",
        "whole, s",
        "ingest, s",
        "µs an item (ingest)",
        "tables",
        "peak GiB",
    ]
    how = "; pushes gathered" if gathers else ""
    return f"{people:,} people, one week, {rounds} round(s), fastest{how}.\n\n{report.table(head, rows)}"


def _fastest(folder: Path, engine: str, rounds: int, cache: Path) -> Run:
    runs = []
    for _ in range(rounds):
        with fresh_lake(cache, folder) as lake:
            runs.append(run_shipped(lake, engine, NOW, cache, with_memory=True))
    return min(runs, key=lambda run: run.outcome.seconds)


def _row(engine: str, sources: tuple[str, ...], run: Run) -> list[str]:
    items = run.manifest["totals"]["lines"]
    size = run.manifest["raw_objects"]["bytes"]
    ingest = run.stages["ingest"]
    tables = len({table["name"] for table in run.manifest["tables"]})
    return [
        engine,
        "all" if sources == SOURCES else ", ".join(sources),
        f"{run.manifest['raw_objects']['read']:,}",
        f"{items:,}",
        f"{size / 1e6:.0f}",
        report.seconds(run.outcome.seconds),
        report.seconds(ingest),
        f"{1e6 * ingest / items:.0f}",
        str(tables),
        report.gib(run.outcome.memory),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--gathered", action="store_true", help="Garmin's pushes as gather = firehose stores them")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    options = parser.parse_args()
    engines = tuple(options.engines)
    report.say(measure(options.people, options.rounds, engines=engines, gathers=options.gathered))


if __name__ == "__main__":
    main()
