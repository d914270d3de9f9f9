"""Record tables and weekly_metrics against the four weeks before: users, rows per user, null rates of every field."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from qol.contracts.model import Contracts
from qol.contracts.quality import Compared, Severity
from qol.contracts.source import SourceContract
from qol.quality.comparison import (
    DAMAGED_WEEK,
    MIN_ROWS,
    MIN_USERS,
    NO_EARLIER_WEEK,
    TOO_FEW_ROWS,
    TOO_FEW_USERS,
    WEEKLY,
    Comparison,
    Finding,
    comparison,
    describe_columns,
    severity_of,
    week_label,
)
from qol.quality.partition_checks import counted_columns
from qol.quality.renamed_fields import UnknownFields, likely_new_name
from qol.tables.footers import Footer, Footers, WeekFiles
from qol.tables.layout import Candidate
from qol.tables.weeks import is_closed

#: Fields of one table and week that are named before the rest is only counted.
MAX_NAMED_FIELDS = 8
#: Fewer expected values than this may be missing by chance.
MIN_EXPECTED_VALUES = 10


@dataclass(frozen=True)
class _Week:
    """One file with the weeks it is compared with; users and rows of the weeks before are sums."""

    footer: Footer
    users: int
    before: tuple[Footer, ...]
    users_before: int

    @property
    def rows_before(self) -> int:
        return sum(footer.rows for footer in self.before)

    def known(self, column: str) -> int:
        return self.footer.values.get(column, 0)

    def share_before(self, column: str) -> float:
        return sum(footer.values.get(column, 0) for footer in self.before) / self.rows_before

    def weeks_before(self, several: str = "the {} weeks before") -> str:
        return "the week before" if len(self.before) == 1 else several.format(len(self.before))


def compare_weeks(
    contracts: Contracts,
    footers: Footers,
    weeks: WeekFiles,
    candidates: Sequence[Candidate],
    unknown: UnknownFields,
    now: datetime,
) -> list[Comparison]:
    """Candidates of record tables and weekly_metrics against the four weeks before; `unknown`: the run's unknown fields.

    Users and rows are compared for closed weeks only, null rates for the running one too, where critical is a warning.
    """
    compared = [c for c in candidates if c.table == WEEKLY or c.table.startswith("records_")]
    files = {(c.table, c.date): [c.staged, *weeks.before(c.table, c.date)] for c in compared}
    footers.read_user_counts(key for keys in files.values() for key in keys)
    by_table = {f"records_{contract.name}": contract for contract in contracts.sources}
    return [
        found
        for (table, day), keys in files.items()
        for found in _FileComparison(contracts, by_table.get(table), table, day, unknown, now).compare(
            _read_week(footers, keys)
        )
    ]


def _read_week(footers: Footers, keys: Sequence[str]) -> _Week | str:
    footer = footers.get(keys[0])
    before = {key: found for key in keys[1:] if (found := footers.get(key)) is not None}
    if footer is None:
        return DAMAGED_WEEK
    if not any(found.rows for found in before.values()):
        return NO_EARLIER_WEEK
    return _Week(footer, footers.user_count(keys[0]), tuple(before.values()), sum(map(footers.user_count, before)))


@dataclass(frozen=True)
class _FileComparison:
    """How one file is compared: by its table's contract, or as weekly_metrics (no contract)."""

    contracts: Contracts
    contract: SourceContract | None
    table: str
    day: str
    unknown: UnknownFields
    now: datetime

    def compare(self, week: _Week | str) -> Iterator[Comparison]:
        closed = is_closed(date.fromisoformat(self.day), self.now)
        checks: list[tuple[str, Callable[[_Week], Finding], bool]] = [
            ("people", self._compare_users, closed),
            ("rows_per_person", self._compare_rows, closed and self.table != WEEKLY),
            ("fields", self._compare_fields, True),
        ]
        for compared, compare, applies in checks:
            if applies:
                finding = week if isinstance(week, str) else compare(week)
                yield comparison(compared, self.table, self.day, finding)

    def _compare_users(self, week: _Week) -> Finding:
        mean = week.users_before / len(week.before)
        if mean < MIN_USERS:
            return TOO_FEW_USERS
        if week.users >= mean * (1 - self.contracts.quality.people.lost_share):
            return {}
        weeks = week.weeks_before("a mean week of the {} before")
        lost = f"{round(mean) - week.users} of {mean:.0f} users have no {week_label(self.table, self.day)}"
        return {self._severity("people"): f"{lost} ({mean:.0f} users in {weeks}, now {week.users})"}

    def _compare_rows(self, week: _Week) -> Finding:
        if min(week.users, week.users_before) < MIN_USERS:
            return TOO_FEW_USERS
        now, before = week.footer.rows / week.users, week.rows_before / week.users_before
        times = self.contracts.quality.rows_per_person.times
        if before / times < now < before * times:
            return {}
        counts = f"{week.footer.rows} rows of {week.users} users"
        message = f"{now:.1f} rows per user ({counts}), {before:.1f} in {week.weeks_before()}"
        return {self._severity("rows_per_person"): message}

    def _compare_fields(self, week: _Week) -> Finding:
        if week.users < MIN_USERS:
            return TOO_FEW_USERS
        if min(week.footer.rows, week.rows_before) < MIN_ROWS:
            return TOO_FEW_ROWS
        lost: dict[Severity, list[tuple[str, str]]] = {}
        for name, severity in self._columns().items():
            if self._is_lost(week, name):
                now, before = 1 - week.known(name) / week.footer.rows, 1 - week.share_before(name)
                message = f"null in {now:.0%} of {week.footer.rows} rows, {before:.0%} in {week.weeks_before()}"
                lost.setdefault(severity, []).append((self._label(week, name), message))
        return {severity: describe_columns(columns, MAX_NAMED_FIELDS) for severity, columns in lost.items()}

    def _is_lost(self, week: _Week, name: str) -> bool:
        limits = self.contracts.quality.fields
        share = week.share_before(name)
        expected = share * week.footer.rows
        if share < limits.known_share or expected < MIN_EXPECTED_VALUES:
            return False
        return week.known(name) <= expected * (1 - limits.lost_share)

    def _columns(self) -> dict[str, Severity]:
        """Columns whose null rates are compared, with their severity; a running week refuses no closed one."""
        default = self._severity("fields")
        if self.contract is None:
            groups = {group.name for group in self.contracts.groups if group.every_week}
            derived = [column.name for column in self.contracts.derived if column.group in groups]
            return dict.fromkeys([*(column for _, column in counted_columns(self.contracts)), *derived], default)
        severities = {f.name: self.contract.quality.fields.get(f.name, default) for f in self.contract.fields}
        closed = is_closed(date.fromisoformat(self.day), self.now)
        return severities if closed else {n: "warning" if s == "critical" else s for n, s in severities.items()}

    def _label(self, week: _Week, name: str) -> str:
        """The field, with the name under which its values probably come now."""
        if self.contract is None:
            return name
        lost = round(week.share_before(name) * week.footer.rows) - week.known(name)
        found = likely_new_name(self.contract.by_name[name], lost, self.unknown.get(self.contract.name, {}))
        return f"{name} (perhaps now {found}, which no contract names)" if found else name

    def _severity(self, compared: Compared) -> Severity:
        return severity_of(self.contracts, self.contract, compared)
