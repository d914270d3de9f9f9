"""Sample maps: the series inside a record (maps by offset, lists per interval, stages of a night) from one set of curves."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import compress, pairwise
from typing import Any

import numpy as np

from qol.contracts.fields import Field
from qol.contracts.source import SourceContract
from qol_dev.sample.curves import LEVELS
from qol_dev.sample.lived import Batch
from qol_dev.sample.sample_options import DAY_S
from qol_dev.sample.truth import TRUTH

#: What a map of samples follows where no habit says so, by the unit of the field that is made of it.
_TRUTH_OF_UNIT = {
    "bpm": "mean_hr_bpm",
    "%": "spo2_mean_pct",
    "breaths/min": "respiration_mean_brpm",
    "ms": "hrv_rmssd_ms",
}
_LIVED = ("heart", "stress", "battery")
_WHOLE = ("hrv_rmssd_ms", "spo2_mean_pct")
_OFTENEST_S = 300
_JITTER = np.array([0, 1, -1, 0, 1, 0, -1], dtype=np.int16)


class SampleMap:
    """Makes `{offset: value}` maps that follow a curve, a truth, or the example's own mean.

    `steps` are the seconds between samples; a second number is that of some users' whole days.
    """

    def __init__(
        self, contract: SourceContract, field: Field, text: str, node: Mapping[str, Any], habit: Mapping[str, Any]
    ) -> None:
        ruled = [f for f in contract.fields if f.paths == field.paths and f.samples and f.samples.reduce != "count"]
        main = (ruled or [field])[0]
        rule = main.samples
        assert rule is not None
        self._text, self._usual = text, sum(float(value) for value in node.values()) / len(node)
        self._curve = habit.get("curves", {}).get(text) or _TRUTH_OF_UNIT.get(str(main.unit), "")
        self._low = rule.low if rule.states_low is None else rule.states_low
        self._high = rule.high
        gaps = [second - first for first, second in pairwise(sorted(map(int, node)))]
        steps = habit.get("every", {}).get(text, max(min(gaps, default=0), _OFTENEST_S))
        self._steps: list[int] = steps if isinstance(steps, list) else [steps]

    def __call__(self, b: Batch) -> list[Any]:
        """One map per delivery."""
        maps = self._maps(b, self._steps[0])
        dense = (b.seconds == DAY_S) & (b.user % 10 < 3) & (len(self._steps) > 1)
        if dense.any():
            for n, full in zip(np.flatnonzero(dense), self._maps(b.take(dense), self._steps[-1]), strict=True):
                maps[n] = full
        return maps

    def _maps(self, b: Batch, step: int) -> list[Any]:
        width = max(int(b.seconds.max()) // step, 1)
        values = _values(b, self._curve, self._usual, self._text, step, width)
        if self._curve not in _LIVED:
            values = np.clip(values, self._low, self._high)
        known = np.arange(width) * step < np.maximum(b.seconds, step)[:, None]
        if self._low is not None:
            known &= values >= self._low
        keys, rows = _keys(step)[:width], values.tolist()
        for n in np.flatnonzero(~known.all(axis=1)):
            has = known[n].tolist()
            rows[n] = zip(compress(keys, has), compress(rows[n], has), strict=True)
        return [dict(row if isinstance(row, zip) else zip(keys, row, strict=True)) for row in rows]


def series(node: Mapping[str, Any], text: str, begins: list[Any], b: Batch) -> list[Any]:
    """Lists of one value per interval about the mean of the example's, with a gap now and then."""
    given = [value for value in node["items"] if value is not None]
    step = int(node["interval"])
    rows = _values(b, "", sum(given) / len(given), text, step, max(int(b.seconds.max()) // step, 1)).tolist()
    for n, (last, gap) in enumerate(zip((b.seconds // step).tolist(), ((b.user + b.day) % 23).tolist(), strict=True)):
        rows[n] = rows[n][:last]
        rows[n][gap::23] = [None] * len(rows[n][gap::23])
    return [{**node, "items": row, "timestamp": begin} for row, begin in zip(rows, begins, strict=True)]


def _values(b: Batch, curve: str, usual: float, place: str, step: int, width: int) -> Any:
    """Deliveries x samples: heart, stress or battery as lived, else noise around a truth or the example's mean."""
    if curve in _LIVED:
        rows = getattr(b, curve).astype(np.int16)
        each = DAY_S // rows.shape[1]
        if step >= each:
            return rows[:, :: step // each][:, :width]
        finer = np.repeat(rows, each // step, axis=1)
        jitter = np.resize(_JITTER, finer.shape[1]) * (finer < finer.max(axis=1, keepdims=True))
        return np.where(finer > 0, finer + jitter, 0)[:, :width]
    mean = np.asarray(TRUTH[curve](b) if curve else np.full(len(b), usual), dtype=float)
    spread = np.abs(mean) * np.where(np.abs(mean) > 60.0, 0.012, 0.04)
    drawn = b.world.options.normal(place, b.user[:, None], b.day[:, None], np.arange(width)[None, :])
    values = mean[:, None] + spread[:, None] * drawn
    return np.rint(values).astype(np.int64) if curve in _WHOLE else values.round(1)


@lru_cache
def _keys(step: int) -> list[str]:
    return [str(second) for second in range(0, DAY_S, step)]


def phases(b: Batch) -> list[Any]:
    """A digit per five minutes of the night."""
    digits = [{"deep": "1", "light": "2", "rem": "3", "awake": "4"}[level] for level in LEVELS]
    begins, ends = b.stretches
    return ["".join(d * n for d, n in zip(digits, row, strict=True))[::5] for row in (ends - begins).tolist()]


def stage_map(start: str, end: str, b: Batch) -> list[Any]:
    """By level the stretches of the night, Unix time."""
    bed = (b.start_s - 60 * b.stretches[0][:, 0])[:, None]
    maps: list[dict[str, list[dict[str, int]]]] = []
    for firsts, lasts in zip(*((bed + 60 * minutes).tolist() for minutes in b.stretches), strict=True):
        levels: dict[str, list[dict[str, int]]] = {}
        for level, first, last in zip(LEVELS, firsts, lasts, strict=True):
            if last > first:
                levels.setdefault(level, []).append({start: first, end: last})
        maps.append(levels)
    return maps
