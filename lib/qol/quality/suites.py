"""Suites of checks, generated from the contracts; every check can fail (ingest nulls record values out of range)."""

from qol.contracts.model import Contracts
from qol.contracts.quality import SEVERITIES, Compared, Severity
from qol.quality.comparison import MIN_USERS
from qol.quality.gate_checks import Check, Expected
from qol.quality.partition_checks import MAX_USERS_CHANGED, MAX_USERS_LOST, OLD_WEEKS
from qol.quality.row_suites import row_suites

MAX_REJECTED_SHARE = 0.01


def every_check(contracts: Contracts) -> list[Check]:
    """Checks of all suites."""
    suites = [partitions_suite(), run_suite(), between_weeks_suite(contracts), *row_suites(contracts).values()]
    return [check for suite in suites for check in suite]


def _file_check(check_id: str, severity: Severity, message: str, compared: str) -> Check:
    """A check that no comparison of a kind has a finding of the check's severity."""
    arguments = {"column": check_id, "max_value": 0}
    return Check(
        check_id, severity, message, (Expected("ExpectColumnValuesToBeBetween", arguments, message),), compared
    )


def _run_check(name: str, message: str, limit: float) -> Check:
    """A check that a number of the run is not above a limit."""
    expected = Expected("ExpectColumnMaxToBeBetween", {"column": name, "max_value": limit}, message)
    return Check(name, "warning", message, (expected,))


def run_suite() -> list[Check]:
    """Checks on numbers of the run."""
    rejected = f"At most {MAX_REJECTED_SHARE:.0%} of the items are rejected."
    two_ids = "No new entry of the user map gives a second id to a user who has records under the keyed hash."
    return [
        _run_check("rejected_share", rejected, MAX_REJECTED_SHARE),
        _run_check("people_with_two_ids", two_ids, 0),
    ]


def partitions_suite() -> list[Check]:
    """Checks on the comparisons of single files."""
    messages = {
        "rows_as_expected": "Staged rows are the rows the run computed.",
        "people_kept": f"A published week keeps at least {1 - MAX_USERS_LOST:.0%} of its users (from {MIN_USERS} users on).",
        "metrics_not_emptied": "A metric that half of the last four weeks' rows, or of the week's own published rows, had still"
        f" has more than a tenth of the expected values (from {MIN_USERS} users on).",
    }
    old = f"A week that was published and ended {OLD_WEEKS} weeks ago has the same values for at least"
    old += f" {1 - MAX_USERS_CHANGED:.0%} of its users (from {MIN_USERS} users on)."
    readable = "Published files that the run leaves as they are can be read; the newest are checked."
    critical = [_file_check(name, "critical", message, name) for name, message in messages.items()]
    warnings = {"old_weeks_kept": old, "files_readable": readable}
    return [*critical, *(_file_check(name, "warning", text, name) for name, text in warnings.items())]


def between_weeks_suite(contracts: Contracts) -> list[Check]:
    """Checks on the comparisons of tables and weeks with others."""
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
        _file_check(f"{name}.{severity}", severity, f"{message} From {MIN_USERS} users on.", compared)
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
