"""Why a run is refused, and the command that publishes in spite of it."""

from __future__ import annotations

from collections.abc import Sequence

from qol.contracts.wording import count
from qol.errors import RefusedError
from qol.tables.manifest import CheckResult, Trigger

#: What an operator types again, by the run's trigger; dates and weeks are those of the refused run.
_COMMANDS = {"backfill": "qol backfill --from … --to …", "rebuild": "qol rebuild …"}


def require_passed(checks: Sequence[CheckResult], accept: frozenset[str], trigger: Trigger) -> None:
    """RefusedError when a critical check failed that is not in `accept`; it names what was observed and the next command."""
    failed = [c for c in checks if c.severity == "critical" and not c.success and c.id not in accept]
    if not failed:
        return
    lines = "\n".join(f"  {check.id}: {check.message} Observed: {check.observed}." for check in failed)
    # What was accepted already has to be accepted again.
    options = " ".join(f"--accept {name}" for name in sorted({*accept, *(check.id for check in failed)}))
    raise RefusedError(
        f"refused, nothing was published; {count(len(failed), 'critical check')} failed:\n{lines}\n"
        f"To publish in spite of this, accept the checks: {_COMMANDS.get(trigger, 'qol run')} {options}"
    )
