"""A stranger reads the pages in order, does what they say, and has the right weekly values."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from qol.identity.pseudonyms import Identities
from tests.acceptance.processes import NOW, ROOT
from tests.builders import MONDAY_START, daily_record, write_lines

pytestmark = pytest.mark.acceptance
PAGES = (
    "README.md", "docs/add-a-device.md", "docs/add-a-metric.md", "README.md", "docs/report.md", "docs/adherence.md",
    "docs/why-is-it-missing.md", "docs/load.md", "docs/runbook.md", "docs/backfill-and-rebuild.md", "docs/add-a-pull-source.md",
)  # fmt: skip
#: Sections that are not run here, with the reason.
NOT_HERE = {
    ("docs/runbook.md", "Try it"): "tests/cli/test_runbook.py runs it, with a refusal",
    ("docs/adherence.md", "In Athena"): "the view is in Athena only",
    ("docs/load.md", "Queries"): "test_databases.py asks the servers",
}
#: Every command of the other sections is run, but for four; `--now` because the machine's clock may stand before the week of the pages.
SHELL = f"""
set -eu -o pipefail
aws() {{ :; }}      # needs an account
make() {{ :; }}     # needs the whole checkout; CI runs its targets
qol() {{
  case $1 in
    restore) ;;   # needs a bucket that keeps versions
    collect) [ $2 = oura ] || command qol "$1" --now {NOW} "${{@:2}}" ;;   # Oura needs an account
    run|backfill|rebuild|adherence|why) command qol "$1" --now {NOW} "${{@:2}}" ;;
    *) command qol "$@" ;;
  esac
}}
"""
#: The key that the README shows, as it stands.
KEY = b"at least 32 bytes that you keep secret and never change"
#: What a reader of docs/add-a-device.md writes for a scale with exponents and for stages of a phone; FIELDS are those of the page.
OWN_CONTRACTS = """
source: libra
inherit: [userid]
---
source: libra
record: measures
description: A weighing, with its exponent.
envelope_keys: [measuregrps]
person: [userid]
key: [measured_seconds]
day: {start: measured_seconds}
fields:
  measured_seconds: {path: date, type: epoch_seconds, unit: s, range: [1262304000, 4102444800], description: When.}
  value: {path: 'measures[type=1].value', type: integer, unit: count, range: [0, 100000000], description: Digits of the weight.}
  unit: {path: 'measures[type=1].unit', type: integer, unit: count, range: [-6, 6], description: Power of ten.}
derived:
  weight_kg: {value: 'value * power(10.0, unit)', unit: kg, range: [20, 350]}
daily:
  weight_kg: weight_kg
examples:
  - {name: grams, arrival: 2026-11-10, raw: {userid: u1, date: 1794200000, measures: [{type: 1, value: 75450, unit: -3}]}, expect: {measured_seconds: 1794200000, value: 75450, unit: -3}, expect_daily: {weight_kg: 75.45}}
  - {name: small, arrival: 2026-11-10, raw: {userid: u1, date: 1794200000, measures: [{type: 1, value: 75450, unit: -30}]}, expect: {unit: null}, nulled: ['measures[type=1].unit: -30 out_of_range']}
  - {name: no time, arrival: 2026-11-10, raw: {userid: u1}, reject: missing_key}
---
source: luna
inherit: [user]
---
source: luna
record: nights
description: A night on a phone, as a list of stages.
person: [user, id]
key: [start_seconds]
day: {start: end_seconds}
fields:
FIELDS
  asleep_minutes: {path: stages, type: number, unit: min, range: [0, 1440], samples: {reduce: minutes, start: start, end: end, only: {path: stage, values: [deep, light, rem]}}, description: Time asleep.}
daily:
  sleep_minutes: asleep_minutes
  deep_minutes: deep_minutes
  asleep_intervals: asleep_intervals
examples:
  - {name: a night, arrival: 2026-11-10, raw: {user: {id: u1}, stages: [{stage: deep, start: 1794232800, end: 1794236400}, {stage: rem, start: 1794236400, end: 1794238200}, {stage: awake, start: 1794238200, end: 1794238800}]}, expect: {start_seconds: 1794232800, end_seconds: 1794238800, deep_minutes: 60, asleep_minutes: 90, asleep_intervals: [-60, 30]}, expect_daily: {sleep_minutes: 90, deep_minutes: 60}}
  - {name: two days, arrival: 2026-11-10, raw: {user: {id: u1}, stages: [{stage: deep, start: 1794232800, end: 1794405600}]}, expect: {deep_minutes: null, asleep_minutes: null}, nulled: ['stages: 2880.0 out_of_range', 'stages: 2880.0 out_of_range']}
  - {name: no stages, arrival: 2026-11-10, raw: {user: {id: u1}}, reject: missing_key}
