"""What every lake edge promises, on a folder and on a bucket."""

import io
import pickle
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qol.errors import LakeError, PublishConflictError
from qol.lake import Lake, StoredObject
from qol.lake import s3_file as blocks

KEY = "processed/weekly/date=2026-11-09/part-00000.parquet"


def stage(lake: Lake, key: str, data: bytes) -> str:
    """A staged object; its key."""
    with lake.create(f"_staging/{key}") as file:
        file.write(data)
    return f"_staging/{key}"


def etag_of(stored: StoredObject | None) -> str:
    assert stored is not None
    return stored.etag


def test_a_lake_lists_folders_and_hidden_objects_in_order(lake: Lake) -> None:
    for name in ("raw/b.jsonl", "raw/.a.jsonl", "raw/x/c.jsonl", "raw/y/z/d.jsonl"):
        lake.put(name, b"12345")
    listing = lake.children("raw/")
    assert [(o.key, o.bytes) for o in listing.objects] == [("raw/.a.jsonl", 5), ("raw/b.jsonl", 5)]
    assert listing.folders == ("x/", "y/")
    assert [(o.key, o.bytes) for o in lake.walk("raw/x/")] == [("raw/x/c.jsonl", 5)]
    assert [o.key for o in lake.walk("raw/")] == ["raw/.a.jsonl", "raw/b.jsonl", "raw/x/c.jsonl", "raw/y/z/d.jsonl"]
    assert lake.children("nothing/").objects == ()
    assert list(lake.walk("nothing/")) == []


def test_bytes_are_read_from_anywhere_and_fewer_only_at_the_end(lake: Lake) -> None:
    lake.put("raw/a.jsonl", b"0123456789")
    lake.put("raw/empty.jsonl", b"")
    assert lake.read("raw/a.jsonl") == b"0123456789"
    assert lake.read("raw/a.jsonl", 3, 4) == b"3456"
    assert lake.read("raw/a.jsonl", 8, 100) == b"89"
    assert lake.read("raw/a.jsonl", 10, 5) == b""
    assert lake.read("raw/a.jsonl", 2, 0) == b""
    assert lake.read("raw/a.jsonl", 7) == b"789"
    assert lake.read("raw/empty.jsonl") == b""
    assert lake.read("raw/empty.jsonl", 0, 8) == b""


def test_reading_what_is_gone_names_the_key(lake: Lake) -> None:
    with pytest.raises(LakeError, match="raw/x.jsonl: gone from the lake while it was needed"):
        lake.read("raw/x.jsonl")
    with pytest.raises(LakeError, match=r"a\.parquet: gone from the lake while it was needed"):
        lake.open_table("a.parquet")
    assert lake.stat("raw/x.jsonl") is None


def test_an_object_has_another_etag_after_other_bytes_were_written(lake: Lake) -> None:
    lake.put("_runs/a.json", b"1")
    first = lake.stat("_runs/a.json")
    lake.put("_runs/a.json", b"2")
    second = lake.stat("_runs/a.json")
    assert etag_of(first) != etag_of(second)
    assert [o.key for o in lake.walk("_runs/")] == ["_runs/a.json"]
    [listed] = lake.walk("_runs/")
    assert listed == second


def test_a_staged_object_is_published_over_the_one_that_was_seen(lake: Lake) -> None:
    with lake.lock("run"):
        first = lake.publish(stage(lake, "1", b"old"), KEY, None)
        assert (first.key, first.bytes, lake.read(KEY)) == (KEY, 3, b"old")
        second = lake.publish(stage(lake, "2", b"newer"), KEY, first.etag)
        assert lake.read(KEY) == b"newer"
    assert second == lake.stat(KEY)


@pytest.mark.parametrize("seen", [None, "another"], ids=["nothing was there", "another version was there"])
def test_an_object_that_someone_else_wrote_meanwhile_is_left_alone(lake: Lake, seen: str | None) -> None:
    lake.put(KEY, b"theirs")
    with lake.lock("run"), pytest.raises(PublishConflictError, match="changed since this run started; run again"):
        lake.publish(stage(lake, "1", b"ours"), KEY, seen)
    assert lake.read(KEY) == b"theirs"


def test_an_object_that_is_gone_meanwhile_is_not_made_again(lake: Lake) -> None:
    with lake.lock("run"), pytest.raises(PublishConflictError):
        lake.publish(stage(lake, "1", b"ours"), KEY, "seen-before")
    assert lake.stat(KEY) is None


def test_nothing_is_there_when_writing_ended_with_an_error(lake: Lake) -> None:
    def write_half() -> None:
        with lake.create("_staging/a.arrow") as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert [stored.bytes for stored in lake.walk("_staging/") if stored.key.endswith("a.arrow")] in ([], [4])


def test_a_sweep_removes_all_below_a_prefix_and_says_how_many(lake: Lake) -> None:
    for number in range(5):
        stage(lake, f"run/{number % 2}/{number}", b"x")
    lake.put("raw/a.jsonl", b"1")
    assert lake.sweep("_staging/") == 5
    assert lake.sweep("_staging/") == 0
    assert [o.key for o in lake.walk("")] == ["raw/a.jsonl"]


def test_a_deleted_object_is_gone_and_deleting_nothing_is_fine(lake: Lake) -> None:
    lake.put("raw/a.jsonl", b"1")
    lake.delete("raw/a.jsonl")
    lake.delete("raw/a.jsonl")
    assert lake.stat("raw/a.jsonl") is None


def test_a_lake_travels_to_other_processes_with_all_it_needs(lake: Lake) -> None:
    lake.put("raw/a.jsonl", b"1")
    with lake.lock("run"):
        copy = pickle.loads(pickle.dumps(lake))
    assert (copy.uri, copy.read("raw/a.jsonl")) == (lake.uri, b"1")
    assert copy.location("raw/a.jsonl") == lake.location("raw/a.jsonl")


@pytest.mark.parametrize("rows", [0, 10, 60_000])
def test_a_parquet_file_is_read_by_row_group_and_column(lake: Lake, rows: int, monkeypatch: Any) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 4_096)
    monkeypatch.setattr("qol.lake.s3_objects.TAIL_BYTES", 700)
    table = pa.table({"user_id": [f"u{n:06d}" for n in range(rows)], "steps": list(range(rows))})
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=20_000, compression="none")
    lake.put(KEY, sink.getvalue())
    file = pq.ParquetFile(lake.open_table(KEY))
    assert file.metadata.num_rows == rows
    assert file.read() == table
    if rows > 20_000:
        assert file.read_row_group(1, columns=["steps"])["steps"].to_pylist()[:2] == [20_000, 20_001]


def test_what_is_no_parquet_file_says_so_when_it_is_read(lake: Lake) -> None:
    lake.put(KEY, b"")
    with pytest.raises(pa.ArrowInvalid):
        pq.read_schema(lake.open_table(KEY))


def test_a_new_object_is_written_once_from_bytes_or_a_file_and_the_first_stays(lake: Lake) -> None:
    assert lake.put_if_absent("raw/a.jsonl", b"first")
    assert not lake.put_if_absent("raw/a.jsonl", b"second")
    assert lake.put_if_absent("raw/b.jsonl", io.BytesIO(b"from a file"))
    assert [lake.read(key) for key in ("raw/a.jsonl", "raw/b.jsonl")] == [b"first", b"from a file"]
    assert [stored.key for stored in lake.walk("raw/")] == ["raw/a.jsonl", "raw/b.jsonl"]
