"""A partition's file: the same bytes however it was put together, verified, and put over its name by one act."""

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from qol.contracts.columns import table_schemas
from qol.errors import LakeError, PublishConflictError
from qol.lake import LocalLake
from qol.publish import assemble as assembling
from qol.publish.assemble import assemble, stage_part
from qol.publish.protocol import changed, publish
from qol.tables.layout import Candidate, Part, Published, find_published, partition_key
from tests.builders import CONTRACTS

COLUMNS = table_schemas(CONTRACTS)["daily_metrics"]


def _rows(first: int, count: int) -> pl.DataFrame:
    return pl.DataFrame({"user_id": [f"u{i:05d}" for i in range(first, first + count)], "steps": range(count)})


def _candidate(lake: LocalLake, *sizes: int) -> Candidate:
    firsts = [sum(sizes[:i]) for i in range(len(sizes))]
    parts = [
        stage_part(lake, "_staging/r/", "daily_metrics", "2026-11-09", _rows(first, size).with_columns(steps=pl.lit(7)))
        for first, size in zip(firsts, sizes, strict=True)
    ]
    return assemble(lake, "_staging/r/", COLUMNS, parts)


def test_the_bytes_do_not_depend_on_how_rows_were_split_into_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembling, "ROW_GROUP_ROWS", 10)
    lake = LocalLake(tmp_path)
    assert (
        len({_candidate(lake, *sizes).sha256 for sizes in ((25,), (1, 24), (10, 15), (9, 2, 14), (5, 5, 5, 5, 5))}) == 1
    )


def test_row_groups_have_a_fixed_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembling, "ROW_GROUP_ROWS", 10)
    metadata = pq.read_metadata(tmp_path / _candidate(LocalLake(tmp_path), 12, 13).staged)
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [10, 10, 5]


def test_a_file_has_every_column_of_the_contract_and_no_trace_of_arrow_types(tmp_path: Path) -> None:
    schema = pq.read_schema(tmp_path / _candidate(LocalLake(tmp_path), 1).staged)
    assert schema.names == [column.name for column in COLUMNS]
    assert schema.metadata is None


def test_a_part_without_a_file_gives_an_empty_table(tmp_path: Path) -> None:
    lake = LocalLake(tmp_path)
    candidate = assemble(lake, "_staging/r/", COLUMNS, [Part("daily_metrics", "2026-11-09", "", 0)])
    assert (candidate.rows, pq.read_metadata(tmp_path / candidate.staged).num_rows) == (0, 0)


def test_a_file_over_the_limit_fails_clearly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembling, "MAX_FILE_BYTES", 100)
    with pytest.raises(
        LakeError, match=r"processed/daily/date=2026-11-09/part-00000.parquet: would have \d+ bytes; allowed: 100"
    ):
        _candidate(LocalLake(tmp_path), 3)


class _BitRot(LocalLake):
    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        data = super().read(key, start, length)
        return data[:4] + b"?" + data[5:] if key.endswith(".parquet") else data


def test_a_file_that_reads_back_differently_is_never_a_candidate(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="read back"):
        _candidate(_BitRot(tmp_path), 3)


def test_rows_that_were_announced_but_not_written_are_noticed(tmp_path: Path) -> None:
    lake = LocalLake(tmp_path)
    part = stage_part(lake, "_staging/r/", "daily_metrics", "2026-11-09", _rows(0, 3))
    announced = Part(part.table, part.date, part.key, 4)
    with pytest.raises(LakeError, match="read back 3 rows.*written 4 rows"):
        assemble(lake, "_staging/r/", COLUMNS, [announced])


def test_a_file_that_someone_else_replaced_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    lake = LocalLake(tmp_path)
    publish(lake, [_candidate(lake, 2)], Published({}))
    seen = find_published(lake, ["daily_metrics"])
    publish(lake, [_candidate(lake, 3)], seen)
    with pytest.raises(PublishConflictError, match="changed since this run started"):
        publish(lake, [_candidate(lake, 4)], seen)
    assert pq.read_metadata(tmp_path / partition_key("daily_metrics", "2026-11-09")).num_rows == 3


def test_a_file_that_appeared_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    lake = LocalLake(tmp_path)
    publish(lake, [_candidate(lake, 2)], Published({}))
    with pytest.raises(PublishConflictError):
        publish(lake, [_candidate(lake, 3)], Published({}))


def test_only_other_bytes_count_as_a_change(tmp_path: Path) -> None:
    lake = LocalLake(tmp_path)
    publish(lake, [_candidate(lake, 2)], Published({}))
    seen = find_published(lake, ["daily_metrics"])
    assert not changed(lake, _candidate(lake, 1, 1), seen)
    assert changed(lake, _candidate(lake, 3), seen)


def test_records_become_visible_before_daily_and_daily_before_weekly(tmp_path: Path) -> None:
    order: list[str] = []

    class Watched(LocalLake):
        def register(self, table: str, date: str, key: str) -> None:
            order.append(table)

    lake = Watched(tmp_path)
    tables = ["weekly_metrics", "records_garmin_sleeps", "daily_metrics", "records_garmin_dailies"]
    for table in tables:
        (tmp_path / "_staging").mkdir(exist_ok=True)
        (tmp_path / f"_staging/{table}").write_bytes(b"x")
    candidates = [Candidate(t, "2026-11-09", partition_key(t, "2026-11-09"), f"_staging/{t}", 1, 1, "") for t in tables]
    publish(lake, candidates, Published({}))
    assert order == ["records_garmin_dailies", "records_garmin_sleeps", "daily_metrics", "weekly_metrics"]


def test_tables_are_found_beside_folders_that_belong_to_none(tmp_path: Path) -> None:
    lake = LocalLake(tmp_path)
    tables = ["records_garmin_dailies", "daily_metrics", "rejects"]
    for table in (*tables, "records_of_a_contract_that_is_gone"):
        lake.put(partition_key(table, "2026-11-09"), b"x")
    lake.put("processed/notes.txt", b"x")
    assert set(find_published(lake, tables).files) == {(table, "2026-11-09") for table in tables}


@pytest.mark.parametrize(("packs", "is_small"), [(True, True), (False, False)])
def test_staged_rows_are_packed_where_a_network_moves_them(tmp_path: Path, packs: bool, is_small: bool) -> None:
    lake = LocalLake(tmp_path)
    lake.packs_parts = packs
    part = stage_part(lake, "_staging/r/", "daily_metrics", "2026-11-09", _rows(0, 4000).with_columns(steps=pl.lit(7)))
    assert (lake.path(part.key).stat().st_size < 40_000) is is_small
    assert LocalLake.packs_parts is False
