"""What each process does with the product's own code, and how a whole scenario goes."""

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from qol.errors import CorruptFileError, LakeError, LockedError, UsageError
from qol.identity.user_map import read_user_map
from qol.people.erase import Erasure
from qol.people.person import People, read_people
from qol.publish.restore import plan_restore, restore
from qol.tables.manifest import Manifest
from tests.builders import KEY, NOW, run_lake
from tests.simulation.deliveries import Delivery, deliveries_of
from tests.simulation.invariants import Guard
from tests.simulation.scenario import PEOPLE, Scenario, Step
from tests.simulation.small_contracts import small_contracts
from tests.simulation.store import SimulatedLake, Store, Version
from tests.simulation.world import Process, Violation, World

W45, W46 = date(2026, 11, 2), date(2026, 11, 9)
ZONE = "Asia/Tokyo"
#: How a run may end without being wrong; a plain run is the repair.
MAY_FAIL = (LockedError, LakeError)
MAX_RUNS = 6


class Simulation:
    """A lake with its user map, and the processes of a scenario."""

    def __init__(
        self, folder: Path, seed: int, versions: dict[str, list[Version]] | None = None, start: datetime = NOW
    ) -> None:
        self.seed = seed
        self.world = World(start)
        self.store = Store(self.world, versions)
        self.guard = Guard(self.store)
        self.user_map = folder / "map.jsonl"
        entries = [{"source": "garmin", "vendor_user_id": f"v-{who}", "user_id": f"P-{who}"} for who in ("ben", "anna")]
        self.user_map.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
        self.is_changed = False
        #: How the scenario's processes ended, in the order of its steps.
        self.ends: list[object] = []

    @property
    def lake(self) -> SimulatedLake:
        """The lake as a process opens it."""
        return SimulatedLake("lake", store=self.store)

    def start(self, step: Step, name: str = "") -> Process:
        """A process that does what a step says."""
        name = name or f"{step.kind}-{step.number}"
        process = Process(name, Random(f"{self.seed} {name}"), step.faults, step.skew, step.kind, step.person)
        act: Callable[[Step], object] = getattr(self, f"_{step.kind}")
        self.world.spawn(process, functools.partial(act, step), step.at)
        return process

    def do(self, **step: Any) -> Process:
        """One process alone, from its start to its end."""
        number = 1_000 + len(self.world.trace)  # no number of a scenario's step
        process = self.start(Step(at=self.world.clock, number=number, **step), f"calm-{step['kind']}-{number}")
        self.world.run()
        return process

    def _deliver(self, step: Step) -> None:
        for delivery in deliveries_of(step, str(self.world.start.date())):
            self.put(delivery)

    def put(self, delivery: Delivery) -> None:
        """An object arrives; its sender sends it until it is acknowledged."""
        for _ in range(3):
            try:
                self.lake.put(delivery.key, delivery.data)
            except LakeError:
                continue
            self.guard.acknowledge(delivery)
            return

    def _run(self, step: Step, **command: Any) -> Manifest:
        return run_lake(
            self.lake,
            small_contracts(changed=self.is_changed),
            user_map=lambda: read_user_map(self.user_map),
            now=self.world.now(),
            job_run_id=step.job,
            **command,
        )

    def _rebuild(self, step: Step) -> Manifest:
        return self._run(step, rebuild=(W45, W46))

    def _backfill(self, step: Step) -> Manifest:
        return self._run(step, backfill=(date(2026, 11, 1), date(2026, 11, 18)))

    def _restore(self, _: Step) -> None:
        restore(self.lake, W46, *plan_restore(self.lake, W46, None), self.world.now())

    def _contracts(self, _: Step) -> None:
        self.is_changed = True

    def _people(self) -> People:
        contracts = small_contracts(changed=self.is_changed)
        return read_people(self.lake, contracts, KEY, lambda: read_user_map(self.user_map))

    def _erasure(self, step: Step) -> Erasure:
        people = self._people()
        person = people.person(f"garmin:v-{step.person}")
        return Erasure(self.lake, people, person, ZONE, self.world.now(), str(self.user_map), "participant")

    def _erase(self, step: Step) -> str:
        return "clean" if self._erasure(step).run().is_clean else "found something"

    def _lift(self, step: Step) -> None:
        self._erasure(step).lift()


