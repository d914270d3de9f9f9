"""Payload: the fullest example of a contract, moved to other users' days, with what they lived in place of its values."""

from __future__ import annotations

import datetime as dt
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from itertools import compress
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from qol.contracts.source_model import Example, Field, SourceContract
from qol_dev.sample.curves import LEVELS
from qol_dev.sample.lived import Batch
from qol_dev.sample.lives import ZONE_AT
from qol_dev.sample.sample_options import DAY_S, Floats, Ints
from qol_dev.sample.truth import TRUTH

Record = dict[str, Any]
#: From a batch to one value per delivery; None where the record says nothing.
Maker = Callable[[Batch], list[Any]]

_SCALED = re.compile(r"(\w+)(?: ([*/]) ([0-9.]+))?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d(\.\d+)?(Z| ?[+-]\d\d:?\d\d)")
_OFFSET = re.compile(r"[+-]\d\d:?\d\d")
_END = re.compile(r"(^|_)end|End")
_NEAR_S = 40 * DAY_S
#: What a map of samples follows where no habit says so, by the unit of the field that is made of it.
_CURVE_OF_UNIT = {
    "bpm": "mean_hr_bpm",
    "%": "spo2_mean_pct",
    "breaths/min": "respiration_mean_brpm",
    "ms": "hrv_rmssd_ms",
}
_OFTENEST_S = 300


