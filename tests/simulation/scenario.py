"""What happens in one seed: who begins when, what they are asked, and which of their requests go wrong."""

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Literal, get_args

Kind = Literal["deliver", "run", "rebuild", "backfill", "restore", "erase", "lift", "contracts"]
Form = Literal["lines", "envelope", "gzip", "broken", "twice"]
FaultKind = Literal["kill", "kill_after", "lost", "late", "pause", "503", "409", "cut", "lag"]

PEOPLE = ("anna", "ben", "cleo", "dan", "eve", "finn")
#: Those who may leave: one that the user map names, one that has a keyed hash.
LEAVING = ("anna", "cleo")
#: The seconds in which a scenario begins its steps.
SPAN = 400.0
#: Requests by which something changes: half of what goes wrong goes wrong there.
WRITES = (
    "put_object processed/", "put_object processed/weekly/", "put_object _objects/", "put_object _locks/lake.json",
    "put_object _locks/publish.lock", "put_object _erasures/", "put_object _runs/", "put_object quarantine/",
    "put_object raw/", "delete_object raw/", "delete_object _locks/", "put_object _staging/", "get_object _staging/",
)  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """The process's request of this number goes wrong, of those that begin with `on`: an operation and a key.

    `seconds` is how long a pause, a lateness, a lag, or the wait for a lost answer is.
    """

    number: int
    kind: FaultKind
    seconds: float = 0.0
    on: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, [f"request {self.number}", self.on, self.kind, str(self.seconds or "")]))


@dataclass(frozen=True)
class Step:
    """A process that begins at a time."""

    kind: Kind
    at: float
    faults: tuple[Fault, ...] = ()
    skew: float = 0.0
    #: The person of an erasure or a lift.
    person: str = ""
    #: Records of a delivery: who, days after Monday, steps.
    records: tuple[tuple[str, int, int], ...] = ()
    #: How they lie in their object.
    form: Form = "lines"
    #: The attempt of a Glue run: `jr_1_attempt_2`.
    job: str | None = None
    number: int = 0

    def __str__(self) -> str:
        said: list[Any] = [f"{self.at:6.1f} s {self.kind}"]
        said += [f"{name}={value}" for name, value in self._given().items() if value]
        return "  ".join(map(str, [*said, *self.faults]))

    def _given(self) -> dict[str, object]:
        form = self.form if self.kind == "deliver" else ""
        return {"person": self.person, "records": self.records, "form": form, "job": self.job, "skew": round(self.skew)}


@dataclass(frozen=True)
class Scenario:
    """The steps of a seed."""

    seed: int
    steps: tuple[Step, ...] = field(default=())

    def smaller(self) -> list["Scenario"]:
        """The same with one step less, one fault less, or one clock that is right."""
        steps = self.steps
        without = [steps[:place] + steps[place + 1 :] for place in range(len(steps))]
        for place, step in enumerate(steps):
            changes = [replace(step, faults=tuple(f for f in step.faults if f is not fault)) for fault in step.faults]
            changes += [replace(step, skew=0.0)] if step.skew else []
            changes += [replace(step, form="lines")] if step.form != "lines" else []
            changes += [replace(step, records=step.records[:1])] if len(step.records) > 1 else []
            without += [(*steps[:place], changed, *steps[place + 1 :]) for changed in changes]
        return [Scenario(self.seed, fewer) for fewer in without]


def scenario_of(seed: int) -> Scenario:
    """The scenario of a seed."""
    random = Random(seed)
    steps = [_delivery(random) for _ in range(random.randint(1, 4))]
    steps += [_run(random) for _ in range(random.randint(1, 3))]
    if random.random() < 0.3:
        steps += _attempts(random)
    if random.random() < 0.6:
        steps += _leaving(random)
    if random.random() < 0.25:
        steps += _overtaken(random)
    if random.random() < 0.3:
        steps.append(Step("restore", random.uniform(0, SPAN)))
    if random.random() < 0.2:
        steps.append(Step("contracts", random.uniform(0, SPAN)))
    for _ in range(random.choice([0, 1, 1, 2, 2, 3, 4])):
        place = random.randrange(len(steps))
        steps[place] = replace(steps[place], faults=(*steps[place].faults, _fault(random, steps[place].kind)))
    skewed = [replace(step, skew=random.choice([0, 0, random.uniform(-25, 25)])) for step in steps]
    return Scenario(seed, tuple(replace(step, number=number) for number, step in enumerate(skewed)))


def _delivery(random: Random) -> Step:
    records = tuple(
        (random.choice(PEOPLE), random.choice([-7, -6, 0, 1, 2, 7]), random.choice([500, 9_000, 60_000]))
        for _ in range(random.randint(1, 3))
    )
    form = random.choice(get_args(Form))
    return Step("deliver", random.uniform(0, SPAN), records=records, form=form)


def _run(random: Random) -> Step:
    return Step(random.choice(["run", "run", "run", "rebuild", "backfill"]), random.uniform(0, SPAN))


def _attempts(random: Random) -> list[Step]:
    at = random.uniform(0, SPAN)
    first = Step("run", at, job="jr_1_attempt_1", faults=(_fault(random, "run"),))
    return [first, Step("run", at + random.uniform(5, 120), job="jr_1_attempt_2")]


def _leaving(random: Random) -> list[Step]:
    person, at = random.choice(LEAVING), random.uniform(0, SPAN)
    steps = [Step("erase", at, person=person)]
    if random.random() < 0.5:
        steps.append(Step("erase", at + random.uniform(0, 200), person=random.choice(LEAVING)))
    if random.random() < 0.35:
        steps.append(Step("lift", at + random.uniform(50, 250), person=person))
    return steps


def _overtaken(random: Random) -> list[Step]:
    """A run with a week that only a person who leaves has stands still; an erasure of that person overtakes it."""
    person, at = random.choice(LEAVING), random.uniform(0, SPAN)
    pause = Fault(
        random.randint(1, 4), "pause", random.uniform(50, 170), random.choice(["put_object", "get_object _staging/"])
    )
    return [
        Step("deliver", at, records=((person, 7, 500), (random.choice(PEOPLE), 1, 3_000))),
        Step("run", at + 5, faults=(pause,)),
        Step("erase", at + random.uniform(15, 40), person=person),
    ]


def _fault(random: Random, step: Kind) -> Fault:
    usual = {"deliver": 2, "run": 110, "rebuild": 90, "backfill": 110, "erase": 120, "restore": 40, "lift": 8}
    kind: FaultKind = random.choice(
        ["kill", "kill_after", "lost", "lost", "late", "late", "pause", "pause", "503", "409", "cut", "lag"]
    )
    longest = {"late": 150, "pause": 150, "lag": 90, "lost": 60}
    seconds = round(random.uniform(1, longest[kind]), 1) if kind in longest else 0.0
    if random.random() < 0.5 and step != "deliver":
        return Fault(
            random.randint(1, 3), kind, seconds, "list_objects_v2 raw/" if kind == "lag" else random.choice(WRITES)
        )
    return Fault(random.randint(1, usual.get(step, 1)), kind, seconds)