"""
#: Puts the formula of docs/add-a-metric.md to use.
SPREAD = "derived:\n  steps_spread: {group: activity, formula: spread, of: [steps], unit: count, description: Steps.}\n"


@dataclass
class Stranger:
    """Somebody in a copy of the checkout: what the pages gave so far, and what the commands printed."""

    clone: Path
    lake: Path
    exports: str = ""
    stages: str = ""
    printed: str = ""

    def read(self, page: str) -> None:
        """Do what a page says, block by block."""
        does: dict[str, Callable[[str], object]] = dict.fromkeys(("text", "json", "csv"), bool)  # typed by nobody
        does |= {"": self.type, "sql": self.ask, "yaml": self.declare, "python": self.register}
        heading = ""
        for node in SyntaxTreeNode(MarkdownIt("commonmark").parse((ROOT / page).read_text(encoding="utf-8"))).walk():
            if node.type == "heading":
                heading = node.children[0].content
            elif node.type == "fence" and (page, heading) not in NOT_HERE:
                does[node.info](node.content)

    def type(self, commands: str) -> str:
        """What commands print that run as written, with the stranger's own ids and files in the place of the page's."""
        for placeholder, own in self.own().items():
            commands = re.sub(placeholder, own, commands)
        self.exports += "".join(re.findall("^export .*\n", commands, re.MULTILINE))
        env = {name: value for name, value in os.environ.items() if not name.startswith("QOL_")}
        env |= {"PATH": f"{sys.prefix}/bin:{env['PATH']}", "PYTHONPATH": str(self.clone / "lib"), "COLUMNS": "200"}
        bash = ["bash", "-c", SHELL + self.exports + commands]
        ended = subprocess.run(bash, cwd=self.clone, env=env, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, f"{commands}\n{ended.stdout}{ended.stderr}"
        self.printed += ended.stdout
        return ended.stdout

    def own(self) -> dict[str, str]:
        """Regular expressions of the pages' placeholders, and what the stranger writes instead."""
        return {
            r"/path/to/lake|s3://BUCKET|\bLAKE\b": str(self.lake),
            "<user_id>|USER_ID": Identities(KEY, {}).user_hash("garmin", "walker"),
            r"\bFILE\b": "participants.csv",
            "RUN_ID": next((run.stem for run in (self.lake / "_runs").glob("*.json")), "none"),
        }

    def ask(self, sql: str) -> None:
        self.type(f'qol query "{sql}"')

    def declare(self, text: str) -> None:
        """Put a contract into its file, a weekly formula into its list; a list of fields waits for its contract."""
        said = yaml.safe_load(text)
        if "source" in said:
            self.write(f"sources/{said['source']}/{said.get('record', '_rules')}.yaml", text)
        elif "derived" in said:
            weekly = (self.clone / "schemas/metrics/weekly.yaml").read_text(encoding="utf-8")
            self.write("metrics/weekly.yaml", weekly.replace("\nderived:\n", f"\n{text}"))
        else:
            self.stages = textwrap.indent(text, "  ")

    def write(self, contract: str, text: str) -> None:
        file = self.clone / "schemas" / contract
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def register(self, function: str) -> None:
        with (self.clone / "lib/qol/formulas/valid_days.py").open("a", encoding="utf-8") as module:
            module.write(f"\n\n{function}")
        self.declare(SPREAD)


def at(day: int, minute: int = 0) -> int:
    """A moment of the week in Tokyo, `day` 0 being the Monday."""
    return MONDAY_START + day * 86_400 + minute * 60


def night(day: int, deep_minutes: int) -> dict[str, Any]:
    """A night that ends on a day: two hours of light sleep from 23:00, deep sleep, an hour of REM sleep, ten minutes awake."""
    deep, rem, awake, end = 60, 60 + deep_minutes, 120 + deep_minutes, 130 + deep_minutes
    times = [("light", -60, deep), ("deep", deep, rem), ("rem", rem, awake), ("awake", awake, end)]
    return {"stages": [{"stage": stage, "start": at(day, start), "end": at(day, end)} for stage, start, end in times]}


