"""Why a weekly value is what it is or is missing: the trace, the reasons, and the places of raw lines."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from qol.contracts.model import Contracts
from qol.errors import UsageError
from qol.explain.metric_target import find_target
from qol.explain.null_reasons import reasons
from qol.explain.rejected_rows import read_rejects
from qol.explain.trace import Tracer
from qol.explain.trace_model import RecordTrace, Trace, UserWeek, contributing_contracts
from qol.explain.user_week import read_user_week
from qol.lake import Lake
from qol.tables.raw_keys import find_raw_keys

#: Late items of a week arrive up to this many days after it.
LATE_DAYS = 7


@dataclass(frozen=True)
class Explanation:
    """A traced weekly value with the sentences why it is null, and where its records and near rejects are."""

    week: UserWeek
    trace: Trace
    #: Why columns of the target have no value, one sentence per reason.
    reasons: tuple[str, ...]
    #: Record types that give the target.
    record_types: tuple[str, ...]
    #: Keys of raw objects by the hashes that records have.
    raw_keys: Mapping[str, str]
    #: Where a day does not count: rejects of the record types that arrived in or soon after the week.
    rejects: pl.DataFrame

    def raw_key(self, record: RecordTrace) -> str | None:
        """The key of the raw object a record is from; None when it left the lake."""
        return self.raw_keys.get(str(record.row["raw_object"]))

    def place(self, record: RecordTrace) -> str:
        """`key:line` of the raw line a record is from."""
        unknown = f"unknown object {record.row['raw_object']}"
        return f"{self.raw_key(record) or unknown}:{record.row['line_number']}"


def explain_value(
    lake: Lake, contracts: Contracts, metric: str, user_id: str, monday: date, now: datetime
) -> Explanation:
    """Explain a user's weekly column or daily metric in the week of a Monday.

    UsageError when no metric has this name, or when the lake has no row of the user.
    """
    target = find_target(contracts, metric)
    week = read_user_week(lake, contracts, user_id, monday, now)
    if not week.is_known:
        # The user may have typed a vendor's own id, so the message does not repeat it.
        query = shlex.join(["qol", "query", "--lake", lake.uri, "SELECT DISTINCT user_id FROM daily_metrics"])
        raise UsageError(f"--user: the lake has no user with this user_id; allowed: a user_id that `{query}` lists")
    traced = Tracer(contracts, target, week).trace()
    record_types = tuple(contract.name for contract in contributing_contracts(contracts, target))
    keys = find_raw_keys(lake, {str(record.row["raw_object"]) for record in traced.records})
    rejects = _near_rejects(lake, contracts, week, traced, record_types)
    return Explanation(week, traced, tuple(reasons(contracts, week, traced)), record_types, keys, rejects)


def _near_rejects(
    lake: Lake, contracts: Contracts, week: UserWeek, traced: Trace, record_types: tuple[str, ...]
) -> pl.DataFrame:
    """Rejects that may be the missing days: rejected items have no user, but an arrival day and a record type."""
    days = [week.monday + timedelta(days=number) for number in range(7 + LATE_DAYS)]
    is_complete = bool(traced.days) and not any(day.why_not for day in traced.days)
    rejects = read_rejects(lake, contracts, [] if is_complete else [day.isoformat() for day in days])
    record_type = pl.concat_str("source", "record", separator="_")
    return rejects.with_columns(record_type=record_type).filter(pl.col("record_type").is_in(record_types))
