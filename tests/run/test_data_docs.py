"""Data Docs of a lake in a bucket are put there at the end of a run."""

from typing import Any

import pytest

from qol.errors import LakeError
from qol.run.data_docs import docs_folder


class FarLake:
    """A lake that is no folder."""

    def __init__(self, *, broken: bool = False) -> None:
        self.objects: dict[str, bytes] = {}
        self.broken = broken

    def put(self, key: str, data: bytes) -> None:
        if self.broken:
            raise LakeError("no answer")
        self.objects[key] = data


def write(lake: Any, *, fail: bool = False) -> None:
    with docs_folder(lake, wanted=True) as folder:
        assert folder is not None
        (folder / "suites").mkdir()
        (folder / "index.html").write_text("index")
        (folder / "suites" / "weekly.html").write_text("weekly")
        if fail:
            raise ValueError("the run")


def test_docs_of_a_far_lake_are_put_there_also_when_the_run_failed() -> None:
    good, failed = FarLake(), FarLake()
    write(good)
    with pytest.raises(ValueError, match="the run"):
        write(failed, fail=True)
    assert good.objects == failed.objects == {"_docs/index.html": b"index", "_docs/suites/weekly.html": b"weekly"}


def test_docs_that_cannot_be_put_do_not_hide_why_a_run_failed() -> None:
    with pytest.raises(ValueError, match="the run"):
        write(FarLake(broken=True), fail=True)
    with pytest.raises(LakeError, match="no answer"):
        write(FarLake(broken=True))


def test_a_run_without_docs_has_no_folder() -> None:
    lake: Any = FarLake()
    with docs_folder(lake, wanted=False) as folder:
        assert folder is None
    assert lake.objects == {}
