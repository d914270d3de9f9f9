"""Stands in for the Lambda runtime: a process that calls a handler once per line of its input.

Run as a program, with the unpacked zip as PYTHONPATH and the handler's path as its argument. A line is
`{"event": …, "now": <ISO time or null>}`, an answer `{"result": …}` or `{"error": <type>, "message": <text>}`.
It imports nothing of the project: what the handler needs has to be in its zip.
"""

import importlib
import json
import os
import sys
import uuid
from collections.abc import Callable
from datetime import datetime, tzinfo
from types import ModuleType, SimpleNamespace
from typing import Any, TextIO


def main(path: str) -> None:
    """Answer every line of standard input; what a handler prints is its log, on standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    module_name, _, name = path.rpartition(".")
    module = importlib.import_module(module_name)
    real = getattr(module, "datetime", None)
    for line in sys.stdin:
        call = json.loads(line)
        if real is not None:
            _set_clock(module, real, call.get("now"))
        _answer(answers, getattr(module, name), call["event"])


def _answer(answers: TextIO, handler: Callable[[Any, Any], Any], event: Any) -> None:
    try:
        answer = {"result": handler(event, _context())}
    except Exception as err:  # noqa: BLE001 (as Lambda does: whatever it is, the caller hears its type and text)
        answer = {"error": type(err).__name__, "message": str(err)}
        print(f"[ERROR] {type(err).__name__}: {err}", file=sys.stderr, flush=True)
    sys.stdout.flush()
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _context() -> SimpleNamespace:
    name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "function")
    return SimpleNamespace(
        aws_request_id=str(uuid.uuid4()),
        function_name=name,
        function_version="$LATEST",
        invoked_function_arn=f"arn:aws:lambda:{os.environ.get('AWS_REGION', '')}:123456789012:function:{name}",
        memory_limit_in_mb=int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")),
        get_remaining_time_in_millis=lambda: 1_000 * int(os.environ.get("HOST_TIMEOUT_SECONDS", "28")),
    )


def _set_clock(module: ModuleType, real: type[datetime], now: str | None) -> None:
    """Let the handler's module see a clock that stands at `now`; None gives it the real one again."""
    if now is None:
        module.datetime = real  # type: ignore[attr-defined]
        return
    moment = datetime.fromisoformat(now)

    class Standing(real):  # type: ignore[misc, valid-type]
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return moment.astimezone(tz)

    module.datetime = Standing  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(sys.argv[1])
