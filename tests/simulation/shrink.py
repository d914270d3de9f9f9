"""What a seed violates, told with the shortest interleaving found."""

from tests.simulation.actors import play
from tests.simulation.scenario import Scenario, scenario_of
from tests.simulation.world import Violation

#: How many requests of the interleaving are shown of a failure.
SHOWN = 80


def failure_of(scenario: Scenario) -> Violation | None:
    """What a scenario violates."""
    try:
        play(scenario)
    except Violation as err:
        return err
    return None


def shortest(scenario: Scenario, failure: Violation) -> tuple[Scenario, Violation]:
    """The smallest scenario found that violates the same: one step, fault or record less at a time."""
    for smaller in scenario.smaller():
        found = failure_of(smaller)
        if found is not None and found.name == failure.name:
            return shortest(smaller, found)
    return scenario, failure


def report_of(seed: int) -> str:
    """What a seed violates; empty when everything holds."""
    scenario = scenario_of(seed)
    failure = failure_of(scenario)
    if failure is None:
        return ""
    scenario, failure = shortest(scenario, failure)
    steps = "\n".join(map(str, scenario.steps))
    trace = "\n".join(failure.__notes__[0].splitlines()[-SHOWN:])
    return f"seed {seed}: {failure}\nReplay: python -m tests.simulation --seed {seed}\nSteps:\n{steps}\nRequests:\n{trace}\n"
