"""Record tables and weekly_metrics against the four weeks before: people, rows per person, null rates of every field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from qol.contracts.model import Contracts
from qol.contracts.quality import Compared, RecordQuality, Severity
from qol.contracts.source_model import SourceContract
from qol.quality.comparison import DAMAGED_WEEK, FEW, FEW_PEOPLE, FEW_ROWS, NO_WEEK, SHORT, Comparison, NotChecked
from qol.quality.new_names import UnknownFields, new_name
from qol.tables.footers import Footer, Footers, WeekFiles
from qol.tables.layout import Candidate
from qol.tables.weeks import is_closed

WEEKLY = "weekly_metrics"
#: Fields of one table and week that are named before the rest is only counted.
NAMED_FIELDS = 8
#: Fewer values to be expected than this may be missing by chance.
FEW_VALUES = 10


@dataclass(frozen=True)
class _Week:
    """One file with what it is compared with; people and rows of the weeks before are sums."""

    footer: Footer
    people: int
    before: tuple[Footer, ...]
    people_before: int

    @property
    def rows_before(self) -> int:
        return sum(footer.rows for footer in self.before)

    def known_before(self, column: str) -> int:
        return sum(footer.values.get(column, 0) for footer in self.before)


def compare_weeks(
    contracts: Contracts,
    footers: Footers,
    weeks: WeekFiles,
    candidates: Sequence[Candidate],
    unknown: UnknownFields,
    now: datetime,
) -> list[Comparison]:
    """Candidates of record tables and weekly_metrics against the four weeks before; `unknown`: the run's unknown fields.

    People and rows are asked of closed weeks alone, null rates of the running one too, where critical is a warning.
    """
    compared = [c for c in candidates if c.table == WEEKLY or c.table.startswith("records_")]
    files = {(c.table, c.date): [c.staged, *weeks.before(c.table, c.date)] for c in compared}
    footers.read_user_counts(key for keys in files.values() for key in keys)
    by_table = {f"records_{contract.name}": contract for contract in contracts.sources}
    return [
        comparison
        for (table, day), keys in files.items()
        for comparison in _Comparing(contracts, by_table.get(table), table, day, unknown, now).of(_week(footers, keys))
    ]


def _week(footers: Footers, keys: Sequence[str]) -> _Week | NotChecked:
    footer = footers.get(keys[0])
    whole = [key for key in keys[1:] if footers.get(key) is not None]
    before = tuple(found for key in whole if (found := footers.get(key)) is not None)
    if footer is None:
        return DAMAGED_WEEK
    if not any(found.rows for found in before):
        return NO_WEEK
    return _Week(footer, footers.user_count(keys[0]), before, sum(footers.user_count(key) for key in whole))


_Answer = dict[Severity, str] | NotChecked
_Question = Callable[[_Week], _Answer]


@dataclass(frozen=True)
class _Comparing:
    """The questions about one file."""

    contracts: Contracts
    contract: SourceContract | None
    table: str
    day: str
    unknown: UnknownFields
    now: datetime

    def of(self, week: _Week | NotChecked) -> Iterator[Comparison]:
        """Comparisons of one file."""
        closed = is_closed(date.fromisoformat(self.day), self.now)
        if closed:
            yield self._comparison("people", week, self._people)
        if closed and self.table != WEEKLY:
            yield self._comparison("rows_per_person", week, self._rows)
        yield self._comparison("fields", week, self._fields)

    def _comparison(self, compared: Compared, week: _Week | NotChecked, ask: _Question) -> Comparison:
        found = week if isinstance(week, NotChecked) else ask(week)
        if isinstance(found, NotChecked):
            return Comparison(compared, self.table, self.day, not_checked=found)
        return Comparison(compared, self.table, self.day, found)

    def _people(self, week: _Week) -> _Answer:
        mean = week.people_before / len(week.before)
        if mean < FEW_PEOPLE:
            return FEW
        if week.people >= mean * (1 - self.contracts.quality.people_lost_share):
            return {}
        return {self._severity("people"): f"{mean:.0f} people in {_mean_week(week)}, now {week.people}"}

    def _rows(self, week: _Week) -> _Answer:
        if min(week.people, week.people_before) < FEW_PEOPLE:
            return FEW
        now, before = week.footer.rows / week.people, week.rows_before / week.people_before
        times = self.contracts.quality.rows_times
        if before / times < now < before * times:
            return {}
        words = (
            f"{now:.1f} rows per person ({week.footer.rows} of {week.people} people), {before:.1f} in {_weeks(week)}"
        )
        return {self._severity("rows_per_person"): words}

    def _fields(self, week: _Week) -> _Answer:
        if week.people < FEW_PEOPLE:
            return FEW
        if min(week.footer.rows, week.rows_before) < FEW_ROWS:
            return SHORT
        gone: dict[Severity, dict[str, list[str]]] = {}
        for name, severity in self._columns().items():
            if self._has_gone(week, name):
                shares = (
                    1 - week.footer.values.get(name, 0) / week.footer.rows,
                    1 - week.known_before(name) / week.rows_before,
                )
                words = f"null in {shares[0]:.0%} of {week.footer.rows} rows, {shares[1]:.0%} in {_weeks(week)}"
                gone.setdefault(severity, {}).setdefault(words, []).append(self._named(week, name))
        return {severity: _listed(names) for severity, names in gone.items()}

    def _has_gone(self, week: _Week, name: str) -> bool:
        said = self.contracts.quality
        share = week.known_before(name) / week.rows_before
        to_expect = share * week.footer.rows
        if share < said.known_share or to_expect < FEW_VALUES:
            return False
        return week.footer.values.get(name, 0) <= to_expect * (1 - said.lost_share)

    def _columns(self) -> dict[str, Severity]:
        """Columns whose null rates are compared, with their severity; a running week refuses no closed one."""
        default = self._severity("fields")
        if self.contract is None:
            groups = {group.name: group for group in self.contracts.groups if group.every_week}
            counted = [f"{name}_{has[0]}" for group in groups.values() for name, has in group.metrics.items()]
            derived = [column.name for column in self.contracts.derived if column.group in groups]
            return dict.fromkeys([*counted, *derived], default)
        given = {f.name: self.contract.quality.fields.get(f.name, default) for f in self.contract.fields}
        closed = is_closed(date.fromisoformat(self.day), self.now)
        return given if closed else {n: "warning" if s == "critical" else s for n, s in given.items()}

    def _named(self, week: _Week, name: str) -> str:
        if self.contract is None:
            return name
        lost = round(week.known_before(name) / week.rows_before * week.footer.rows) - week.footer.values.get(name, 0)
        found = new_name(self.contract.by_name[name], lost, self.unknown.get(self.contract.name, {}))
        return f"{name} (perhaps now {found}, which no contract names)" if found else name

    def _severity(self, compared: Compared) -> Severity:
        said = self.contract.quality if self.contract else RecordQuality()
        return said.severity.get(compared) or self.contracts.quality.severity[compared]


def _weeks(week: _Week) -> str:
    return "the week before" if len(week.before) == 1 else f"the {len(week.before)} weeks before"


def _mean_week(week: _Week) -> str:
    return "the week before" if len(week.before) == 1 else f"a mean week of the {len(week.before)} before"


def _listed(names: Mapping[str, list[str]]) -> str:
    """Fields with the same numbers together."""
    said, left = [], NAMED_FIELDS
    for words, fields in names.items():
        if shown := fields[:left]:
            said.append(f"{', '.join(shown)} {words}")
        left -= len(shown)
    more = sum(map(len, names.values())) - NAMED_FIELDS
    return "; ".join(said) + (f"; and {more} more fields" if more > 0 else "")