def fill(lake: Path) -> None:
    """Raw data of week 2026-W46, a user for each device."""
    write_lines(lake, "2026-11-15", [daily_record("walker", day, steps=1_000 * (day + 1)) for day in range(6)])
    grams = [(0, 75_450), (3, 74_900)]
    acme = [{"userId": "u1", "measuredAt": at(day), "utcOffset": 32_400, "grams": weight} for day, weight in grams]
    write_lines(lake, "2026-11-13", acme, folder="raw/acme/weighings")
    walks = [("09T08", 4_200), ("09T09", 800), ("10T08", 3_000)]
    pulse = [{"at": 0, "bpm": 90}, {"at": 60, "bpm": 101}]
    tracks = [
        {
            "time": {"start": f"2026-11-{hour}:00:00+09:00"},
            "totals": [{"kind": "steps", "value": steps}],
            "pulse": pulse,
        }
        for hour, steps in walks
    ]
    write_lines(lake, "2026-11-13", [{"owner": {"id": "u2"}, "tracks": tracks}], folder="raw/zeno/uploads")
    weights = [(1, 75_450, -3), (2, 752, -1), (3, 75_450, 0)]
    groups = [
        {"date": at(day), "measures": [{"type": 1, "value": value, "unit": unit}]} for day, value, unit in weights
    ]
    write_lines(lake, "2026-11-13", [{"userid": "u3", "measuregrps": groups}], folder="raw/libra/measures")
    batches = [[night(1, 90), night(2, 100)], [night(3, 110), night(1, 90)]]
    nights = [{"user": {"id": "u4"}, "nights": batch} for batch in batches]
    write_lines(lake, "2026-11-13", nights, folder="raw/luna/nights")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    """The stranger at the end of the last page."""
    folder = tmp_path_factory.mktemp("stranger")
    stranger = Stranger(folder / "clone", folder / "lake")
    for part in ("lib", "schemas", "docs", "examples"):
        shutil.copytree(ROOT / part, stranger.clone / part, symlinks=True)
    (stranger.clone / ".venv").symlink_to(sys.prefix)
    fill(stranger.lake)
    shutil.copy(next((stranger.lake / "raw/acme/weighings").rglob("*.jsonl")), stranger.clone / "sample.jsonl")
    (stranger.clone / "participants.csv").write_text("user_id,enrolled\nP001,2026-10-01\n")
    (stranger.clone / "vendor_ids.txt").write_text("walker\n")
    for page in PAGES:
        stranger.read(page)
        if page == "docs/add-a-device.md":
            for text in OWN_CONTRACTS.replace("FIELDS\n", stranger.stages).split("---\n"):
                stranger.declare(text)
    return stranger


def test_weeks_of_all_devices_have_the_right_values(stranger: Stranger) -> None:
    activity = "activity_source, steps_sum, steps_best_three_mean, steps_spread, mean_hr_bpm_mean"
    others = (
        "body_source, weight_kg_last, nullif(weight_kg_days, 0), sleep_source, sleep_minutes_mean, deep_minutes_mean"
    )
    printed = stranger.type(f'qol query --format csv "SELECT iso_week, {activity}, {others} FROM weekly_metrics"')
    assert sorted(re.sub(",+", " ", week).strip() for week in printed.splitlines()[1:]) == [
        "2026-W46 acme 74.9 2",
        "2026-W46 garmin 21000 5000.0 5000.0",
        "2026-W46 libra 75.2 2",
        "2026-W46 luna 280.0 100.0",
        "2026-W46 withings 74.9 2",
        "2026-W46 zeno 8000 2000.0 95.5",
    ]


def test_the_other_commands_did_what_the_pages_say(stranger: Stranger) -> None:
    sql = "SELECT value, value_issues FROM records_libra_measures ORDER BY day"
    issues = stranger.type(f'qol query --format csv "{sql}"').splitlines()[1:]
    assert issues == ["75450,", "752,", '75450,"[""derived.weight_kg: 75450.0 out_of_range""]"']
    assert "never sent anything since 2026-10-01" in stranger.printed
    pages = ["ada.html", "report-2026-W46-technical.html", "report-2026-W46.html"]
    assert sorted(page.name for page in stranger.clone.glob("*.html")) == pages
    assert len([*stranger.clone.glob("out/*.html")]) == 7
    assert json.loads((stranger.clone / "user_map.jsonl").read_text())["user_id"] == stranger.own()["<user_id>|USER_ID"]
