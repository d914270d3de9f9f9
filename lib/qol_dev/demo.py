"""`python -m qol_dev.demo DIR`: a sample lake, the weekly job on both engines, a vendor collected, and what came of the data."""

from __future__ import annotations

import hashlib
import shlex
import shutil
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from qol.cli.failures import explain
from qol.cli.run_commands import perform
from qol.cli.show import command, say, table
from qol.contracts.load import load_contracts
from qol.contracts.wording import count
from qol.errors import LakeError, UsageError
from qol.run.job import run_job
from qol.run.request import RunRequest
from qol_dev.demo_collect import collect_and_run
from qol_dev.sample import SampleOptions
from qol_dev.sample_command import make_sample

if TYPE_CHECKING:
    from qol.tables.query import QueryResult

MARKER = ".qol-demo"
#: Wednesday 09:05 in Tokyo, after the sample's last week.
NOW = "2026-11-18T00:05:00Z"
WEEK = "2026-W46"
#: Ten people, and as many of the weekly columns as fit a screen.
WEEKLY = """
SELECT user_id, steps_mean, steps_days, resting_hr_bpm_mean AS resting_hr, sleep_minutes_mean AS sleep,
       stress_mean_mean AS stress, mvpa_meets_who AS active
FROM db_qol.weekly_metrics WHERE iso_week = '2026-W46' ORDER BY user_id LIMIT 10
"""
#: Somebody whose week is not whole: too few nights for one of the formulas.
LACKING = """
SELECT user_id FROM db_qol.weekly_metrics WHERE iso_week = '2026-W46'
ORDER BY CASE WHEN hrv_ln_rmssd_cv IS NULL AND steps_days > 3 THEN 0 ELSE 1 END, user_id LIMIT 1
"""

#: Asked of the database.
IN_DATABASE = """
SELECT week_start, count(*) AS users, round(avg(steps_mean)) AS steps FROM weekly_metrics GROUP BY week_start ORDER BY 1
"""


def main(arguments: list[str]) -> int:
    """Run the demo in the folder named by the only argument; the exit code."""
    try:
        demo(_folder(arguments))
    except Exception as err:  # noqa: BLE001 (the outermost edge: every error becomes a sentence)
        return explain(err)
    return 0


def _folder(arguments: list[str]) -> Path:
    if len(arguments) != 1:
        raise UsageError("python -m qol_dev.demo: one argument; allowed: a folder for the demo's lakes")
    return Path(arguments[0])


def demo(folder: Path) -> None:
    """Make the sample lake, run both engines on it, compare every file, collect a fake vendor, show the week."""
    started = time.perf_counter()
    _make_fresh(folder)
    local, spark = folder / "lake", folder / "lake-spark"
    make_sample(local, SampleOptions(end=WEEK))
    for name in ("raw", "_keys"):
        shutil.copytree(local / name, spark / name)
    say("The weekly job on this machine's processes", style="bold")
    # Both runs know the same people; a room sensor says nothing of its own about whose it is.
    people = str(local / "user_map.jsonl")
    now = datetime.fromisoformat(NOW)
    perform(RunRequest(lake=str(local), now=now, user_map=people))
    say()
    say("The same job on Spark, on a copy of the raw data", style="bold")
    request = RunRequest(lake=str(spark), now=now, engine="spark", no_docs=True, user_map=people)
    outcome = run_job(request, load_contracts())
    if outcome.error is not None:
        raise outcome.error
    say(outcome.notes[0])
    say(f"Both engines: {count(_compare(local, spark), 'file')}, all equal, byte for byte.")
    say()
    collected = folder / "lake-collected"
    collect_and_run(collected, WEEK, now)
    show_database(collected)
    say()
    _show_next(local, _show_week(local))
    say(f"Took {time.perf_counter() - started:.0f} s.", style="dim")


