"""The process that judges beside a run: it says what the run's own process would, and nothing depends on it."""

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace

import pytest

from qol.quality import expectations, judge_process
from qol.quality.gate_checks import Check, CheckObservation, Evaluated, Expected, Facts

LIMIT = Expected("ExpectColumnMaxToBeBetween", {"column": "share", "max_value": 0.01}, "At most 1% are rejected.")
CHECK = Check("rejected_share", "warning", "At most 1% of the items are rejected.", (LIMIT,))
SUITES = {
    "run": [Evaluated(CHECK, CheckObservation(checked=True, text="2 of 100"), [Facts(highest=0.02)])],
    "partitions": [Evaluated(CHECK, CheckObservation(checked=True, text="1 of 100"), [Facts(highest=0.01)])],
}
PASSED = {"run": [False], "partitions": [True]}
#: Programs in the place of the process.
NOISY = """
from qol.quality import expectations, judge_process
load = expectations.load
expectations.load = lambda: print("Hello.", flush=True) or load()
judge_process.serve()
"""
READS = "import sys; sys.stdin.buffer.read()"
#: Programs that begin the process and print its id.
BEGIN = "j.begin_to_judge(); print(j._begun[0].pid, flush=True); "
ENDED = "j._SERVE = 'import time; time.sleep(600)'; " + BEGIN
KILLED = BEGIN + "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process must not judge."""

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("this process judged")

    monkeypatch.setattr(expectations, "judge", refused)


def test_the_process_judges_and_renders_as_the_runs_own_would(request: pytest.FixtureRequest) -> None:
    own = expectations.judge(SUITES, with_docs=True)
    request.getfixturevalue("elsewhere")
    judge_process.begin_to_judge()
    asked = judge_process.ask_to_judge(SUITES, with_docs=True)
    assert asked.passed == own.passed == PASSED
    for pages in (own.pages, asked.pages):
        suites = [place.split("/")[1] for place in pages]
        assert (suites, ["2 of 100" in page for page in pages.values()]) == (["run", "partitions"], [True, False])


@pytest.mark.usefixtures("elsewhere")
def test_what_a_library_prints_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge_process, "_SERVE", NOISY)
    judge_process.begin_to_judge()
    assert judge_process.ask_to_judge(SUITES, with_docs=False) == (PASSED, {})


@pytest.mark.parametrize(
    "program",
    [
        "pass",
        READS,
        f"{READS}; print('Hello.')",
        f"{READS}; print('Loading')",
        f"{READS}; print('N.')",
        f"{READS}; import time; time.sleep(600)",
    ],
    ids=["ends at once", "does not answer", "answers something else", "in other words", "with nothing", "never ends"],
)
def test_a_run_whose_process_fails_judges_itself(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge_process, "_SERVE", program)
    monkeypatch.setattr(judge_process, "MAX_SECONDS", 2)
    judge_process.begin_to_judge()
    assert judge_process.ask_to_judge(SUITES, with_docs=False) == (PASSED, {})
    assert judge_process._begun == []


@pytest.mark.parametrize("program", [ENDED, KILLED], ids=["ended", "killed"])
def test_the_process_does_not_outlive_its_run(program: str) -> None:
    program = f"from qol.quality import judge_process as j; {program}"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode in (0, -signal.SIGKILL)
    with suppress(ProcessLookupError):  # it is gone already
        process = os.pidfd_open(int(run.stdout))
        assert select.select([process], [], [], 60)[0], "it still runs a minute later"


def test_only_without_the_process_this_one_imports_it_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Callable[[], None]] = []
    monkeypatch.setattr(threading, "Thread", lambda target, **_: SimpleNamespace(start=lambda: begun.append(target)))
    judge_process.begin_to_judge()
    judge_process.preload()
    assert begun == []
    judge_process._begun[0].kill()
    judge_process._begun[0].wait()
    judge_process.preload()
    judge_process._begun.clear()
    judge_process.preload()
    assert begun == [expectations.load_in_turn] * 2
