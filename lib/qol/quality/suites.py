"""Great Expectations suites, generated from the contracts; every check can fail (ingest nulls record values out of range)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from qol.contracts.columns import WINDOWS
from qol.contracts.daily import Relation
from qol.contracts.model import Contracts
from qol.contracts.quality import SEVERITIES, Claim, Compared, Severity
from qol.quality.check_columns import DAY_KEY, means_outside_min_max, values_out_of_range
from qol.quality.comparison import MIN_USERS
from qol.quality.partition_checks import MAX_USERS_CHANGED, MAX_USERS_LOST, OLD_WEEKS

MAX_REJECTED_SHARE = 0.01


@dataclass(frozen=True)
class Check:
    """One expectation with the id that `--accept` takes, and the message that reports and manifests show."""

    id: str
    severity: Severity
    message: str
    expectation_type: str
    arguments: dict[str, Any]
    #: Which comparisons of files the check is about; empty for checks of rows.
    compared: str = ""
    #: The start of the description in Data Docs: why this run could not check.
    note: str = ""
    #: What is wrong in the rows that break it, before the places of those rows.
    wrong: str = ""

    def expectation(self) -> Any:
        """The expectation of Great Expectations; the id is in its meta."""
        import great_expectations.expectations as gxe

        description = f"{self.id}: {self.note + '. ' if self.note else ''}{self.message}"
        return getattr(gxe, self.expectation_type)(
            **self.arguments, severity=self.severity, meta={"id": self.id}, description=description
        )


def every_check(contracts: Contracts) -> list[Check]:
    """Checks of all suites."""
    suites = [partitions_suite(), run_suite(), between_weeks_suite(contracts), *row_suites(contracts).values()]
    return [check for suite in suites for check in suite]


def _check_max(
    check_id: str,
    severity: Severity,
    message: str,
    limit: float = 0,
    compared: str = "",
    column: str = "",
) -> Check:
    """A check that a column, by default that of its id, has no value above a limit."""
    arguments = {"column": column or check_id, "max_value": limit}
    return Check(check_id, severity, message, "ExpectColumnValuesToBeBetween", arguments, compared)


def run_suite() -> list[Check]:
    """Checks on the one row that describes the run."""
    rejected = f"At most {MAX_REJECTED_SHARE:.0%} of the items are rejected."
    two_ids = "No new entry of the user map gives a second id to a user who has records under the keyed hash."
    return [
        _check_max("rejected_share", "warning", rejected, MAX_REJECTED_SHARE),
        _check_max("people_with_two_ids", "warning", two_ids),
    ]


def partitions_suite() -> list[Check]:
    """Checks on one row per candidate: 1 where the candidate fails the check."""
    messages = {
        "rows_as_expected": "Staged rows are the rows the run computed.",
        "people_kept": f"A published week keeps at least {1 - MAX_USERS_LOST:.0%} of its users (from {MIN_USERS} users on).",
        "metrics_not_emptied": "A metric that half of the last four weeks' rows, or of the week's own published rows, had still"
        f" has more than a tenth of the expected values (from {MIN_USERS} users on).",
    }
    old = f"A week that was published and ended {OLD_WEEKS} weeks ago has the same values for at least"
    old += f" {1 - MAX_USERS_CHANGED:.0%} of its users (from {MIN_USERS} users on)."
    critical = [_check_max(name, "critical", message, compared=name) for name, message in messages.items()]
    return [*critical, _check_max("old_weeks_kept", "warning", old, compared="old_weeks_kept")]


def between_weeks_suite(contracts: Contracts) -> list[Check]:
    """Checks on one row per compared table and week: 1 where a difference of the check's severity was found."""
    limits = contracts.quality
    users = f"at most {limits.people.lost_share:.0%} fewer users than a mean week of the four before"
    checks: dict[Compared, tuple[str, str]] = {
        "people": ("people_as_before", f"A closed week has {users}."),
        "rows_per_person": (
            "rows_per_person_as_before",
            f"Rows per user of a closed week are within {limits.rows_per_person.times:g} times those of the four before.",
        ),
        "fields": (
            "fields_as_before",
            f"No field has lost {limits.fields.lost_share:.0%} of the values expected from the four weeks before.",
        ),
        "fresh": (
            "data_is_fresh",
            "Record types with data of the last four weeks have data as new as their contracts require.",
        ),
    }
    return [
        _check_max(f"{name}.{severity}", severity, f"{message} From {MIN_USERS} users on.", compared=compared)
        for compared, (name, message) in checks.items()
        for severity in _severities(contracts, compared)
    ]


def _severities(contracts: Contracts, compared: Compared) -> list[Severity]:
    """Severities that contracts give to a difference, the worst first."""
    used = {contracts.quality.severity.get(compared)}
    for contract in contracts.sources:
        used.add(contract.quality.severity.get(compared))
        if compared == "fields":
            used |= set(contract.quality.fields.values())
    return [severity for severity in SEVERITIES if severity in used]


def row_suites(contracts: Contracts) -> dict[str, list[Check]]:
    """Checks on the rows of a table, by its name: key, relations, and limits of metrics.

    Ingest nulls implausible values of records; a day made of several can still leave the range of its metric.
    """
    daily, weekly = "daily_metrics", "weekly_metrics"
    return {
        weekly: [
            *key_checks(weekly, ("user_id", "week_start")),
            *relation_checks(weekly, contracts.weekly_relations),
            *_claim_checks(
                weekly, contracts.ordered, means_outside_min_max(contracts), "A mean is outside its min and max"
            ),
        ],
        daily: [
            *key_checks(daily, DAY_KEY),
            *relation_checks(daily, contracts.relations),
            *_claim_checks(daily, contracts.ranges, values_out_of_range(contracts), "Values are outside their range"),
        ],
        WINDOWS: key_checks(WINDOWS, DAY_KEY),
    }


def key_checks(table: str, key: Sequence[str]) -> list[Check]:
    """A table's key has no null and identifies one row."""
    not_null = [
        Check(
            f"{table}.{column}_known", "critical", f"{column} is never null in {table}.",
            "ExpectColumnValuesToNotBeNull", {"column": column}, wrong=f"{column} is null",
        )
        for column in key
    ]  # fmt: skip
    unique = Check(
        f"{table}.key_unique", "critical", f"({', '.join(key)}) identifies one row of {table}.",
        "ExpectCompoundColumnsToBeUnique", {"column_list": list(key)},
        wrong=f"Several rows have the same ({', '.join(key)})",
    )  # fmt: skip
    return [*not_null, unique]


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
            wrong=f"{relation.left} is {'not below' if relation.strict else 'above'} {relation.right}",
        )
        for relation in relations
    ]  # fmt: skip


def _claim_checks(table: str, claim: Claim | None, names: Iterable[str], wrong: str) -> list[Check]:
    """One check per name of a claim about all metrics, on how many metrics of a row break it."""
    if claim is None:
        return []
    return [
        replace(_check_max(f"{table}.{name}", claim.severity, claim.description, column=name), wrong=wrong)
        for name in names
    ]
