"""All benchmarks, one after the other, as the Markdown of docs/performance.md."""

import argparse
from collections.abc import Callable

from benchmarks import all_sources, history, listing, report, small_files, start, weekly_job
from benchmarks.dailies import Dailies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200_000, help="of the weekly job")
    parser.add_argument("--objects", type=int, default=50_000, help="of small files")
    parser.add_argument("--history-people", type=int, default=2_000)
    parser.add_argument("--history-weeks", type=int, default=history.LONG)
    parser.add_argument("--start-people", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=weekly_job.ROUNDS)
    options = parser.parse_args()
    rounds = options.rounds
    sections: dict[str, Callable[[], str]] = {
        "The weekly job against DuckDB, Polars, tuned Spark and naive Spark": lambda: weekly_job.measure(
            Dailies(options.people), rounds
        ),
        "Many small objects": lambda: small_files.measure(options.objects, rounds),
        "Listing millions of objects": lambda: listing.measure(listing.OBJECTS),
        "A long history": lambda: history.measure(options.history_people, rounds, options.history_weeks),
        "Every source": lambda: all_sources.measure(options.start_people, rounds),
        "From start to exit": lambda: start.measure(options.start_people, rounds),
    }
    report.say(report.machine())
    for title, measured in sections.items():
        report.say(f"\n## {title}\n\n{measured()}")


if __name__ == "__main__":
    main()
