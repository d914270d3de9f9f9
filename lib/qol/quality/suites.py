"""Great Expectations suites, generated from the contracts; every check here can fail, ranges of records, which ingest nulls, are none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qol.contracts.columns import WINDOWS
from qol.contracts.metric_model import Relation
from qol.contracts.model import Contracts
from qol.contracts.quality import Claim, Compared, Severity
from qol.quality.comparison import FEW_PEOPLE, check_id, severities
from qol.quality.facts import MAX_PEOPLE_LOST

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

MAX_REJECTED_SHARE = 0.01


@dataclass(frozen=True)
class Check:
    """One expectation with the id that `--accept` takes and a sentence for people."""

    id: str
    severity: Severity
    message: str
    kind: str
    arguments: dict[str, Any]
    #: What Data Docs say before the sentence; the reason when this run could not check.
    note: str = ""

    def expectation(self) -> Expectation:
        """As Great Expectations knows it; the id travels in its meta."""
        import great_expectations.expectations as gxe

        words = f"{self.id}: {self.note + '. ' if self.note else ''}{self.message}"
        made: Expectation = getattr(gxe, self.kind)(
            **self.arguments, severity=self.severity, meta={"id": self.id}, description=words
        )
        return made


def every_check(contracts: Contracts) -> list[Check]:
    """Checks of all suites."""
    of_run = [*partitions_suite(), *run_suite(), *between_weeks_suite(contracts)]
    return [*of_run, *(check for checks in row_suites(contracts).values() for check in checks)]


def row_suites(contracts: Contracts) -> dict[str, list[Check]]:
    """Checks on the rows of a table, by its name."""
    return {
        "weekly_metrics": weekly_suite(contracts),
        "daily_metrics": daily_suite(contracts),
        WINDOWS: windows_suite(),
    }


def partitions_suite() -> list[Check]:
    """Checks on one row per candidate partition, and on the run as a whole."""
    return [
        Check(
            "rows_as_expected", "critical", "Staged rows are the rows the run computed.",
            "ExpectColumnPairValuesToBeEqual", {"column_A": "rows_staged", "column_B": "rows_expected"},
        ),
        Check(
            "people_kept", "critical",
            f"A published week keeps at least {1 - MAX_PEOPLE_LOST:.0%} of its people (from 20 people on).",
            "ExpectColumnValuesToBeBetween", {"column": "people_lost_share", "max_value": MAX_PEOPLE_LOST},
        ),
        Check(
            "metrics_not_emptied", "critical",
            "A metric that half of the last four weeks' rows, or of the week's own published rows, had still has more than a"
            " tenth of the values to be expected (from 20 people on).",
            "ExpectColumnValuesToBeBetween", {"column": "emptied_metrics", "max_value": 0},
        ),
    ]  # fmt: skip


def run_suite() -> list[Check]:
    """Checks on the one row that describes the run."""
    return [
        Check(
            "rejected_share", "warning", f"At most {MAX_REJECTED_SHARE:.0%} of the items are rejected.",
            "ExpectColumnValuesToBeBetween", {"column": "rejected_share", "max_value": MAX_REJECTED_SHARE},
        )
    ]  # fmt: skip


def between_weeks_suite(contracts: Contracts) -> list[Check]:
    """Checks on one row per table and week that was compared: how many of its findings have the check's severity."""
    said = contracts.quality
    messages: dict[Compared, str] = {
        "people": f"A closed week has at most {said.people_lost_share:.0%} fewer people than a mean week of the four before.",
        "rows_per_person": f"Rows per person of a closed week are within {said.rows_times:g} times those of the four before.",
        "fields": f"No field has lost {said.lost_share:.0%} of the values that the four weeks before let expect.",
        "fresh": "Record types with data of the last four weeks have data as new as their contracts say.",
    }
    return [
        Check(
            check_id(compared, severity), severity, f"{message} From {FEW_PEOPLE} people on.",
            "ExpectColumnValuesToBeBetween", {"column": check_id(compared, severity), "max_value": 0},
        )
        for compared, message in messages.items()
        for severity in severities(contracts, compared)
    ]  # fmt: skip


def key_checks(table: str, key: list[str]) -> list[Check]:
    """A table's key is there in every row and names one row."""
    not_null = [
        Check(
            f"{table}.{column}_known", "critical", f"{column} is never null in {table}.",
            "ExpectColumnValuesToNotBeNull", {"column": column},
        )
        for column in key
    ]  # fmt: skip
    unique = Check(
        f"{table}.key_unique", "critical", f"({', '.join(key)}) names one row of {table}.",
        "ExpectCompoundColumnsToBeUnique", {"column_list": key},
    )  # fmt: skip
    return [*not_null, unique]


def weekly_suite(contracts: Contracts) -> list[Check]:
    """Checks on the rows of `weekly_metrics`: its key, the contracts' relations, and every mean within its limits."""
    keys = key_checks("weekly_metrics", ["user_id", "week_start"])
    ordered = _claim_checks("weekly_metrics", contracts.ordered, map(min_mean_max, ordered_metrics(contracts)))
    return [*keys, *relation_checks("weekly_metrics", contracts.weekly_relations), *ordered]


def _claim_checks(table: str, claim: Claim | None, names: Iterable[str]) -> list[Check]:
    """One check per group of a claim about all metrics, on how many metrics of a row break it."""
    return [
        Check(
            f"{table}.{name}", claim.severity, claim.description,
            "ExpectColumnValuesToBeBetween", {"column": name, "max_value": 0},
        )
        for name in names
        if claim is not None
    ]  # fmt: skip


def min_mean_max(group: str) -> str:
    """The check that means of a weekly group lie within their limits."""
    return f"{group}_min_mean_max"


def in_range(group: str) -> str:
    """The check that metrics of a daily group lie within their ranges."""
    return f"{group}_in_range"


def ordered_metrics(contracts: Contracts) -> dict[str, list[str]]:
    """Weekly metrics that have a min, a mean and a max, by group; groups without any are left out."""
    found = {
        group.name: [name for name, has in group.metrics.items() if {"min", "mean", "max"} <= set(has)]
        for group in contracts.groups
    }
    return {group: names for group, names in found.items() if names}


def windows_suite() -> list[Check]:
    """Checks on the rows of `survey_windows`: its key."""
    return key_checks(WINDOWS, ["user_id", "day", "source"])


def daily_suite(contracts: Contracts) -> list[Check]:
    """Checks on the rows of `daily_metrics`: its key, the contracts' relations, and every metric within its range.

    Ingest nulls implausible values of records; what is made of several can still leave the range of the metric.
    """
    keys = key_checks("daily_metrics", ["user_id", "day", "source"])
    ranges = _claim_checks("daily_metrics", contracts.ranges, map(in_range, contracts.group_metrics))
    return [*keys, *relation_checks("daily_metrics", contracts.relations), *ranges]


def relation_checks(table: str, relations: Sequence[Relation]) -> list[Check]:
    """One check per relation of a table; a row in which a side is null is not checked."""
    return [
        Check(
            f"{table}.{relation.id}", relation.severity, relation.description,
            "ExpectColumnPairValuesAToBeGreaterThanB",
            {
                "column_A": f"{relation.id}:right", "column_B": f"{relation.id}:left",
                "or_equal": not relation.strict, "ignore_row_if": "either_value_is_missing",
            },
        )
        for relation in relations
    ]  # fmt: skip
