"""One error tree; every message says where, what was found and what is allowed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

_PACKAGE = Path(__file__).resolve().parent


class QolError(Exception):
    """When a run cannot end well; the text never holds a vendor id or a raw value of a record."""

    exit_code: ClassVar[int] = 1


class UsageError(QolError):
    """When an option, a setting or the user map is not usable."""

    exit_code = 2


@contextmanager
def optional_imports(program: str, extra: str, libraries: Collection[str]) -> Iterator[None]:
    """Imports that need an extra's libraries; UsageError that says what to install when one of them is missing."""
    try:
        yield
    except ModuleNotFoundError as err:
        library = (err.name or "").partition(".")[0]
        if library not in libraries:
            raise
        raise UsageError(f"{program}: {library} is not installed; in the clone, run pip install '.[{extra}]'") from None


@dataclass(frozen=True)
class Problem:
    """One mistake in a contract file: where it stands, what stands there, what may stand there."""

    file: str
    path: str
    value: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.file}: {self.path or '(top)'}: found {self.value}; allowed: {self.allowed}"


class Difference(Problem):
    """An example with another outcome than it expects: `value` is what it expects, `allowed` what came of it."""

    def __str__(self) -> str:
        return f"{self.file}: {self.path}: expected {self.value}, but {self.allowed}"


class ContractError(QolError):
    """When contract files are wrong; lists all mistakes at once."""

    exit_code = 2

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"{len(problems)} contract problem(s):\n{lines}")

    def __reduce__(self) -> tuple[type[ContractError], tuple[list[Problem]]]:
        """Made again from its problems in another process."""
        return ContractError, (self.problems,)


class LakeError(QolError):
    """When the lake does not hold what it should hold, or did not do what it was asked."""


class CorruptFileError(LakeError):
    """When a published file is no Parquet file, or one whose content cannot be read."""


class PublishConflictError(LakeError):
    """When a published file is no longer the one seen at the start of the run."""


class LeaseLostError(LakeError):
    """When this run's lock ran out while it worked: another run may hold it, so nothing more is published."""


class ConservationError(QolError):
    """When lines in are not lines out; nothing is published."""


class RefusedError(QolError):
    """When a critical check failed; every published file stays as it was."""

    exit_code = 3


class LockedError(QolError):
    """When another run holds the lock."""

    exit_code = 4


class DatabaseError(QolError):
    """When a database cannot be reached, refuses rows, or has other tables than the contracts; no password, no value."""


class TaskError(QolError):
    """When a task of an engine failed for an unexpected reason; names the place, never a value."""


def safe_place(err: BaseException) -> str:
    """The type of an error and where in our code it was raised; its text could hold a value."""
    place, trace = "", err.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        file = Path(code.co_filename)
        if file.is_relative_to(_PACKAGE):
            place = f" at {file.relative_to(_PACKAGE.parent)}:{trace.tb_lineno} ({code.co_name})"
        trace = trace.tb_next
    return f"{type(err).__name__}{place}"
