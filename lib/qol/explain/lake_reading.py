"""What commands read of a lake: one person's rows, rejects, keys of raw objects."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from qol.contracts.columns import table_columns
from qol.contracts.frames import no_rows
from qol.contracts.model import Contracts
from qol.explain.trace import Found, fields_behind, raw_names
from qol.ingest.listing import RAW
from qol.lake import Lake
from qol.tables.corruption import read_published
from qol.tables.layout import find_published, partition_key
from qol.tables.manifest import TableFile, read_manifests
from qol.tables.slices import user_slice
from qol.tables.weeks import iso_week
from qol.transform.deletions import deleting


def find_person(lake: Lake, contracts: Contracts, user_id: str, monday: date, now: datetime) -> Found:
    """One person's week: the weekly row as it is stored, daily rows and records with the contracts' columns."""
    day = monday.isoformat()
    daily = _person_rows(lake, contracts, "daily_metrics", day, user_id)
    return Found(
        user_id=user_id,
        monday=monday,
        now=now,
        weekly=_weekly_row(lake, monday, user_id),
        week_is_published=lake.stat(partition_key("weekly_metrics", day)) is not None,
        daily=daily,
        records={c.name: _person_rows(lake, contracts, f"records_{c.name}", day, user_id) for c in contracts.sources},
        other_weeks=() if daily.height else tuple(_weeks_of(lake, user_id)),
        before=_weekly_row(lake, monday - timedelta(days=7), user_id),
        deletions={name: _all_weeks(lake, contracts, f"records_{name}", user_id) for name in deleting(contracts)},
    )


def _weekly_row(lake: Lake, monday: date, user_id: str) -> dict[str, Any] | None:
    """A person's row of a week, with the columns its file has."""
    key = partition_key("weekly_metrics", monday.isoformat())
    if lake.stat(key) is None:
        return None
    rows = read_published(lake, key, filters=[("user_id", "=", user_id)]).to_pylist()
    return rows[0] if rows else None


def _all_weeks(lake: Lake, contracts: Contracts, table: str, user_id: str) -> pl.DataFrame:
    """A person's rows of every partition of a small table."""
    days = sorted(find_published(lake, [table]).dates(table))
    frames = [_person_rows(lake, contracts, table, day, user_id) for day in days]
    return pl.concat([no_rows(table_columns(contracts, table)), *frames])


def _person_rows(lake: Lake, contracts: Contracts, table: str, day: str, user_id: str) -> pl.DataFrame:
    return user_slice(lake, user_id).published(table, day, table_columns(contracts, table))


def _weeks_of(lake: Lake, user_id: str) -> Iterator[date]:
    """Weeks in which a person has daily rows."""
    for day in sorted(find_published(lake, ["daily_metrics"]).dates("daily_metrics")):
        key = partition_key("daily_metrics", day)
        if read_published(lake, key, columns=["user_id"], filters=[("user_id", "=", user_id)]).num_rows:
            yield date.fromisoformat(day)


def raw_keys(lake: Lake, hashes: Iterable[str]) -> dict[str, str]:
    """Keys of raw objects by their SHA-256: of those in the lake, else of those a manifest names."""
    missing, found = set(hashes), dict[str, str]()
    for key in _all_keys(lake):
        if not missing:
            break
        hashed = hashlib.sha256(key.encode()).hexdigest()
        if hashed in missing:
            found[hashed] = key
            missing.discard(hashed)
    return found


def _all_keys(lake: Lake) -> Iterator[str]:
    yield from (stored.key for stored in lake.walk(RAW))
    for manifest in read_manifests(lake):
        yield from (counted.key for counted in manifest.objects)


def read_rejects(lake: Lake, contracts: Contracts, days: Collection[str] | None = None) -> pl.DataFrame:
    """Rejects of arrival days, or of all, without their raw bytes, with `date` and `row` (their place in the file)."""
    columns = [column for column in table_columns(contracts, "rejects") if column.name != "raw"]
    empty = no_rows(columns)
    frames = [empty.with_columns(date=pl.lit(None, pl.String), row=pl.lit(None, pl.Int64))]
    for found in sorted(find_published(lake, ["rejects"]).dates("rejects")):
        if days is None or found in days:
            rows = pl.DataFrame(read_published(lake, partition_key("rejects", found), columns=empty.columns))
            frames.append(rows.with_columns(date=pl.lit(found), row=pl.int_range(pl.len())))
    return pl.concat(frames)


def newest_rejects(lake: Lake, contracts: Contracts, days: Collection[str], keys: set[str]) -> dict[str, str]:
    """The place of the newest reject of each reason among raw objects of arrival days."""
    rows = read_rejects(lake, contracts, days).filter(pl.col("raw_object").is_in(sorted(keys)))
    ordered = rows.sort("date", "raw_object", "line_number", nulls_last=True)
    places = ordered.select("reason", "raw_object", "line_number").iter_rows()
    return {reason: f"{key}:{line}" for reason, key, line in places}


def raw_of_rejects(lake: Lake, day: str) -> list[bytes]:
    """Raw bytes of an arrival day's rejects, in the order of their file."""
    raw: list[bytes] = read_published(lake, partition_key("rejects", day), columns=["raw"])["raw"].to_pylist()
    return raw


def example_of_issue(
    lake: Lake, contracts: Contracts, record: str, raw_name: str, files: list[TableFile]
) -> tuple[str, str, str] | None:
    """Person, week and metric of a kept record with that issue, in the newest of the weeks that have a weekly file."""
    contract = contracts.by_name.get(record)
    weekly = [name for group in contracts.groups for name in group.metrics]
    metrics = [
        name
        for name in (contract.gives if contract else ())
        if contract and name in weekly and any(raw_name in raw_names(f) for f in fields_behind(contract, (name,)))
    ]
    with_weekly = {file.date for file in files if file.name == "weekly_metrics"}
    days = sorted({f.date for f in files if f.name == f"records_{record}"} & with_weekly, reverse=True)
    keys = {day: partition_key(f"records_{record}", day) for day in days if metrics}
    for day, key in keys.items():
        if lake.stat(key) is None:  # of a dry run
            continue
        rows = pl.DataFrame(read_published(lake, key, columns=["user_id", "value_issues"])).drop_nulls()
        touched = rows.filter(
            pl.col("value_issues").list.eval(pl.element().str.starts_with(f"{raw_name}: ")).list.any()
        )
        if touched.height:
            return str(touched["user_id"][0]), iso_week(date.fromisoformat(day)), metrics[0]
    return None