def _make_fresh(folder: Path) -> None:
    """An empty folder with our marker; one that is not ours is left alone."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file; allowed: a new, empty or former demo folder")
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).is_file():
        raise UsageError(f"{folder}: holds files of others; allowed: a new, empty or former demo folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARKER).touch()


def _compare(one: Path, other: Path) -> int:
    """How many files both lakes have under processed/ and quarantine/; LakeError names those that differ."""
    first, second = _digests(one), _digests(other)
    differing = sorted(key for key in first.keys() | second.keys() if first.get(key) != second.get(key))
    if differing:
        raise LakeError(f"the engines differ in {count(len(differing), 'file')}, such as {', '.join(differing[:5])}")
    return len(first)


def _digests(lake: Path) -> dict[str, str]:
    found = [path for name in ("processed", "quarantine") for path in (lake / name).rglob("*") if path.is_file()]
    return {path.relative_to(lake).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def _show_week(lake: Path) -> str:
    """Print the newest week; a user_id of it that lacks a value."""
    answer = _ask(lake, WEEKLY)
    table(f"The weekly table, {WEEK} ({len(answer.columns)} of its columns)", answer.columns, list(answer.rows))
    return str(next(_ask(lake, LACKING).rows)[0])


def show_database(lake: Path) -> Path:
    """Load the tables of users' weeks and days into a SQLite file beside the lake, and print the answer of a query to it."""
    import sqlalchemy as sa

    from qol.cli.load_command import load

    file = lake.parent / "qol.db"
    say("The same tables in a database", style="bold")
    load(to=f"sqlite:///{file}", lake=str(lake), tables=["weekly_metrics,daily_metrics,survey_windows,job_runs"])
    with sa.create_engine(f"sqlite:///{file}", poolclass=sa.NullPool).connect() as connection:
        answer = connection.exec_driver_sql(IN_DATABASE)
        table(
            "Users and mean steps by week, asked of the database", list(answer.keys()), [tuple(row) for row in answer]
        )
    return file


def _ask(lake: Path, sql: str) -> QueryResult:
    from qol.lake import LocalLake
    from qol.tables.query import run_query

    return run_query(LocalLake(lake), load_contracts(), sql)


def _show_next(lake: Path, user_id: str) -> None:
    person = ("why", "--lake", lake, "--user", user_id, "--week", WEEK, "--metric")
    sql = "SELECT iso_week, avg(steps_mean) AS steps FROM db_qol.weekly_metrics GROUP BY 1 ORDER BY 1"
    say("Try next", style="bold")
    for words in (
        (*person, "steps_mean"),
        (*person, "hrv_ln_rmssd_cv"),
        ("rejects", "--lake", lake, "--reason", "not_json"),
        ("runs", "--lake", lake),
        ("query", "--lake", lake, sql),
    ):
        say(f"  {command(*words)}")
    say()
    say(
        "Break something and let it tell you what and where: a line that breaks off, then the weekly job again",
        style="bold",
    )
    newest = max((lake / "raw" / "daily").rglob("*.jsonl"))
    say(f'  echo \'{{"userId": "x", "steps":\' >> {shlex.quote(str(newest))}')
    say(f"  {command('run', '--lake', lake, '--user-map', lake / 'user_map.jsonl', '--now', NOW)}")
    say(
        f"  {command('rejects', '--lake', lake, '--date', newest.parent.name.removeprefix('date='), '--reason', 'not_json')}"
    )
    say("  or write a wrong word into schemas/sources/garmin/dailies.yaml, then")
    say(f"  {command('contracts', 'check')}")
    say()
    say(f"Data Docs  {lake / '_docs' / 'index.html'}")
    say(f"Report     {_write_report(lake)}")


def _write_report(lake: Path) -> Path:
    """Write the week's report of all users beside the lakes; its path."""
    from qol.cli.report_command import default_name
    from qol.lake import LocalLake
    from qol.report.html_page import make_report
    from qol.tables.weeks import parse_week

    file = lake.parent / default_name(WEEK, None)
    html = make_report(LocalLake(lake), load_contracts(), parse_week(WEEK), None, "en")
    LocalLake(file.parent).put(file.name, html.encode())
    return file


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
