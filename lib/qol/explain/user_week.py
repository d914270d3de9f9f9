"""Reads what a trace needs of a lake: a user's rows of a week."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from qol.contracts.columns import table_columns
from qol.contracts.frames import no_rows
from qol.contracts.model import Contracts
from qol.contracts.source import SourceContract
from qol.explain.trace_model import UserWeek, fields_behind, helper_issues, raw_names
from qol.lake import Lake
from qol.tables.corruption import read_published, reading
from qol.tables.layout import find_published, partition_key
from qol.tables.manifest import TableFile
from qol.tables.slices import user_slice
from qol.tables.weeks import WEEK, iso_week
from qol.transform.borders import can_cross, is_near
from qol.transform.deletions import deleting


def read_user_week(lake: Lake, contracts: Contracts, user_id: str, monday: date, now: datetime) -> UserWeek:
    """One user's week: the weekly row as it is stored, daily rows and records with the contracts' columns."""
    day = monday.isoformat()
    daily = _user_rows(lake, contracts, "daily_metrics", day, user_id)
    return UserWeek(
        user_id=user_id,
        monday=monday,
        now=now,
        weekly=_weekly_row(lake, monday, user_id),
        week_is_published=lake.stat(partition_key("weekly_metrics", day)) is not None,
        daily=daily,
        records={c.name: _user_rows(lake, contracts, f"records_{c.name}", day, user_id) for c in contracts.sources},
        beside={c.name: _beside(lake, contracts, c, monday, user_id) for c in contracts.sources if can_cross(c)},
        other_weeks=() if daily.height else tuple(_weeks_with_days(lake, user_id)),
        before=_weekly_row(lake, monday - timedelta(days=7), user_id),
        deletions={name: _all_weeks(lake, contracts, f"records_{name}", user_id) for name in deleting(contracts)},
    )


def _beside(lake: Lake, contracts: Contracts, contract: SourceContract, monday: date, user_id: str) -> pl.DataFrame:
    table = f"records_{contract.name}"
    weeks = [(monday + step).isoformat() for step in (-WEEK, WEEK)]
    return pl.concat([_user_rows(lake, contracts, table, day, user_id) for day in weeks]).filter(is_near(monday))


def _weekly_row(lake: Lake, monday: date, user_id: str) -> dict[str, Any] | None:
    key = partition_key("weekly_metrics", monday.isoformat())
    if lake.stat(key) is None:
        return None
    with reading(key):
        rows = pq.read_table(lake.open_table(key), filters=[("user_id", "=", user_id)]).to_pylist()
    return rows[0] if rows else None


def _all_weeks(lake: Lake, contracts: Contracts, table: str, user_id: str) -> pl.DataFrame:
    days = sorted(find_published(lake, [table]).dates(table))
    frames = [_user_rows(lake, contracts, table, day, user_id) for day in days]
    return pl.concat([no_rows(table_columns(contracts, table)), *frames])


def _user_rows(lake: Lake, contracts: Contracts, table: str, day: str, user_id: str) -> pl.DataFrame:
    return user_slice(lake, user_id).published(table, day, table_columns(contracts, table))


def _weeks_with_days(lake: Lake, user_id: str) -> Iterator[date]:
    for day in sorted(find_published(lake, ["daily_metrics"]).dates("daily_metrics")):
        user_ids = pl.Series(read_published(lake, partition_key("daily_metrics", day), ["user_id"])["user_id"])
        if user_id in user_ids.cast(pl.String):
            yield date.fromisoformat(day)


def example_of_issue(
    lake: Lake, contracts: Contracts, record: str, raw_name: str, files: list[TableFile]
) -> tuple[str, str, str] | None:
    """User, week and metric of a kept record with an issue of a raw field, in the newest of `files` with a weekly file.

    None when no stored record has the issue, or the field gives no weekly metric.
    """
    metric = _weekly_metric_of(contracts, record, raw_name)
    with_weekly = {file.date for file in files if file.name == "weekly_metrics"}
    days = sorted({f.date for f in files if f.name == f"records_{record}"} & with_weekly, reverse=True)
    for day in days if metric else ():
        key = partition_key(f"records_{record}", day)
        if lake.stat(key) is None:  # the files of a dry run are not published
            continue
        rows = pl.DataFrame(read_published(lake, key, columns=["user_id", "value_issues"])).drop_nulls()
        has_issue = pl.col("value_issues").list.eval(pl.element().str.starts_with(f"{raw_name}: ")).list.any()
        with_issue = rows.filter(has_issue)
        if metric and with_issue.height:
            return str(with_issue["user_id"][0]), iso_week(date.fromisoformat(day)), metric
    return None


def _weekly_metric_of(contracts: Contracts, record: str, raw_name: str) -> str | None:
    contract = contracts.by_name.get(record)
    weekly = {name for group in contracts.groups for name in group.metrics}
    for name in contract.gives if contract else ():
        names = [raw_names(field) for field in fields_behind(contract, (name,))] if contract else []
        if contract and name in weekly and raw_name in helper_issues(contract, (name,)).union(*names):
            return name
    return None
