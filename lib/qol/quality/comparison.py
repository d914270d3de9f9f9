"""What a check finds in one table and week: numbers and names of columns, never a value of a row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from qol.contracts.model import Contracts
from qol.contracts.quality import Compared, RecordQuality, Severity
from qol.contracts.source import SourceContract
from qol.tables.weeks import iso_week

WEEKLY = "weekly_metrics"
#: With fewer users or rows than this, a difference may be chance.
MIN_USERS = 20
MIN_ROWS = 20
#: What is wrong, by severity; or the reason why a file could not be compared.
Finding = dict[Severity, str] | str
TOO_FEW_USERS = f"fewer than {MIN_USERS} users"
TOO_FEW_ROWS = f"fewer than {MIN_ROWS} rows"
NEW_WEEK = "not published before"
NO_EARLIER_WEEK = "no earlier week to compare with"
OTHER_COLUMNS = "published with other columns"
DAMAGED_WEEK = "the published file is damaged"


@dataclass(frozen=True)
class Comparison:
    """One table and week against what is expected of it: what is wrong, by severity, or why it was not checked."""

    compared: str
    table: str
    date: str
    found: dict[Severity, str] = field(default_factory=dict)
    not_checked: str = ""

    @property
    def place(self) -> str:
        """`records_garmin_dailies 2026-W46`."""
        return f"{self.table} {iso_week(date.fromisoformat(self.date))}"

    @property
    def label(self) -> str:
        """`Garmin dailies in 2026-W46`, for sentences."""
        return week_label(self.table, self.date)


def table_label(table: str) -> str:
    """`Garmin dailies` for records_garmin_dailies; other tables by their name."""
    name = table.removeprefix("records_")
    return table if name == table else name.replace("_", " ").capitalize()


def week_label(table: str, date_text: str) -> str:
    """`Garmin dailies in 2026-W46`."""
    return f"{table_label(table)} in {iso_week(date.fromisoformat(date_text))}"


def comparison(compared: str, table: str, date: str, finding: Finding) -> Comparison:
    """A comparison with what was found, or with the reason why it was not checked."""
    if isinstance(finding, str):
        return Comparison(compared, table, date, not_checked=finding)
    return Comparison(compared, table, date, finding)


def severity_of(contracts: Contracts, contract: SourceContract | None, compared: Compared) -> Severity:
    """The severity of a difference in a record table, or in weekly_metrics (no contract)."""
    own = contract.quality if contract else RecordQuality()
    return own.severity.get(compared) or contracts.quality.severity[compared]


def describe_columns(columns: Sequence[tuple[str, str]], limit: int | None = None) -> str:
    """Columns with their texts, those with the same text together; after `limit` columns the rest is counted."""
    by_text: dict[str, list[str]] = {}
    for name, text in columns[:limit]:
        by_text.setdefault(text, []).append(name)
    more = len(columns) - sum(map(len, by_text.values()))
    listed = "; ".join(f"{', '.join(names)} {text}" for text, names in by_text.items())
    return listed + (f"; and {more} more fields" if more else "")