class Payload:
    """Makes the records of one type; `habit` is its entry of habits.yaml, empty for a device nobody has described."""

    def __init__(self, contract: SourceContract, name: str, kind: str, habit: Mapping[str, Any]) -> None:
        self.contract, self.name, self.habit = contract, name, habit
        example, root = fullest(contract)
        self._seconds_of = _Anchor(contract, example, root, kind)
        self._fields = {".".join(path): field for field, path in _placed(contract, root)}
        self._makers = dict(self._declared(root))
        self._makers |= {path: self._habitual(path, spec, root) for path, spec in habit.get("values", {}).items()}
        root |= {path: spec for path, spec in habit.get("values", {}).items() if "." not in path and path not in root}
        self._rows = self._column(root, ())

    def rows(self, b: Batch) -> list[Record]:
        """One record per delivery."""
        rows = self._rows(b)
        for name in self.habit.get("older", ()):
            for row, user in zip(rows, b.user.tolist(), strict=True):
                if user % 3 == 0:
                    row.pop(name, None)
        return rows

    def _declared(self, root: Record) -> Iterator[tuple[str, Maker]]:
        """Makers of ids, ends, samples and of what the contract maps to a daily metric."""
        metrics = dict(_inverted(self.contract))
        for text, field in self._fields.items():
            node = _at(root, text)
            if field.samples is not None:
                if maker := self._samples(text, field, node):
                    yield text, maker
            elif field.type == "document_id" and isinstance(node, str):
                yield text, partial(document_ids, self.habit.get("ids", self.name), len(node) > 30)
            elif field.name in ("duration_seconds", "duration") and field.unit == "s":
                yield text, partial(_measured, TRUTH["duration_s"], 1.0, field, node)
            elif field.type in ("instant", "epoch_seconds") and _END.search(text):
                yield text, partial(_moved, node, lambda b: b.start_s + b.seconds)
            elif field.name in metrics and metrics[field.name][0] in TRUTH:
                metric, factor = metrics[field.name]
                yield text, partial(_measured, TRUTH[metric], factor, field, node)
        yield self.person, self.owner_ids

    @staticmethod
    def truth(name: str, b: Batch) -> Any:
        """The named truth of a batch."""
        return TRUTH[name](b)

    def _habitual(self, path: str, spec: object, root: Record) -> Maker:
        """What habits.yaml says of a path: a truth, perhaps `name * 60`; a list to choose from; or a constant."""
        if isinstance(spec, list):
            return lambda b: [spec[int(at)] for at in b.world.options.chance(path, b.user, b.day) * len(spec)]
        found = _SCALED.fullmatch(spec) if isinstance(spec, str) else None
        if found and found[1] in TRUTH:
            factor = float(found[3] or 1)
            factor = 1 / factor if found[2] == "/" else factor
            return partial(_measured, TRUTH[found[1]], factor, self._fields.get(path), _at(root, path))
        return lambda b: [spec] * len(b)

    def _column(self, node: object, path: tuple[str, ...]) -> Maker:
        text = ".".join(path)
        if text in self._makers:
            return self._makers[text]
        if isinstance(node, dict):
            if isinstance(node.get("items"), list) and "interval" in node:
                return partial(self._series, node, text)
            return partial(_assembled, {name: self._column(child, (*path, name)) for name, child in node.items()})
        if isinstance(node, list):
            columns = [self._column(child, (*path, str(n))) for n, child in enumerate(node)]
            return lambda b: (
                [list(row) for row in zip(*[c(b) for c in columns], strict=True)] if columns else [[]] * len(b)
            )
        return self._leaf(node, text)

    def _leaf(self, node: object, text: str) -> Maker:
        """Times move, offsets and zones are those of the place, numbers vary within their range; the rest stays."""
        field = self._fields.get(text)
        if isinstance(node, str):
            if _DATE.fullmatch(node) or _INSTANT.fullmatch(node):
                return partial(_moved, node, self._seconds_of(node))
            if _OFFSET.fullmatch(node):
                return lambda b: [offset_text(o, ":" in node) for o in b.offset_s.tolist()]
            if node == "Asia/Tokyo":
                return lambda b: [ZONE_AT[o] for o in b.offset_s.tolist()]
        elif isinstance(node, int | float) and not isinstance(node, bool):
            if "ffset" in text and node % 900 == 0:
                return lambda b: b.offset_s.tolist()
            if self._seconds_of.is_near(node):
                return partial(_moved, node, self._seconds_of(node))
            if field is not None and field.low is not None and field.high is not None:
                return partial(_varied, field, float(node), text)
        return _Constant(node)

    @property
    def person(self) -> str:
        """The name under which a record says whose it is."""
        return self.contract.person[0]

    def owner_ids(self, b: Batch) -> list[Any]:
        """The ids by which the vendor knows the users."""
        ids = b.world.owners.ids[self.contract.source]
        return [ids[user] for user in b.user.tolist()]

    def _samples(self, text: str, field: Field, node: object) -> Maker | None:
        rule = field.samples
        assert rule is not None
        if isinstance(node, str) and rule.characters:
            return _phases
        if isinstance(node, dict) and node and all(key.isdigit() for key in node):
            return partial(
                self._map, text, *self._curve(text, field, [float(v) for v in node.values()]), self._steps(text, node)
            )
        if isinstance(node, dict) and rule.start and rule.end:
            return partial(_stage_map, rule.start, rule.end)
        return None

    def _curve(self, text: str, field: Field, given: list[float]) -> tuple[str, float, Field]:
        """What a map follows (the name of a curve or truth), else the mean of the example's own values."""
        of_path = [
            f for f in self.contract.fields if f.paths == field.paths and f.samples and f.samples.reduce != "count"
        ]
        ruled = (of_path or [field])[0]
        name = self.habit.get("curves", {}).get(text) or _CURVE_OF_UNIT.get(str(ruled.unit), "")
        return name, sum(given) / len(given), ruled

    def _steps(self, text: str, node: Mapping[str, object]) -> list[int]:
        """Seconds between samples; two numbers where some users' final records are denser."""
        offsets = sorted(int(key) for key in node)
        gaps = [b - a for a, b in zip(offsets, offsets[1:], strict=False)] or [_OFTENEST_S]
        steps = self.habit.get("every", {}).get(text, max(min(gaps), _OFTENEST_S))
        return steps if isinstance(steps, list) else [steps]

    def _map(self, text: str, curve: str, usual: float, field: Field, steps: list[int], b: Batch) -> list[Any]:
        dense = (b.seconds == DAY_S) & (b.user % 10 < 3 * (len(steps) - 1))
        sparse = self._one_map(text, curve, usual, field, steps[0], b)
        if not dense.any():
            return sparse
        for at, full in zip(
            np.flatnonzero(dense), self._one_map(text, curve, usual, field, steps[1], b.take(dense)), strict=True
        ):
            sparse[at] = full
        return sparse

    def _one_map(self, text: str, curve: str, usual: float, field: Field, step: int, b: Batch) -> list[Any]:
        width = max(int(b.seconds.max()) // step, 1)
        values = _curve_values(b, curve, usual, text, step, width)
        rule = field.samples
        assert rule is not None
        low = rule.states_low if rule.states_low is not None else rule.low if rule.low is not None else -np.inf
        known = (np.arange(width) * step < np.maximum(b.seconds, step)[:, None]) & (values >= low)
        keys = _keys(step)[:width]
        rows = (values if np.issubdtype(values.dtype, np.integer) else values.round(1)).tolist()
        for at in np.flatnonzero(~known.all(axis=1)):
            has = known[at].tolist()
            rows[at] = zip(compress(keys, has), compress(rows[at], has), strict=True)
        return [dict(row if isinstance(row, zip) else zip(keys, row, strict=True)) for row in rows]

    def _series(self, node: Record, text: str, b: Batch) -> list[Any]:
        """A list of one value per interval, with a gap now and then."""
        given = [value for value in node["items"] if value is not None]
        step = int(node["interval"])
        width = max(int(b.seconds.max()) // step, 1)
        values = _curve_values(b, "", sum(given) / len(given), text, step, width).round(1).tolist()
        begins = _moved(node["timestamp"], lambda b: b.start_s, b)
        last = (b.seconds // step).tolist()
        gaps = (b.user + b.day) % 23
        return [
            {
                "interval": node["interval"],
                "items": [None if n % 23 == gap else v for n, v in enumerate(row[:end])],
                "timestamp": at,
            }
            for row, end, at, gap in zip(values, last, begins, gaps.tolist(), strict=True)
        ]


class _Constant:
    """A maker of the same value for everybody."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __call__(self, b: Batch) -> list[Any]:
        return [self.value] * len(b)


class _Anchor:
    """When the example is: of days their local midnight, of everything else its start."""

    def __init__(self, contract: SourceContract, example: Example, root: Record, kind: str) -> None:
        dated = contract.by_name.get(contract.day.date or "")
        written = [_at(root, ".".join(path)) for path in dated.paths] if dated else []
        told = next((day for day in written if day), (example.expect or {}).get("day", example.arrival))
        self.day_s = (dt.date.fromisoformat(str(told)) - dt.date(1970, 1, 1)).days * DAY_S
        self.offset_s = int((example.expect or {}).get("utc_offset_seconds") or 32_400)
        self.start_s = self.day_s - self.offset_s
        self.is_day = kind == "day" or contract.day.start is None
        begins = contract.episodes.start if contract.episodes else contract.source_timestamp
        field = contract.by_name.get(begins or contract.day.start or "") or contract.by_name.get(
            contract.day.start or ""
        )
        found = [node for path in (field.paths if field else ()) if (node := _at(root, ".".join(path))) is not None]
        if found and not self.is_day:
            self.start_s = _seconds(found[0])

    def is_near(self, number: float) -> bool:
        """Whether a number can only be a time about the example's."""
        return min(abs(number - self.start_s), abs(number / 1_000 - self.start_s)) < _NEAR_S

    def __call__(self, node: object) -> Callable[[Batch], Ints]:
        """From a batch to where the example's time moves to: a date by whole days, a moment with the start."""
        if isinstance(node, str) and _DATE.fullmatch(node):
            days = (_seconds(node) - self.day_s) // DAY_S
            return lambda b: b.midnight_s + days * DAY_S
        after = _seconds(node) - self.start_s
        return lambda b: (b.midnight_s if self.is_day else b.start_s) + after


def fullest(contract: SourceContract) -> tuple[Example, Record]:
    """The example that fills the most fields and in which nothing was nulled, and its payload without a stamp."""
    best = max(
        (e for e in contract.examples if e.reject is None and not e.nulled),
        key=lambda e: len(list(_placed(contract, msgspec.json.decode(e.raw)))),
    )
    return best, {name: node for name, node in msgspec.json.decode(best.raw).items() if name != "_received_at"}


def _placed(contract: SourceContract, root: Record) -> Iterator[tuple[Field, tuple[str, ...]]]:
    """Fields and the first of their paths that the payload has."""
    for field in contract.fields:
        path = next((path for path in field.paths if _at(root, ".".join(path)) is not None), None)
        if path is not None:
            yield field, path


def _at(root: object, text: str) -> Any:
    for name in text.split("."):
        root = root.get(name) if isinstance(root, dict) else None
    return root


def _inverted(contract: SourceContract) -> Iterator[tuple[str, tuple[str, float]]]:
    """From a column to the daily metric that is the column times or over a number, and by what to multiply it."""
    for metric, expressions in contract.gives.items():
        found = _SCALED.fullmatch(expressions[0])
        if found:
            number = float(found[3] or 1)
            yield found[1], (metric, number if found[2] == "/" else 1 / number)


def _assembled(columns: Mapping[str, Maker], b: Batch) -> list[Record]:
    names = list(columns)
    rows = zip(*[column(b) for column in columns.values()], strict=True)
    return [{name: value for name, value in zip(names, row, strict=True) if value is not None} for row in rows]


def _measured(truth: Callable[[Batch], Any], factor: float, field: Field | None, node: object, b: Batch) -> list[Any]:
    """A truth in the field's unit and range; a negative sentinel, if the vendor has one, or nothing where it is not known."""
    values = np.asarray(truth(b), dtype=float) * factor
    if field is not None and field.low is not None and field.high is not None:
        values = np.clip(values, field.low, field.high)
    known = ~np.isnan(values)
    declared = field.type if field is not None else ""
    is_whole = declared == "integer" or (declared != "number" and isinstance(node, int | str))
    filled = np.where(known, values, 0.0)
    rounded = np.rint(filled).astype(np.int64).tolist() if is_whole else filled.round(2 if factor >= 1 else 4).tolist()
    if isinstance(node, str):
        return [str(number) for number in rounded]
    unknown = min((s for s in field.sentinels if s < 0), default=None) if field is not None else None
    return rounded if known.all() else [v if has else unknown for v, has in zip(rounded, known.tolist(), strict=True)]


def _varied(field: Field, usual: float, text: str, b: Batch) -> list[Any]:
    """The example's number, other for every user and a little every day, within the field's range."""
    low, high = field.low or 0.0, field.high or 0.0
    spread = 0.2 * (high - low) if high - low <= 10 else 0.12 * abs(usual)
    noise = 0.7 * b.world.options.normal(text, b.user) + 0.7 * b.noise(text)
    values = np.clip(usual + spread * noise, low, high)
    return np.rint(values).astype(np.int64).tolist() if field.type == "integer" else values.round(2).tolist()


def _curve_values(b: Batch, curve: str, usual: float, place: str, step: int, width: int) -> NDArray[Any]:
    """Deliveries x samples: heart, stress or battery as lived, else noise around a truth or the example's mean."""
    if curve in ("heart", "stress", "battery"):
        rows: NDArray[Any] = getattr(b, curve).astype(np.int16)
        each = DAY_S // rows.shape[1]
        if step >= each:
            return rows[:, :: step // each][:, :width]
        jitter = np.resize(np.array([0, 1, -1, 0, 1, 0, -1], dtype=np.int16), DAY_S // step)
        finer = np.repeat(rows, each // step, axis=1)
        return np.where(finer > 0, finer + jitter * (finer < finer.max(axis=1, keepdims=True)), finer)[:, :width]
    mean: Floats = np.asarray(TRUTH[curve](b) if curve else np.full(len(b), usual), dtype=float)
    spread = (np.abs(mean) * np.where(np.abs(mean) > 60.0, 0.012, 0.04))[:, None]
    drawn = b.world.options.normal(place, b.user[:, None], b.day[:, None], np.arange(width)[None, :])
    values: NDArray[Any] = mean[:, None] + spread * drawn
    return np.rint(values).astype(np.int64) if curve in ("hrv_rmssd_ms", "spo2_mean_pct") else values


@lru_cache
def _keys(step: int) -> list[str]:
    return [str(second) for second in range(0, DAY_S, step)]


def _phases(b: Batch) -> list[Any]:
    """A digit per five minutes of the night."""
    digits = [{"deep": "1", "light": "2", "rem": "3", "awake": "4"}[level] for level in LEVELS]
    begins, ends = b.stretches
    return ["".join(d * n for d, n in zip(digits, row, strict=True))[::5] for row in (ends - begins).tolist()]


def _stage_map(start: str, end: str, b: Batch) -> list[Any]:
    """By level the stretches of the night, Unix time."""
    begins, ends = (60 * (minutes + (b.start_s // 60)[:, None]) for minutes in _since_start(b))
    maps: list[dict[str, list[dict[str, int]]]] = []
    for firsts, lasts in zip(begins.tolist(), ends.tolist(), strict=True):
        levels: dict[str, list[dict[str, int]]] = {}
        for level, first, last in zip(LEVELS, firsts, lasts, strict=True):
            if last > first:
                levels.setdefault(level, []).append({start: first, end: last})
        maps.append(levels)
    return maps


def _since_start(b: Batch) -> tuple[Ints, Ints]:
    begins, ends = b.stretches
    return begins - begins[:, :1], ends - begins[:, :1]


def document_ids(name: str, long: bool, b: Batch) -> list[Any]:  # noqa: FBT001
    """A uuid, or a short id, per user, day and start of the record; the same for every version of a document."""
    place = zlib.crc32(name.encode())
    first, second = (
        b.world.options.hashed(f"id{n}", np.asarray(place), b.user, b.day, b.number).tolist() for n in (0, 1)
    )
    if long:
        texts = (f"{a:016x}{c:016x}" for a, c in zip(first, second, strict=True))
        return [f"{t[:8]}-{t[8:12]}-4{t[13:16]}-a{t[17:20]}-{t[20:]}" for t in texts]
    return [
        f"x{a & 0xFFFFFFF:07x}-{start:x}-{s:x}"
        for a, start, s in zip(first, b.start_s.tolist(), b.seconds.tolist(), strict=True)
    ]


def _moved(node: object, moments: Callable[[Batch], Ints], b: Batch) -> list[Any]:
    """Those moments, written as the example writes its own: seconds, milliseconds, a date, or text with an offset."""
    seconds = moments(b)
    if not isinstance(node, str):
        return (seconds * (1_000 if isinstance(node, int) and node > 10**11 else 1)).tolist()
    return texts(seconds, b.offset_s, node)


def texts(seconds: Ints, offset_s: Ints, like: str) -> list[Any]:
    """Moments as text in the manner of another one; UTC stays UTC, everything else is local time."""
    found = _INSTANT.fullmatch(like)
    in_utc = found is not None and found[3] in ("Z", "+00:00")
    local = seconds if in_utc else seconds + offset_s
    written = np.datetime_as_string(local.astype("datetime64[s]")).tolist()
    if found is None:
        return [text[:10] for text in written]
    if in_utc:
        return [text + found[3] for text in written]
    blank = " " if found[3].startswith(" ") else ""
    offsets = [f"{blank}{offset_text(o, ':' in found[3])}" for o in offset_s.tolist()]
    return [text.replace("T", found[1]) + offset for text, offset in zip(written, offsets, strict=True)]


@lru_cache
def offset_text(offset_s: int, colon: bool = True) -> str:  # noqa: FBT001, FBT002
    """The offset alone, such as +09:00."""
    hours, minutes = divmod(abs(offset_s) // 60, 60)
    return f"{'-' if offset_s < 0 else '+'}{hours:02d}{':' if colon else ''}{minutes:02d}"


def _seconds(node: object) -> int:
    """Unix time of an example's time, whichever way it is written."""
    if isinstance(node, str) and not node.isdigit():
        parsed = dt.datetime.fromisoformat(node.replace(" +", "+").replace(" -", "-"))
        return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=dt.UTC)).timestamp())
    number = float(str(node))
    return int(number / 1_000 if number > 10**11 else number)
