"""Garmin dailies as a lake's raw folder: seeded, about 1 KB a line, a fifth of the days sent twice."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]

MONDAY = date(2026, 11, 9)
OFFSET_SECONDS = 32_400
DAY_SECONDS = 86_400
RESEND_SHARE = 0.2
SAMPLE_OFFSETS = (15, 30, 45, 60)
QUALIFIERS = np.array(["calm", "balanced", "stressful", "very_stressful", "balanced_awake", "stressful_awake"])
#: A device's own payload, in its order; without fields few people have: wheelchair, food diary, goals but one.
TEMPLATE = (
    '{"userId":"%s","summaryId":"%s","calendarDate":"%s","activityType":"%s","startTimeInSeconds":%d,'
    '"startTimeOffsetInSeconds":%d,"durationInSeconds":%d,"steps":%d,"distanceInMeters":%.1f,'
    '"activeTimeInSeconds":%d,"activeKilocalories":%d,"bmrKilocalories":%d,'
    '"moderateIntensityDurationInSeconds":%d,"vigorousIntensityDurationInSeconds":%d,'
    '"floorsClimbed":%d,"minHeartRateInBeatsPerMinute":%d,"averageHeartRateInBeatsPerMinute":%d,'
    '"maxHeartRateInBeatsPerMinute":%d,"restingHeartRateInBeatsPerMinute":%d,"timeOffsetHeartRateSamples":{'
    + ",".join(f'"{offset}":%d' for offset in SAMPLE_OFFSETS)
    + '},"averageStressLevel":%d,"maxStressLevel":%d,"stressDurationInSeconds":%d,"restStressDurationInSeconds":%d,'
    '"activityStressDurationInSeconds":%d,"lowStressDurationInSeconds":%d,"mediumStressDurationInSeconds":%d,'
    '"highStressDurationInSeconds":%d,"stressQualifier":"%s","bodyBatteryChargedValue":%d,'
    '"bodyBatteryDrainedValue":%d,"stepsGoal":%d,"_received_at":"%sZ"}'
)


@dataclass(frozen=True)
class Dailies:
    """One ISO week of everybody's dailies; the people depend on the seed alone, so weeks can follow each other."""

    people: int
    monday: date = MONDAY
    seed: int = 7
    files_per_date: int = 3
    bad_share: float = 0.0

    @property
    def name(self) -> str:
        """A folder name that says everything the bytes depend on."""
        bad = f"-bad{self.bad_share:g}" if self.bad_share else ""
        return f"dailies-{self.people}-{self.monday}-{self.seed}-{self.files_per_date}{bad}-v1"

    @property
    def run_at(self) -> datetime:
        """When the weekly job of this week starts: Wednesday 09:05 in Tokyo."""
        return datetime(self.monday.year, self.monday.month, self.monday.day, 0, 5, tzinfo=UTC) + timedelta(days=9)


def make(spec: Dailies, cache: Path) -> Path:
    """The folder with `raw/` of the dailies, written once and kept."""
    folder = cache / spec.name
    if not folder.is_dir():
        unfinished = folder.with_name(f"{folder.name}.part")
        for path, lines in _files(spec):
            target = unfinished / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text("\n".join(lines) + "\n", encoding="ascii")
        unfinished.rename(folder)
    return folder


def user_ids(spec: Dailies) -> list[str]:
    """The vendor's ids of the people: 32 hexadecimal digits."""
    digits = np.random.default_rng([spec.seed, 0]).bytes(16 * spec.people).hex()
    return [digits[at : at + 32] for at in range(0, len(digits), 32)]


def _files(spec: Dailies) -> Iterator[tuple[str, list[str]]]:
    """Relative paths and lines: a day's full record arrives the day after, a partial one on the day itself."""
    rng = np.random.default_rng([spec.seed, 1, spec.monday.toordinal()])
    ids = np.array(user_ids(spec))
    finished: list[str] = []
    for index in range(8):
        lines = finished
        if index < 7:
            day = spec.monday + timedelta(days=index)
            full = _full_days(rng, spec.people, day)
            finished = _lines(ids, full)
            early = np.sort(rng.choice(spec.people, int(spec.people * RESEND_SHARE), replace=False))
            lines = lines + _lines(ids[early], _so_far(rng, {name: of[early] for name, of in full.items()}, day))
        arrival = spec.monday + timedelta(days=index)
        order = rng.permutation(len(lines))
        for number, part in enumerate(np.array_split(order, spec.files_per_date)):
            chosen = [lines[at] for at in part]
            _spoil(rng, chosen, spec.bad_share)
            yield f"raw/daily/date={arrival}/dailies-{spec.monday}-{number:02d}.jsonl", chosen


