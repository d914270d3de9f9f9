"""An erasure on a bucket that dies at any of its mutating requests, then a plain run and the same command again."""

import re
from collections import Counter

import pytest

from tests.simulation.actors import play
from tests.simulation.scenario import Fault, Scenario, Step

pytestmark = [pytest.mark.acceptance, pytest.mark.usefixtures("no_gate")]
ARRIVES = Step("deliver", 0, records=(("anna", 7, 500), ("ben", 2, 500), ("anna", 1, 700)), form="broken", number=0)
#: A mutating request and the top of its key; what is staged changes nothing.
REQUEST = re.compile(r"erase-2 \d+: ((?:put|delete)_object (?!_staging/)[^/ ]+/)")


def died(*faults: Fault) -> list[str]:
    """The requests of an erasure with faults; all that must hold is checked, also after a plain run and a second erasure."""
    steps = (ARRIVES, Step("run", 5, number=1), Step("erase", 60, person="anna", faults=faults, number=2))
    simulation = play(Scenario(0, steps))
    assert simulation.ends[2] == ("killed" if faults else "clean")
    return [found[1] for line in simulation.world.trace if (found := REQUEST.search(line))]


def test_an_erasure_that_dies_at_any_request_is_ended_by_a_plain_run_and_the_same_command() -> None:
    requests = Counter(died())
    assert requests["put_object processed/"] == 8
    for request, times in requests.items():
        for number in range(1, times + 1):
            died(Fault(number, "kill", on=request))
