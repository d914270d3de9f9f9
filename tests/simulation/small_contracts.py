"""Contracts of one record type with one metric: all that the order of requests can change, and quick to compute."""

import functools
import tempfile
from pathlib import Path

from qol.contracts.load import load_contracts
from qol.contracts.model import Contracts

_DAILIES = """
source: garmin
record: dailies
priority: 10
description: One local day.
paths: [raw/daily]
envelope_keys: [dailies]
person: [userId]
key: [start]
version: [duration]
growing: [steps]
day: {date: calendar_date, start: start, offset: offset}
source_timestamp: start
fields:
  calendar_date: {path: calendarDate, type: date, description: The day.}
  start: {path: startTimeInSeconds, type: epoch_seconds, unit: s, range: [1262304000, 4102444800], description: Its start.}
  offset: {path: startTimeOffsetInSeconds, type: integer, unit: s, range: [-43200, 50400], description: Local time minus UTC.}
  duration: {path: durationInSeconds, type: integer, unit: s, range: [0, 90000], description: Its length.}
  steps: {path: steps, type: integer, unit: count, range: [0, MOST], description: Steps.}
daily: {steps: steps}
examples:
  - name: a day
    arrival: 2026-11-10
    raw: {userId: u1, calendarDate: '2026-11-09', startTimeInSeconds: 1794150000, startTimeOffsetInSeconds: 32400, durationInSeconds: 86400, steps: 8123}
    expect: {day: 2026-11-09, steps: 8123}
    expect_daily: {steps: 8123}
"""
_DAILY = """
groups:
  activity:
    steps: {unit: count, type: number, decimals: 0, range: [0, 100000], description: Steps.}
relations: {}
"""
_WEEKLY = """
groups:
  activity: {anchor: [steps], needs_wear: false, min_valid_days: 1, precedence: [garmin], metrics: {steps: [AGGREGATES]}}
"""


@functools.cache
def small_contracts(*, changed: bool) -> Contracts:
    """The contracts before a change and after it: other values are out of range, and the week has another column."""
    root = Path(tempfile.mkdtemp(prefix="qol-simulation-"))
    texts = {
        "sources/garmin/dailies.yaml": _DAILIES.replace("MOST", "50000" if changed else "100000"),
        "metrics/daily.yaml": _DAILY,
        "metrics/weekly.yaml": _WEEKLY.replace("AGGREGATES", "mean, sum, max" if changed else "mean, sum"),
    }
    for name, text in texts.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return load_contracts(root)
