"""What goes from step to step on this machine: files that only this user reaches, and that are data, never code."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from qol.run.engine import Engine
from qol.run.local_engine import LocalEngine
from qol.run.steps import read_blocks
from tests.builders import daily_record, run_lake, write_lines


class Code:
    """An object whose pickle, when it is loaded, makes a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, (str(self._folder),)


@pytest.mark.usefixtures("no_gate")
def test_blocks_lie_outside_the_lake_where_no_other_user_reaches_them(tmp_path: Path) -> None:
    found: list[tuple[Path, int]] = []

    def engine(scratch: Path, _: int) -> Engine:
        found.append((scratch, scratch.stat().st_mode & 0o777))
        return LocalEngine(scratch, 1)

    lake = tmp_path / "lake"
    write_lines(lake, "2026-11-10", [daily_record()])
    run_lake(lake, make_engine=engine)

    [(scratch, mode)] = found
    assert (scratch.is_relative_to(lake), mode, scratch.exists()) == (False, 0o700, False)


def test_a_block_that_is_a_pickle_runs_no_code(tmp_path: Path) -> None:
    made = tmp_path / "made by a pickle"
    with pytest.raises(msgspec.DecodeError):
        read_blocks([pickle.dumps(Code(made))])
    assert not made.exists()
