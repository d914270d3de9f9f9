"""A weekly run on a lake with 52 published weeks, against the same run on a lake with 2."""

import argparse
import os
import shutil
from datetime import timedelta
from pathlib import Path

from benchmarks import report
from benchmarks.dailies import MONDAY, Dailies, make
from benchmarks.measure import middle
from benchmarks.shipped import ENGINES, KEY, Run, run_shipped
from qol.contracts.load import load_contracts
from qol.identity.key_lookup import KEY_VARIABLE
from qol.run.job import run_job
from qol.run.request import RunRequest

CACHE = Path(__file__).parents[1] / ".bench"
SHORT, LONG = 2, 52
MOST = 1.05


def weeks_of(people: int, count: int) -> list[Dailies]:
    """Consecutive weeks; the last one is the week that is timed."""
    return [Dailies(people, MONDAY - timedelta(weeks=back), files_per_date=2) for back in range(count - 1, -1, -1)]


def build(lake: Path, weeks: list[Dailies], cache: Path) -> None:
    """A lake as it comes to be: one real run after each week, so files and manifests are those of real life."""
    shutil.rmtree(lake, ignore_errors=True)
    contracts = load_contracts()
    os.environ[KEY_VARIABLE] = KEY
    for number, week in enumerate(weeks):
        report.progress(f"building {lake.name}: week {number + 1} of {len(weeks)}")
        deliver(lake, week, cache)
        request = RunRequest(lake=str(lake), now=week.run_at, trigger="schedule", workers=1, no_docs=True)
        outcome = run_job(request, contracts)
        assert outcome.exit_code == 0, outcome.error


def deliver(lake: Path, week: Dailies, cache: Path) -> None:
    """Put a week's raw files into the lake, as links, for nothing ever writes to them."""
    shutil.copytree(make(week, cache / "weeks") / "raw", lake / "raw", copy_function=os.link, dirs_exist_ok=True)


def timed(built: Path, engine: str, week: Dailies, cache: Path) -> Run:
    """The weekly run after one more week has arrived, on the lake's files under a second name; a run replaces files whole."""
    lake = built.with_name(f"{built.name}-run")
    shutil.rmtree(lake, ignore_errors=True)
    shutil.copytree(built, lake, copy_function=os.link)
    deliver(lake, week, cache)
    os.sync()  # else the disk still writes what was changed while the run is timed
    try:
        return run_shipped(lake, engine, week.run_at, cache)
    finally:
        shutil.rmtree(lake)


def measure(people: int, rounds: int, long: int = LONG, cache: Path = CACHE) -> str:
    """Both lakes on both engines, in Markdown."""
    weeks = weeks_of(people, long + 1)
    lakes = {count: cache / "lakes" / f"history-{people}-{count}" for count in (SHORT, long)}
    for count, lake in lakes.items():
        build(lake, weeks[-1 - count : -1], cache)
    rows = []
    for engine in ENGINES:
        runs: dict[int, list[Run]] = {count: [] for count in lakes}
        for number in range(rounds):
            for count in list(lakes)[:: 1 if number % 2 else -1]:
                report.progress(f"running {engine} after {count} weeks")
                runs[count].append(timed(lakes[count], engine, weeks[-1], cache))
        after = {count: middle([run.outcome for run in of]) for count, of in runs.items()}
        read = {of[0].manifest["totals"]["lines"] for of in runs.values()}
        assert len(read) == 1, f"the two lakes gave {read} lines to read"
        ratio = f"{after[long] / after[SHORT]:.2f}"
        rows.append([engine, report.seconds(after[SHORT]), report.seconds(after[long]), ratio, f"{read.pop():,}"])
    head = ["engine", f"{SHORT} weeks, s", f"{long} weeks, s", f"ratio (at most {MOST:g})", "lines read"]
    return f"{people:,} people, {rounds} round(s), median.\n\n{report.table(head, rows)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--weeks", type=int, default=LONG)
    parser.add_argument("--rounds", type=int, default=3, help="the first of them meets a cold machine")
    options = parser.parse_args()
    report.say(measure(options.people, options.rounds, options.weeks))


if __name__ == "__main__":
    main()
