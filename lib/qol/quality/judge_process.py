"""A process that judges: it imports Great Expectations while the run's own process, on another core, reads and computes.

A run that has none judges in its own process. Facts and checks go in, results and pages come out; no row is among them.
"""

from __future__ import annotations

import atexit
import os
import pickle
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired
from typing import TYPE_CHECKING, Any

from qol.quality import expectations

if TYPE_CHECKING:
    from qol.quality.expectations import Judged, Suites
    from qol.quality.gate_checks import Evaluated

#: A busy machine imports and judges in a tenth of it.
MAX_SECONDS = 120
_SERVE = "from qol.quality.judge_process import serve; serve()"
_begun: list[Popen[bytes]] = []


def begin_to_judge() -> None:
    """Start the process; the first gate asks it."""
    with suppress(OSError):  # none to spare
        # In a session of its own, as Ctrl-C is for the run; -P keeps modules of the user's folder out.
        command = (sys.executable, "-P", "-c", _SERVE)
        _begun.append(
            Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, start_new_session=True)  # noqa: S603 (our own interpreter)
        )
        atexit.register(_begun[-1].kill)


def preload() -> None:
    """Without the process, import Great Expectations in the background, while the driver mostly waits for its workers."""
    if not _begun or _begun[-1].poll() is not None:
        threading.Thread(target=expectations.load_in_turn, daemon=True).start()


def ask_to_judge(suites: Suites, *, with_docs: bool) -> Judged:
    """As `expectations.judge`, by the process if it was begun and answers."""
    if _begun:
        plain = {name: [_without_rows(one) for one in evaluated] for name, evaluated in suites.items()}
        found = _answer(_begun.pop(), pickle.dumps((plain, with_docs)))
        if isinstance(found, expectations.Judged):
            return found
    return expectations.judge(suites, with_docs=with_docs)


def _answer(process: Popen[bytes], question: bytes) -> Any:
    """What the process answers, whatever it is; None without an answer that can be read."""
    with process, suppress(TimeoutExpired):
        try:
            answer, _ = process.communicate(question, timeout=MAX_SECONDS)
        finally:
            process.kill()
        with suppress(Exception):  # other bytes end in errors of any kind
            return pickle.loads(answer)  # noqa: S301 (comes from the process that this one started)
    return None


def _without_rows(evaluated: Evaluated) -> Evaluated:
    """Without the expressions of Polars, which counted and judge nothing."""
    expected = tuple(replace(one, broken=None) for one in evaluated.check.expected)
    return evaluated._replace(check=replace(evaluated.check, expected=expected))


def serve() -> None:
    """Import Great Expectations, then answer one question; what a library prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    expectations.load()
    suites, with_docs = pickle.load(sys.stdin.buffer)  # noqa: S301 (comes from the process that started this one)
    with answers:
        pickle.dump(expectations.judge(suites, with_docs=with_docs), answers)
    os._exit(0)  # to take down what was imported would take half a second
