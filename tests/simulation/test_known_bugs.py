"""Bugs that lakes like this one are known for, each as one schedule; all that must hold is checked at every change."""

from typing import Any

import pytest

from qol.errors import LakeError, LeaseLostError, PublishConflictError
from qol.tables.manifest import Manifest, RawObjects
from tests.simulation.actors import Simulation, play
from tests.simulation.scenario import Fault, Scenario, Step

pytestmark = [pytest.mark.acceptance, pytest.mark.usefixtures("no_gate")]
BEN, DAN, NEW_WEEK_OF_ANNA = ("ben", 2, 500), ("dan", 2, 500), ("anna", 7, 500)
DAILY = "put_object processed/daily/"


def played(*steps: Step) -> Simulation:
    """Violation when anything that must hold does not, on the way or at the end."""
    return play(Scenario(0, tuple(Step(**{**vars(step), "number": number}) for number, step in enumerate(steps))))


def published(end: object) -> RawObjects:
    """What a run that published has read."""
    assert isinstance(end, Manifest), end
    assert (end.status, end.raw_objects is not None) == ("published", True)
    return end.raw_objects or RawObjects("", 0, 0, 0)


def test_a_conditional_put_whose_answer_was_lost_and_that_another_writer_overtook_is_not_repeated() -> None:
    lost = Fault(1, "lost", 70, on=DAILY)
    simulation = played(
        Step("deliver", 0, records=(BEN,)), Step("run", 5, job="jr_1_attempt_1", faults=(lost,)),
        Step("deliver", 28, records=(DAN,)), Step("run", 30, job="jr_1_attempt_2"),
    )  # fmt: skip
    first, second = simulation.ends[1], simulation.ends[3]
    assert isinstance(first, LeaseLostError | PublishConflictError)
    assert published(second).read == 2


def test_a_conditional_put_whose_answer_was_lost_counts_as_done() -> None:
    simulation = played(Step("deliver", 0, records=(BEN,)), Step("run", 5, faults=(Fault(1, "lost", on=DAILY),)))
    assert published(simulation.ends[1]).read == 1


@pytest.mark.parametrize("where", ["_staging/", "_locks/lake.json", "processed/records/", "processed/daily/"])
def test_a_paused_writer_that_wakes_after_its_lease_writes_nothing_more(where: str) -> None:
    pause = Fault(1, "pause", 170, on=f"put_object {where}")
    simulation = played(
        Step("deliver", 0, records=(NEW_WEEK_OF_ANNA, BEN)), Step("run", 5, faults=(pause,)),
        Step("erase", 35, person="anna"),
    )  # fmt: skip
    assert isinstance(simulation.ends[1], LakeError)
    assert simulation.ends[2] == "clean"


@pytest.mark.parametrize("where", ["list_object_versions", "put_object _locks/publish.lock"], ids=["plan", "lock"])
def test_a_restore_that_an_erasure_overtook_brings_no_erased_rows_back(where: str) -> None:
    pause = Fault(1, "pause", 200, on=where)
    simulation = played(Step("restore", 0, faults=(pause,)), Step("erase", 5, person="anna"))
    assert isinstance(simulation.ends[0], LakeError)
    assert simulation.ends[1] == "clean"


def test_an_erasure_that_died_after_it_replaced_the_map_entries_still_finds_the_old_versions() -> None:
    dies = Fault(2, "kill_after", on="delete_object _locks/")
    simulation = played(Step("erase", 0, person="anna", faults=(dies,)), Step("erase", 200, person="anna"))
    assert simulation.ends == ["killed", "clean"]


def test_an_old_attempt_of_a_glue_run_that_goes_on_after_the_new_one_published_writes_nothing() -> None:
    pause = Fault(1, "pause", 100, on=DAILY)
    simulation = played(
        Step("deliver", 0, records=(BEN,)), Step("run", 5, job="jr_1_attempt_1", faults=(pause,)),
        Step("deliver", 28, records=(DAN,)), Step("run", 30, job="jr_1_attempt_2"),
    )  # fmt: skip
    assert isinstance(simulation.ends[1], LakeError)
    assert published(simulation.ends[3]).read == 2


@pytest.mark.parametrize("changes", [(), (Step("contracts", 200),)], ids=["as it was", "under a changed contract"])
def test_a_duplicate_of_a_gathered_object_changes_no_value(changes: tuple[Step, ...]) -> None:
    later = Fault(1, "pause", 100, on="put_object raw/")
    simulation = played(
        Step("deliver", 0, records=(("ben", 2, 60_000),), form="twice", faults=(later,)), Step("run", 10), Step("run", 150),
        *changes,
    )  # fmt: skip
    assert published(simulation.ends[1]).read == 1
    second: Any = simulation.ends[2]
    assert {table.name for table in second.tables if table.replaced} <= {"records_garmin_dailies"}  # where it came from
    assert second.totals["lines"] == second.totals["kept"] + second.totals["superseded"] == 1


def test_an_object_that_two_listings_missed_is_read_by_the_next_run() -> None:
    lag = Fault(1, "lag", 200, on="list_objects_v2 raw/daily/date=2026-11-18/")
    simulation = played(
        Step("deliver", 0, records=(BEN,)),
        Step("run", 10, faults=(lag,)),
        Step("run", 60, faults=(lag,)),
        Step("run", 120),
    )
    misses: list[Any] = simulation.ends[1:3]
    assert [(one.status, one.raw_objects.read) for one in misses] == [("nothing_to_do", 0)] * 2
    assert published(simulation.ends[3]).read == 1


def test_a_restore_forgets_what_a_later_run_with_a_slow_clock_has_read() -> None:
    simulation = played(
        Step("deliver", 0, records=(BEN,)),
        Step("run", 5, skew=25),
        Step("backfill", 35, skew=-25),
        Step("restore", 100),
    )
    assert published(simulation.ends[1]).read == 1
    assert isinstance(simulation.ends[2], Manifest)
    assert simulation.ends[3] is None


def test_what_a_run_remembers_does_not_undo_what_an_erasure_remembers_when_it_lands_late() -> None:
    late = Fault(1, "late", 190, on="put_object _locks/lake.json")
    simulation = played(
        Step("deliver", 0, records=(BEN,)), Step("run", 5, faults=(late,)), Step("erase", 80, person="anna")
    )
    assert simulation.ends[2] == "clean"


def test_a_tombstone_that_lands_late_does_not_undo_a_lift() -> None:
    late = Fault(2, "late", 190, on="put_object _erasures/")
    simulation = played(Step("erase", 0, person="anna", faults=(late,)), Step("lift", 100, person="anna"))
    assert simulation.ends == ["clean", None]
    assert simulation.guard.leaving["anna"].lifted is not None
