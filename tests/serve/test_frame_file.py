import errno
import tempfile
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from qol.serve import frame_file
from qol.serve.frame_file import FrameFile
from tests.serve.phones import Api

TYPES = pl.Schema({"user_id": pl.String, "steps": pl.Int64, "weight_kg": pl.Float64})
USERS = ["a", "b", "b", "b", "b", "d"]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FrameFile:
    """A copy in batches of two rows of a file without weights."""
    monkeypatch.setattr(frame_file, "BATCH_ROWS", 2)
    pl.DataFrame({"user_id": USERS, "steps": range(6), "floors": 1}).write_parquet(tmp_path / "part.parquet")
    return FrameFile(TYPES, pq.ParquetFile(tmp_path / "part.parquet"))


@pytest.mark.parametrize(
    ("user", "steps"), [("a", [0]), ("b", [1, 2, 3, 4]), ("d", [5]), ("", []), ("c", []), ("e", [])]
)
def test_a_user_has_all_their_rows_and_no_other(copy: FrameFile, user: str, steps: list[int]) -> None:
    found = copy.of_user(user, ["steps", "weight_kg"])
    assert found.to_dict(as_series=False) == {"steps": steps, "weight_kg": [None] * len(steps)}
    assert found.schema == {"steps": pl.Int64, "weight_kg": pl.Float64}


def test_without_a_place_for_copies_rows_are_read_from_the_lake(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> str:
        raise FileNotFoundError(errno.ENOENT, "no folder for temporary files")

    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    assert [row["steps_mean"] for row in api.summary("v-anna").json()["rows"]] == [1000.0]
