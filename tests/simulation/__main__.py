"""`python -m tests.simulation --seed N` replays a seed; `--seeds COUNT` plays many, on every core."""

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor


def reports(seeds: range) -> Iterator[str]:
    """The report of each seed, in order."""
    if len(seeds) == 1:
        from tests.simulation.shrink import report_of

        yield report_of(seeds[0])
        return
    spawned = multiprocessing.get_context("spawn")  # Polars and Arrow have threads, which no fork copies
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), spawned) as pool:
        from tests.simulation.shrink import report_of

        yield from pool.map(report_of, seeds, chunksize=5)


def main() -> int:
    """1 when a seed violates something."""
    os.environ["POLARS_MAX_THREADS"] = "1"  # before Polars is imported: a seed is small, and each core has its own
    options = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    options.add_argument("--seed", type=int, help="replay one seed")
    options.add_argument("--seeds", type=int, default=200, help="how many seeds, from --first on")
    options.add_argument("--first", type=int, default=1)
    given = options.parse_args()
    started, failed = time.perf_counter(), 0
    seeds = range(given.first, given.first + given.seeds) if given.seed is None else range(given.seed, given.seed + 1)
    for report in reports(seeds):
        failed += bool(report)
        sys.stdout.write(report and f"{report}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(seeds)} seeds, {failed} failed, {time.perf_counter() - started:.0f} s\n")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