def play(scenario: Scenario) -> Simulation:
    """All steps of a scenario, then what an operator does: repeat erasures, run until nothing is to do. Violation, if any."""
    with TemporaryDirectory(prefix="qol-simulation-") as folder:
        simulation = Simulation(Path(folder), scenario.seed, first_lake().store.versions)
        simulation.guard.delivered |= first_lake().guard.delivered
        with simulation.world.patched():
            processes = [simulation.start(step) for step in scenario.steps]
            try:
                simulation.world.run()
                simulation.ends = [process.end for process in processes]
                for process in processes:
                    _judge(simulation, process)
                _settle(simulation)
            except Violation as err:
                err.add_note("\n".join(simulation.world.trace))
                raise
        return simulation


def _judge(simulation: Simulation, process: Process) -> None:
    """A process may be killed, or fail as the product says it may; it must not end in any other way."""
    end = process.end
    if isinstance(end, MAY_FAIL) and not isinstance(end, CorruptFileError):
        return
    if isinstance(end, UsageError) and process.kind in ("restore", "lift"):
        return
    if isinstance(end, Exception):
        raise Violation("a process ends well or says why it may not", f"{process.name}: {end!r}") from end


def _settle(simulation: Simulation) -> None:
    """Nothing goes wrong any more: repeated erasures end, a plain run repairs all, and the tables are as they must be."""
    simulation.world.clock += 120
    _run_until_done(simulation)
    simulation.guard.check_arrivals()
    for person, found in simulation.guard.leaving.items():
        if found.begun is not None and found.lifted is None:
            ended = simulation.do(kind="erase", person=person)
            if ended.end != "clean":
                raise Violation("a repeated erasure ends", f"{person}: {ended.end!r}")
    _run_until_done(simulation)
    expected = _history(simulation)
    simulation.guard.check_end(expected)
    if simulation.world.violation is not None:
        raise simulation.world.violation


def _run_until_done(simulation: Simulation) -> None:
    for _ in range(MAX_RUNS):
        end = simulation.do(kind="run").end
        if not isinstance(end, Manifest):
            raise Violation("a plain run is the repair (I4)", repr(end))
        if end.status == "nothing_to_do":
            return
    raise Violation("a plain run is the repair (I4)", f"{MAX_RUNS} runs were not enough")


def _history(simulation: Simulation) -> dict[str, bytes]:
    """The tables of a lake that never had anything but the raw objects that are left: one run, from nothing."""
    with TemporaryDirectory(prefix="qol-simulation-") as folder:
        other = Simulation(Path(folder), simulation.seed)
        other.user_map.write_bytes(simulation.user_map.read_bytes())
        other.is_changed = simulation.is_changed
        with other.world.patched():
            raw = {key: data for key, data in simulation.store.objects().items() if key.startswith("raw/")}

            def arrive() -> None:
                for key, data in raw.items():
                    other.store.write(key, data)

            other.world.spawn(Process("history", Random(0)), arrive)
            other.world.run()
            end = other.do(kind="run").end
    if not isinstance(end, Manifest):
        raise Violation("a plain run is the repair (I4)", f"from nothing: {end!r}")
    return other.store.objects()


@functools.cache
def first_lake() -> Simulation:
    """A lake an hour earlier, after two runs: all people have two weeks, the second with an earlier version."""
    with TemporaryDirectory(prefix="qol-simulation-") as folder:
        first = Simulation(Path(folder), 0, start=NOW - timedelta(hours=1))
        with first.world.patched():
            for steps, days in ((1_000, (-7, 0)), (2_000, (0, 1))):
                first.do(kind="deliver", records=tuple((who, day, steps) for who in PEOPLE for day in days))
                end = first.do(kind="run").end
                assert isinstance(end, Manifest), end
                assert end.status == "published", end
    for versions in first.store.versions.values():
        versions[:] = [replace(one, epoch=0) for one in versions]  # locks are counted from 1 again
    return first
