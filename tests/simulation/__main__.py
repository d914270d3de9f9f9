"""`python -m tests.simulation --seed N` replays a seed; `--seeds COUNT` plays many on every core."""

import os

os.environ["POLARS_MAX_THREADS"] = "1"  # before Polars is imported: a seed is small, and each core has its own

import argparse
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.actors import play
from tests.simulation.scenario import Scenario, scenario_of
from tests.simulation.world import Violation

#: How many steps of the interleaving are shown of a failure.
SHOWN = 60


def failure_of(scenario: Scenario) -> Violation | None:
    """What a scenario violates."""
    try:
        play(scenario)
    except Violation as err:
        return err
    return None


def shortest(scenario: Scenario, failure: Violation) -> tuple[Scenario, Violation]:
    """The smallest scenario found that violates the same: one step, fault or record less at a time."""
    while True:
        for smaller in scenario.smaller():
            found = failure_of(smaller)
            if found is not None and found.name == failure.name:
                scenario, failure = smaller, found
                break
        else:
            return scenario, failure


def report_of(seed: int) -> str:
    """What a seed violates, with the shortest interleaving found; empty when everything holds."""
    scenario = scenario_of(seed)
    failure = failure_of(scenario)
    if failure is None:
        return ""
    scenario, failure = shortest(scenario, failure)
    steps = "\n".join(map(str, scenario.steps))
    trace = "\n".join(failure.__notes__[0].splitlines()[-SHOWN:])
    return f"seed {seed}: {failure}\nReplay: python -m tests.simulation --seed {seed}\nSteps:\n{steps}\nRequests:\n{trace}\n"


def main() -> int:
    """1 when a seed violates something."""
    options = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    options.add_argument("--seed", type=int, help="replay one seed")
    options.add_argument("--seeds", type=int, default=200, help="how many seeds, from --first on")
    options.add_argument("--first", type=int, default=1)
    given = options.parse_args()
    started = time.perf_counter()
    seeds = [given.seed] if given.seed is not None else range(given.first, given.first + given.seeds)
    workers = min(len(seeds), len(os.sched_getaffinity(0)))
    failed = 0
    with ProcessPoolExecutor(workers, multiprocessing.get_context("forkserver")) as pool:
        for report in pool.map(report_of, seeds, chunksize=1):
            failed += bool(report)
            if report:
                sys.stdout.write(f"{report}\n")
                sys.stdout.flush()
    sys.stdout.write(f"{len(seeds)} seeds, {failed} failed, {time.perf_counter() - started:.0f} s\n")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
