"""What the local engine publishes of a whole sample: the same bytes however the work is cut, and no negative zero."""

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from qol.run.block_store import bucket_count
from qol_dev.sample import write_sample
from tests.builders import published_files
from tests.spark_lake import SAMPLE, run_sample

pytestmark = pytest.mark.acceptance


def test_two_processes_and_small_pieces_publish_the_same_bytes_as_one(sample_lake: Path, tmp_path: Path) -> None:
    write_sample(tmp_path / "lake", SAMPLE)
    manifest = run_sample(tmp_path / "lake", workers=2, range_bytes=60_000, buckets=5)
    assert manifest.engine == "local"
    everything = published_files(tmp_path / "lake")
    assert len(everything) > 30
    assert everything == published_files(sample_lake)


def test_no_published_number_is_a_negative_zero(sample_lake: Path) -> None:
    files = sorted((sample_lake / "processed").rglob("*.parquet"))
    assert len(files) > 20
    for path in files:
        rows = pl.DataFrame(pq.read_table(path, partitioning=None)).select(pl.selectors.float())
        assert not rows.select(pl.any_horizontal((pl.all() == 0) & (1 / pl.all() < 0)).any()).item()


@pytest.mark.parametrize(("mebibytes", "buckets"), [(0, 1), (335, 1), (337, 2), (559, 2), (561, 3)])
def test_there_are_as_many_buckets_as_times_224_mebibytes_rounded(mebibytes: int, buckets: int) -> None:
    assert bucket_count(mebibytes * 2**20) == buckets
