"""What is published, for notifications."""

from __future__ import annotations

from datetime import datetime

from qol_lambda.runs import RunRecord
from qol_lambda.schedule import local_time


def published_summary(last: RunRecord | None) -> str:
    """The last successful weekly run and the weeks that it replaced."""
    if last is None:
        return "nothing yet: no good run is known"
    weeks = f"it replaced {_weeks(last.weeks)}" if last.weeks else "it had nothing to replace"
    when = local_time(datetime.fromisoformat(last.now))
    return f"the tables up to {last.week} of run {last.run_id} ({when}); {weeks}. Every file is whole."


def _weeks(weeks: tuple[str, ...]) -> str:
    shown = sorted(weeks)
    return ", ".join(shown) if len(shown) <= 6 else f"{len(shown)} weeks from {shown[0]} to {shown[-1]}"
