"""Processes that take turns on one simulated clock: whoever's turn is earliest goes, so a seed decides every interleaving."""

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Self

import pytest

from qol.aws.requests import CircuitBreaker, RetryPolicy
from tests.simulation.scenario import Fault

#: A turn that takes longer on the real clock is a deadlock.
STUCK_SECONDS = 120


class Killed(BaseException):
    """When the process is dead: nothing of it reaches the store any more, not even what cleans up."""


class Violation(Exception):  # noqa: N818 (it is what was found)
    """When something that must always hold does not; `name` says what."""

    def __init__(self, name: str, said: str) -> None:
        super().__init__(f"{name}: {said}")
        self.name = name


@dataclass(eq=False)
class Process:
    """One process: its name, its own random numbers, the faults of its requests, and its clock skew in seconds."""

    name: str
    random: Random
    faults: tuple[Fault, ...] = ()
    skew: float = 0.0
    kind: str = ""
    person: str = ""
    requests: int = 0
    #: The number of the lock it took, from 1.
    epoch: int = 0
    is_dead: bool = False
    paused_until: float = 0.0
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    #: How it ended: a word, or an error.
    end: object = None
    _seen: Counter[Fault] = field(default_factory=Counter)

    def next_fault(self, request: str) -> Fault | None:
        """What goes wrong with its next request."""
        self.requests += 1
        self._seen.update(fault for fault in self.faults if request.startswith(fault.on))
        return next((one for one in self.faults if request.startswith(one.on) and self._seen[one] == one.number), None)


class _Task:
    """A thread of a process; it runs only between its turn and its next wait."""

    def __init__(self, process: Process, target: Callable[[], object], wake: float) -> None:
        self.process, self.wake = process, wake
        self.ended = False
        self.go = threading.Semaphore(0)
        self._target = target

    def body(self, back: threading.Semaphore) -> None:
        self.go.acquire()
        try:
            if not self.process.is_dead:
                self.process.end = self._target() or self.process.end
        except Killed:
            self.process.end = self.process.end or "killed"
        except Exception as err:  # noqa: BLE001 (whoever looks at the ends judges it)
            self.process.end = err
        self.ended = True
        back.release()

    def due(self, now: float) -> float:
        return now if self.process.is_dead else max(self.wake, self.process.paused_until)


