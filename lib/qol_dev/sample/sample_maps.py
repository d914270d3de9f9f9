"""Sample maps: the series inside a record (maps by offset, stages of a night) from one set of curves."""

from collections.abc import Mapping
from itertools import compress, pairwise
from typing import Any

import numpy as np

from qol.contracts.fields import Field
from qol_dev.sample.lived import BLANK, LEVELS, Batch
from qol_dev.sample.sample_options import DAY_S
from qol_dev.sample.truth import TRUTH, Truth

_OFTENEST_S = 300


class SampleMap:
    """Makes `{offset: value}` maps that follow a curve, a truth, or the example's own mean.

    `steps` are the seconds between samples; a second number is that of some users' whole days.
    """

    def __init__(self, field: Field, text: str, node: Mapping[str, Any], habit: Mapping[str, Any]) -> None:
        rule = field.samples
        assert rule is not None
        self._text, self._usual = text, sum(float(value) for value in node.values()) / len(node)
        self._curve = habit.get("curves", {}).get(text, "")
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
        if self._curve in BLANK:
            rows = b.curve(self._curve)
            values = rows[:, np.arange(width) * step * rows.shape[1] // DAY_S]
        else:
            values = np.clip(_noisy(b, TRUTH.get(self._curve), self._usual, self._text, width), self._low, self._high)
        known = np.arange(width) * step < np.maximum(b.seconds, step)[:, None]
        if self._low is not None:
            known &= values >= self._low
        keys = [str(second) for second in range(0, width * step, step)]
        pairs = [zip(keys, row, strict=True) for row in values.tolist()]
        for n in np.flatnonzero(~known.all(axis=1)).tolist():
            pairs[n] = compress(pairs[n], known[n].tolist())
        return [dict(of_record) for of_record in pairs]


def _noisy(b: Batch, truth: Truth | None, usual: float, place: str, width: int) -> Any:
    """Deliveries x samples: noise around a truth or the example's mean."""
    mean = truth(b) if truth else usual * (1.0 + 0.05 * b.world.options.normal(place, b.user))
    spread = np.abs(mean) * np.where(np.abs(mean) > 60.0, 0.012, 0.04)
    return (mean[:, None] + spread[:, None] * b.rows(place, width)).round(1)


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


def stage_list(start: str, end: str, stage: str, codes: Mapping[str, str], b: Batch) -> list[Any]:
    """The stretches of the night, level by level, with times in UTC and the code of their level."""

    def written(found: Mapping[str, int], level: str) -> dict[str, str]:
        times = {name: f"{np.datetime64(found[name], 's')}Z" for name in (start, end)}
        return {**times, stage: codes[level]}

    return [
        [written(found, level) for level, stretches in levels.items() for found in stretches]
        for levels in stage_map(start, end, b)
    ]