def _full_days(rng: np.random.Generator, people: int, day: date) -> dict[str, Values]:
    """A day of everybody, midnight to midnight; relations between fields hold, durations are whole minutes."""
    steps = rng.gamma(5.0, 1500.0, people).astype(np.int64) % 60_000
    resting = rng.integers(45, 75, people)
    low = resting - rng.integers(0, 8, people)
    high = resting + rng.integers(40, 110, people)
    moderate, vigorous = rng.integers(0, 60, people) * 60, rng.integers(0, 25, people) * 60
    bands = [rng.integers(a, b, people) * 60 for a, b in ((200, 500), (50, 200), (20, 120), (0, 60), (10, 150))]
    rest_stress, low_stress, medium_stress, high_stress, active_stress = bands
    stress = rng.integers(15, 60, people)
    charged, drained = rng.integers(20, 90, people), rng.integers(20, 90, people)
    samples = [rng.integers(low, high + 1) for _ in SAMPLE_OFFSETS]
    start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) - OFFSET_SECONDS
    values: list[Any] = [
        day.isoformat(), "WALKING", start, OFFSET_SECONDS, DAY_SECONDS, steps,
        np.round(steps * rng.uniform(0.6, 0.8, people), 1), moderate + vigorous + rng.integers(0, 60, people) * 60,
        steps // 20, rng.integers(1200, 1900, people), moderate, vigorous,
        steps // 900, low, resting + rng.integers(5, 25, people), high, resting, *samples,
        stress, stress + rng.integers(10, 40, people), low_stress + medium_stress + high_stress, rest_stress,
        active_stress, low_stress, medium_stress, high_stress, QUALIFIERS[rng.integers(0, len(QUALIFIERS), people)],
        charged, drained, 500 * rng.integers(10, 25, people),
        (start + DAY_SECONDS + rng.integers(9 * 3600 + 60, 20 * 3600, people)) * 1000 + rng.integers(0, 1000, people),
    ]  # fmt: skip
    return {name: np.broadcast_to(value, people) for name, value in zip(_names(), values, strict=True)}


def _so_far(rng: np.random.Generator, full: dict[str, Values], day: date) -> dict[str, Values]:
    """The same days as an earlier sync saw them: shorter, with less of everything that grows."""
    people = len(full["steps"])
    duration = rng.integers(600, 1380, people) * 60
    share = duration / DAY_SECONDS
    minutes = [name for name in full if name.endswith("DurationInSeconds") or name == "activeTimeInSeconds"]
    counts = ["steps", "activeKilocalories", "bmrKilocalories", "floorsClimbed"]
    start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) - OFFSET_SECONDS
    # Between the day's own midnight in UTC and the next, so it arrives on the day it describes.
    received = np.maximum(start + duration, start + OFFSET_SECONDS) * 1000 + rng.integers(0, 1000, people)
    return {
        **full,
        **{name: (full[name] * share).astype(np.int64) for name in counts},
        **{name: (full[name] * share).astype(np.int64) // 60 * 60 for name in minutes},
        "distanceInMeters": np.round(full["distanceInMeters"] * share, 1),
        "durationInSeconds": duration,
        "_received_at": received,
    }


def _names() -> list[str]:
    """Names of a line's values after userId and summaryId, in order; samples by their offset."""
    names = [part.rsplit('"', 2)[-2] for part in TEMPLATE.replace('"%s', "%s").split(":%")[:-1]]
    return names[2:]


def _lines(ids: Values, values: dict[str, Values]) -> list[str]:
    starts, durations = values["startTimeInSeconds"].tolist(), values["durationInSeconds"].tolist()
    users = ids.tolist()
    summaries = [f"x{u[:7]}-{s:x}-{d:x}" for u, s, d in zip(users, starts, durations, strict=True)]
    stamps = np.datetime_as_string(values["_received_at"].astype("datetime64[ms]")).tolist()
    columns = [column.tolist() for name, column in values.items() if name != "_received_at"]
    return [TEMPLATE % row for row in zip(users, summaries, *columns, stamps, strict=True)]


def _spoil(rng: np.random.Generator, lines: list[str], share: float) -> None:
    """Make a share of the lines such as need the slow path: broken off, numbers as text, sentinels, news."""
    spoiled = rng.choice(len(lines), int(len(lines) * share), replace=False).tolist()
    for kind, at in enumerate(spoiled):
        line = lines[at]
        lines[at] = (
            line[: len(line) // 2],
            line.replace('"durationInSeconds":86400', '"durationInSeconds":"86400"'),
            line.replace('"averageStressLevel":', '"averageStressLevel":-'),
            line.replace(',"steps":', ',"newField":{"a":1},"steps":'),
        )[kind % 4]


def read_all(folder: Path) -> int:
    """Read every raw file once, so that each variant finds them in the page cache; how many bytes there are."""
    return sum(len(path.read_bytes()) for path in raw_files(folder))


def raw_files(folder: Path) -> list[Path]:
    """All raw files, in the order of their dates."""
    return sorted(chain(folder.glob("raw/daily/date=*/*.jsonl")))
