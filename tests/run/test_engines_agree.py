"""The same deliveries in other objects, orders, runs and engines give the same daily and weekly files, byte for byte."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
import pyarrow.parquet as pq
import pytest

from qol_dev.sample import CORE, SampleOptions, write_sample
from tests.spark_lake import NOW, SPARK_TESTS, run_sample

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [*SPARK_TESTS, pytest.mark.acceptance]


def published(lake: Path, *folders: str) -> dict[str, bytes]:
    """Bytes of every file below the folders, by key."""
    files = [path for folder in folders for path in sorted((lake / folder).rglob("*")) if path.is_file()]
    return {str(path.relative_to(lake)): path.read_bytes() for path in files}


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """Keys under which two lakes hold something else."""
    return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


TINY = SampleOptions(users=3, weeks=2, end="2026-W46", seed=21, sources=CORE)
#: When runs are made before the last one; what lands under a day after a run of that day is in the next.
EARLIER = [datetime(2026, 11, day, 3, 0, tzinfo=UTC) for day in (8, 11, 16)]


class Delivery(NamedTuple):
    """A line and where it arrived."""

    folder: str
    date: str
    line: bytes


def deliveries(lake: Path) -> Iterator[Delivery]:
    """Every whole line of a lake's raw objects."""
    for path in sorted((lake / "raw").rglob("*.jsonl*")):
        data = path.read_bytes()
        if path.suffix == ".gz":
            try:
                data = gzip.decompress(data)
            except EOFError:
                continue
        folder = str(path.parents[1].relative_to(lake))
        yield from (Delivery(folder, path.parent.name, line) for line in data.splitlines())


def lose_stamp(delivery: Delivery, rng: random.Random) -> Delivery:
    """Some lines as a receiver that does not stamp would have left them: the day of arrival is all they say."""
    try:
        record = json.loads(delivery.line)
    except ValueError:
        return delivery
    if not isinstance(record, dict) or rng.random() < 0.7:
        return delivery
    record.pop("_received_at", None)
    return delivery._replace(line=json.dumps(record).encode())


def write(lake: Path, given: Sequence[Delivery], name: str, rng: random.Random) -> None:
    """Deliveries as objects of random size, in random order, some gzipped."""
    places: dict[tuple[str, str], list[bytes]] = {}
    for delivery in rng.sample(given, len(given)):
        places.setdefault((delivery.folder, delivery.date), []).append(delivery.line)
    for (folder, day), lines in places.items():
        edges = [0, *sorted(rng.sample(range(1, len(lines)), min(1, len(lines) - 1))), len(lines)]
        for number, (start, stop) in enumerate(pairwise(edges)):
            data = b"\n".join(lines[start:stop])
            zipped = rng.random() < 0.5
            path = lake / folder / day / f"{name}-{rng.randrange(10**6):06}-{number}.jsonl{'.gz' if zipped else ''}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(data, mtime=0) if zipped else data)


def night(start: int, day: str, minutes: int, validation: str, received: str) -> Delivery:
    record = {"userId": "border", "calendarDate": day, "startTimeInSeconds": start, "startTimeOffsetInSeconds": 32_400}
    record |= {"durationInSeconds": 60 * minutes, "validation": validation, "_received_at": received}
    return Delivery("raw/garmin/sleeps", f"date={received[:10]}", json.dumps(record).encode())


#: Two versions of one night under the days of two weeks; the second comes with a later run.
BORDER = [
    night(1_793_536_200, "2026-11-01", 100, "AUTO_TENTATIVE", "2026-11-02T00:00:00Z"),
    night(1_793_536_200, "2026-11-02", 400, "AUTO_FINAL", "2026-11-10T00:00:00Z"),
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[Delivery]:
    """What three people deliver in two weeks."""
    root = tmp_path_factory.mktemp("told")
    write_sample(root, TINY)
    rng = random.Random(1)
    return [lose_stamp(delivery, rng) for delivery in deliveries(root)] + BORDER


def copy_secrets(lake: Path) -> Path:
    write_sample(lake, TINY)
    for path in sorted((lake / "raw").rglob("*.jsonl*")):
        path.unlink()
    return lake


def without_provenance(lake: Path) -> dict[str, pl.DataFrame]:
    """Record tables without where each row came from."""
    files = sorted((lake / "processed" / "records").rglob("*.parquet"))
    rows = {path: pl.DataFrame(pq.read_table(path, partitioning=None)) for path in files}
    return {str(path.relative_to(lake)): of.drop("raw_object", "line_number") for path, of in rows.items()}


@pytest.fixture(scope="module")
def at_once(told: list[Delivery], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of it in one run of one process."""
    lake = copy_secrets(tmp_path_factory.mktemp("at_once"))
    write(lake, told, "all", random.Random(0))
    run_sample(lake)
    return lake


@pytest.mark.parametrize("seed", [1, 2])
def test_however_the_same_deliveries_arrive_the_same_tables_are_published(
    spark: SparkSession, told: list[Delivery], at_once: Path, tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    lake = copy_secrets(tmp_path)
    moments = sorted(rng.sample(EARLIER, seed))
    landing = f"date={moments[0]:%Y-%m-%d}"
    late = {number for number, d in enumerate(told) if d.date >= landing and rng.random() < 0.3}
    write(lake, [d for number, d in enumerate(told) if number not in late], "first", rng)
    changes: dict[str, Any] = {"range_bytes": rng.choice([100_000, 250_000]), "buckets": rng.choice([2, 4])}
    for number, moment in enumerate(moments):
        run_sample(lake, spark if number % 2 else None, now=moment, **changes)
        write(lake, rng.sample(told, 40), f"again-{moment:%d}", rng)
    write(lake, [told[number] for number in late], "late", rng)
    run_sample(lake, spark, now=NOW, **changes)
    assert differing(published(lake, *WEEKS), published(at_once, *WEEKS)) == []
    ours, theirs = without_provenance(lake), without_provenance(at_once)
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not ours[name].equals(theirs[name])] == []


WEEKS = ("processed/daily", "processed/weekly")
