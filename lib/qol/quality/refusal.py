"""Why a run is refused, and the command that publishes all the same."""

from __future__ import annotations

from collections.abc import Sequence

from qol.errors import RefusedError
from qol.tables.manifest import CheckResult, Trigger

#: What an operator types again, by the run's trigger; dates and weeks are those of the refused run.
_COMMANDS = {"backfill": "qol backfill --from … --to …", "rebuild": "qol rebuild …"}


def require_passed(checks: Sequence[CheckResult], accept: frozenset[str], trigger: Trigger) -> None:
    """RefusedError when a critical check failed that nobody accepted; names table, week, how many, and the way on."""
    failed = [c for c in checks if c.severity == "critical" and not c.success and c.id not in accept]
    if not failed:
        return
    number = "1 critical check" if len(failed) == 1 else f"{len(failed)} critical checks"
    lines = "\n".join(f"  {check.id}: {check.message} Observed: {check.observed}." for check in failed)
    # What was accepted already has to be accepted again.
    asked = " ".join(f"--accept {name}" for name in sorted({*accept, *(check.id for check in failed)}))
    again = f"{_COMMANDS.get(trigger, 'qol run')} {asked}"
    raise RefusedError(
        f"refused, nothing was published; {number} failed:\n{lines}\n"
        f"To publish in spite of that, the same command again with --accept: {again}"
    )
