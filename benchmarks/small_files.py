"""The whole job on 50,000 objects of 2 KB, against the same bytes in 16 files."""

import argparse
import shutil
from pathlib import Path

from benchmarks import report
from benchmarks.dailies import Dailies, make, raw_files, read_all
from benchmarks.measure import middle
from benchmarks.shipped import ENGINES, Run, fresh_lake, run_shipped

CACHE = Path(__file__).parents[1] / ".bench"
LINES_EACH = 2
#: Seven days a person, a fifth of them sent twice.
LINES_PER_PERSON = 8.4
MOST = 1.3


def make_small(folder: Path) -> Path:
    """The same lines, two to an object, below the same dates; written once and kept."""
    target = folder.with_name(f"{folder.name}-small")
    if not target.is_dir():
        unfinished = target.with_name(f"{target.name}.part")
        shutil.rmtree(unfinished, ignore_errors=True)
        for path in raw_files(folder):
            place = unfinished / path.parent.relative_to(folder)
            place.mkdir(parents=True, exist_ok=True)
            lines = path.read_bytes().splitlines(keepends=True)
            for at in range(0, len(lines), LINES_EACH):
                (place / f"{path.stem}-{at:06d}.jsonl").write_bytes(b"".join(lines[at : at + LINES_EACH]))
        unfinished.rename(target)
    return target


def measure(objects: int, rounds: int, cache: Path = CACHE) -> str:
    """Both layouts on both engines, in Markdown."""
    spec = Dailies(round(objects * LINES_EACH / LINES_PER_PERSON), files_per_date=2)
    large = make(spec, cache)
    layouts = {"large": large, "small": make_small(large)}
    size = next(read_all(folder) for folder in layouts.values())
    counts = {name: len(raw_files(folder)) for name, folder in layouts.items()}
    rows = []
    for engine in ENGINES:
        runs: dict[str, list[Run]] = {name: [] for name in layouts}
        for number in range(rounds):
            for name in list(layouts)[:: 1 if number % 2 else -1]:
                report.progress(f"running {engine} on {counts[name]:,} objects")
                with fresh_lake(cache, layouts[name]) as lake:
                    runs[name].append(run_shipped(lake, engine, spec.run_at, cache))
        rows.append([engine, *_row(runs)])
    head = ["engine", f"{counts['small']:,} objects, s", f"{counts['large']:,} files, s", f"ratio (at most {MOST:g})"]
    head += ["ingest, s", "ingest, s"]
    return f"{size / 1e6:.0f} MB of dailies, {rounds} round(s), median.\n\n{report.table(head, rows)}"


def _row(runs: dict[str, list[Run]]) -> list[str]:
    small, large = (middle([run.outcome for run in runs[name]]) for name in ("small", "large"))
    ingest = [report.seconds(min(run.stages["ingest"] for run in runs[name])) for name in ("small", "large")]
    return [report.seconds(small), report.seconds(large), f"{small / large:.2f}", *ingest]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    report.say(measure(options.objects, options.rounds))


if __name__ == "__main__":
    main()
