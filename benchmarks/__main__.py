"""All benchmarks, one after the other, as the Markdown of docs/performance.md."""

from __future__ import annotations

import argparse

from benchmarks import history, report, small_files, start, weekly_job
from benchmarks.dailies import Dailies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200_000, help="of the weekly job")
    parser.add_argument("--objects", type=int, default=50_000, help="of small files")
    parser.add_argument("--history-people", type=int, default=2_000)
    parser.add_argument("--history-weeks", type=int, default=history.LONG)
    parser.add_argument("--start-people", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    rounds = options.rounds
    sections = {
        "The weekly job against naive Spark, tuned Spark and DuckDB": weekly_job.measure(
            Dailies(options.people), rounds
        ),
        "Many small objects": small_files.measure(options.objects, rounds),
        "A long history": history.measure(options.history_people, rounds, options.history_weeks),
        "From start to exit": start.measure(options.start_people, rounds),
    }
    print(f"\n{report.machine()}")
    for title, text in sections.items():
        print(f"\n## {title}\n\n{text}")


if __name__ == "__main__":
    main()
