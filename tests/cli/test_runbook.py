"""The recipe of the runbook does what the page says, command by command."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

RUNBOOK = Path(__file__).parents[2] / "docs/runbook.md"


def recipe() -> list[str]:
    """The commands of the section, in order."""
    section = RUNBOOK.read_text(encoding="utf-8").split("### Try it\n")[1].split("\n## ")[0]
    return [line for block in re.findall(r"```\n(.*?)```", section, re.DOTALL) for line in block.splitlines()]


@pytest.mark.acceptance
def test_a_refusal_can_be_seen_accepted_and_mended_as_the_runbook_says(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("QOL_")}
    env |= {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}", "COLUMNS": "1000"}
    ended = [
        subprocess.run(["bash", "-c", line], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        for line in recipe()
    ]
    assert [command.returncode for command in ended] == [0, 0, 0, 3, 0, 0, 0, 0, 0]
    assert re.search(r"garmin_dailies: \d+ records with stepCount, a field that no contract names", ended[2].stdout)
    assert "fields_as_before.warning" in ended[2].stdout
    (observed,) = re.findall(r"weekly_metrics in 2026-W46: (.*)", ended[3].stderr)
    renamed = r"Garmin dailies in 2026-W46: values are missing, steps \(perhaps now stepCount, which no contract names\) null in 100% of"
    assert re.search(renamed, ended[3].stderr)
    assert re.search(r"\bsteps\b", observed)
    assert re.search(r"\b0 of \d+ users \(before \d+ of \d+ rows\)", observed)
    assert "qol run --accept fields_as_before.critical --accept metrics_not_emptied" in ended[3].stderr
    assert re.search(r" refused .* would have: (2026-W\d\d to )?2026-W46 ", ended[4].stdout)
    assert "Accepted: fields_as_before.critical, metrics_not_emptied" in ended[5].stdout
    rows = [line.split() for line in ended[8].stdout.splitlines() if line.strip().startswith("2026-W4")]
    assert [row[0] for row in rows] == ["2026-W44", "2026-W45", "2026-W46"]
    assert all(int(with_steps) > int(people) / 2 for _, people, with_steps in rows)