class World:
    """The clock, in seconds since `start`, the processes, requests that are still under way, and what was done in order."""

    def __init__(self, start: datetime) -> None:
        self.start = start
        self.clock = 0.0
        self.trace: list[str] = []
        self.violation: Violation | None = None
        #: Whether the request that is done now had been under way for long.
        self.is_landing = False
        self._tasks: list[_Task] = []
        self._landing: list[tuple[float, Process, Callable[[], object]]] = []
        self._back = threading.Semaphore(0)
        self._current: _Task | None = None

    @property
    def process(self) -> Process:
        """The process whose turn it is."""
        assert self._current is not None
        return self._current.process

    def now(self) -> datetime:
        """What the clock of the process shows."""
        return self.start + timedelta(seconds=self.clock + self.process.skew)

    def spawn(self, process: Process, target: Callable[[], object], at: float | None = None) -> _Task:
        """A thread of a process that begins at a time, by default now."""
        task = _Task(process, target, self.clock if at is None else at)
        self._tasks.append(task)
        threading.Thread(target=task.body, args=[self._back], daemon=True).start()
        return task

    def run(self) -> None:
        """Let all processes go on until they have ended and no request is under way; Violation when one was found."""
        while tasks := [task for task in self._tasks if not task.ended]:
            task = min(tasks, key=lambda one: one.due(self.clock))
            self._land_until(task.due(self.clock))
            self.clock = max(self.clock, task.due(self.clock))
            self._current = task
            task.go.release()
            if not self._back.acquire(timeout=STUCK_SECONDS):
                raise RuntimeError(f"{task.process.name} does not end its turn; {self.trace[-1:]}")
        self._land_until(float("inf"))
        self._tasks.clear()
        if self.violation is not None:
            raise self.violation

    def wait(self, seconds: float) -> None:
        """Let others go on for so long; Killed when this process is dead then."""
        task = self._current
        assert task is not None
        if not task.process.is_dead:
            task.wake = self.clock + seconds
            self._back.release()
            task.go.acquire()
        if task.process.is_dead:
            raise Killed

    def wake(self, task: _Task) -> None:
        """Let a thread that waits go on now."""
        task.wake = min(task.wake, self.clock)

    def current_task(self) -> _Task:
        """The thread whose turn it is."""
        assert self._current is not None
        return self._current

    def land_later(self, seconds: float, act: Callable[[], object]) -> None:
        """Let a request reach the store after so many seconds, whatever became of its process."""
        self._landing.append((self.clock + seconds, self.process, act))

    def found(self, name: str, said: str) -> None:
        """Note the first violation; nothing more is done then."""
        if self.violation is None:
            self.violation = Violation(name, said)
            self.trace.append(f"{self.clock:8.2f} VIOLATION {self.violation}")
        for task in self._tasks:
            task.process.is_dead = True

    def _land_until(self, moment: float) -> None:
        while self._landing and min(one[0] for one in self._landing) <= moment:
            at, process, act = landing = min(self._landing, key=lambda one: one[0])
            self._landing.remove(landing)
            self.clock = max(self.clock, at)
            self._current = _Task(process, lambda: None, at)
            self.is_landing = True
            act()
            self.is_landing = False

    @contextmanager
    def patched(self) -> Iterator[None]:
        """The product's modules see this world's clock, threads of the lock, random numbers and circuit breakers."""
        time = SimpleNamespace(
            sleep=self.wait,
            monotonic=lambda: self.clock,
            clock_gettime=lambda _: self.clock,
            time_ns=lambda: int(self.now().timestamp() * 1e9),
            CLOCK_MONOTONIC=0,
        )
        secrets = SimpleNamespace(token_hex=lambda count: self.process.random.randbytes(count).hex())
        ids = SimpleNamespace(uuid4=lambda: uuid.UUID(bytes=self.process.random.randbytes(16), version=4))
        threads = SimpleNamespace(Event=lambda: _Event(self), Thread=lambda **given: _Thread(self, given["target"]))
        with pytest.MonkeyPatch.context() as patch:
            for module in ("lake.s3_lock", "lake.s3", "aws.requests", "tables.manifest"):
                patch.setattr(f"qol.{module}.time", time)
            for module in ("lake.s3_lock", "tables.manifest"):
                patch.setattr(f"qol.{module}.secrets", secrets)
            for module in ("publish.assemble", "people.raw_parts"):
                patch.setattr(f"qol.{module}.uuid", ids)
            patch.setattr("qol.lake.s3_lock.threading", threads)
            patch.setattr("qol.aws.requests.BREAKER", _Breakers(self))
            patch.setattr("qol.run.pipeline.ThreadPoolExecutor", _AtOnce)
            yield


class _Breakers:
    """The circuit breaker of the process whose turn it is."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def is_open(self) -> bool:
        return self._world.process.breaker.is_open

    def record_failure(self, policy: RetryPolicy) -> None:
        self._world.process.breaker.record_failure(policy)

    def record_success(self) -> None:
        self._world.process.breaker.record_success()


class _Event:
    """As threading.Event, on the simulated clock."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._is_set = False
        self._waiting: list[_Task] = []

    def set(self) -> None:
        self._is_set = True
        for task in self._waiting:
            self._world.wake(task)

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, timeout: float) -> bool:
        if not self._is_set:
            self._waiting.append(self._world.current_task())
            self._world.wait(timeout)
        return self._is_set


class _AtOnce:
    """As ThreadPoolExecutor, in the thread that asks: what runs beside a stage only reads."""

    def __init__(self, _workers: int) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, function: Callable[..., object], *given: object) -> Future[object]:
        future: Future[object] = Future()
        try:
            future.set_result(function(*given))
        except Exception as err:  # noqa: BLE001 (who asks for the result gets it)
            future.set_exception(err)
        return future


class _Thread:
    """As threading.Thread, of the process that made it, on the simulated clock."""

    def __init__(self, world: World, target: Callable[[], None]) -> None:
        self._world, self._target = world, target
        self._ended = _Event(world)

    def start(self) -> None:
        self._world.spawn(self._world.process, self._body)

    def _body(self) -> None:
        try:
            self._target()
        finally:
            self._ended.set()

    def join(self, timeout: float) -> None:
        self._ended.wait(timeout)

    def is_alive(self) -> bool:
        return not self._ended.is_set()
