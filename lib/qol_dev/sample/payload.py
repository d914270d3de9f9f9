"""Payload: the fullest example of a contract, moved to other users' days, with what they lived in place of its values."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from qol.contracts.fields import Field
from qol.contracts.source import SourceContract
from qol_dev.sample.example_times import DATE, INSTANT, Anchor, Record, at, fullest, moved, offset_text, placed
from qol_dev.sample.lived import Batch
from qol_dev.sample.lives import ZONE_AT
from qol_dev.sample.sample_maps import SampleMap, phases, series, stage_map
from qol_dev.sample.truth import TRUTH, Truth

#: From a batch to one value per delivery; None where the record says nothing.
Maker = Callable[[Batch], list[Any]]

_SCALED = re.compile(r"(\w+)(?: ([*/]) ([0-9.]+))?")
_OFFSET = re.compile(r"[+-]\d\d:?\d\d")
_END = re.compile(r"(^|_)end|End")
_UUID_LENGTH = 36


class Payload:
    """Makes the records of one type; `habit` is its entry of habits.yaml, empty for a device nobody has described."""

    def __init__(self, contract: SourceContract, name: str, kind: str, habit: Mapping[str, Any]) -> None:
        self.contract, self.name, self.habit = contract, name, habit
        root, told = fullest(contract)[1], habit.get("values", {})
        self._anchor = Anchor(contract, kind)
        self._fields = placed(contract, root)
        self._makers = dict(self._declared(root))
        self._makers |= {path: self._habitual(path, spec, at(root, path)) for path, spec in told.items()}
        self._rows = self._column({**dict.fromkeys(path for path in told if "." not in path), **root}, ())

    @property
    def person(self) -> str:
        """The name under which a record says whose it is."""
        return self.contract.person[0]

    def rows(self, b: Batch) -> list[Record]:
        """One record per delivery; the devices of every third user are older and do not send all."""
        rows = self._rows(b)
        for name in self.habit.get("older", ()):
            for n in np.flatnonzero(b.user % 3 == 0):
                rows[n].pop(name, None)
        return rows

    def owner_ids(self, b: Batch) -> list[Any]:
        """The ids by which the vendor knows the users."""
        ids = b.world.owners.ids[self.contract.source]
        return [ids[user] for user in b.user.tolist()]

    def _declared(self, root: Record) -> Iterator[tuple[str, Maker]]:
        """Makers of ids, ends, samples and of what the contract maps to a daily metric."""
        metrics = dict(_inverted(self.contract))
        for text, field in self._fields.items():
            node = at(root, text)
            if field.samples is not None:
                yield from self._sampled(text, field, node)
            elif field.type == "document_id" and isinstance(node, str):
                yield text, partial(_ids, self.habit.get("ids", self.name), len(node) == _UUID_LENGTH)
            elif field.name in ("duration_seconds", "duration") and field.unit == "s":
                yield text, partial(_measured, TRUTH["duration_s"], 1.0, field, node)
            elif field.type in ("instant", "epoch_seconds") and _END.search(text):
                yield text, partial(moved, node, lambda b: b.start_s + b.seconds)
            elif field.name in metrics:
                yield text, partial(_measured, *metrics[field.name], field, node)
        yield self.person, self.owner_ids

    def _sampled(self, text: str, field: Field, node: object) -> Iterator[tuple[str, Maker]]:
        rule = field.samples
        if rule is not None and rule.characters:
            yield text, phases
        elif isinstance(node, dict) and node and all(key.isdigit() for key in node):
            yield text, SampleMap(self.contract, field, text, node, self.habit)
        elif rule is not None and isinstance(node, dict) and rule.start and rule.end:
            yield text, partial(stage_map, rule.start, rule.end)

    def _habitual(self, path: str, spec: object, node: object) -> Maker:
        """What habits.yaml says of a path: a truth, perhaps `name * 60`; a list to choose from; or a constant."""
        if isinstance(spec, list):
            return lambda b: [spec[int(n)] for n in b.world.options.chance(path, b.user, b.day) * len(spec)]
        found = _SCALED.fullmatch(spec) if isinstance(spec, str) else None
        if found and found[1] in TRUTH:
            return partial(_measured, TRUTH[found[1]], _factor(found), self._fields.get(path), node)
        return partial(_constant, spec)

    def _column(self, node: object, path: tuple[str, ...]) -> Maker:
        text = ".".join(path)
        if text in self._makers:
            return self._makers[text]
        if isinstance(node, dict) and isinstance(node.get("items"), list) and "interval" in node:
            begins = partial(moved, node["timestamp"], lambda b: b.start_s)
            return lambda b: series(node, text, begins(b), b)
        if isinstance(node, dict):
            return partial(_assembled, {name: self._column(child, (*path, name)) for name, child in node.items()})
        if isinstance(node, list) and node:
            columns = [self._column(child, (*path, str(n))) for n, child in enumerate(node)]
            return lambda b: [list(row) for row in zip(*[column(b) for column in columns], strict=True)]
        return self._word(node) if isinstance(node, str) else self._number(node, text)

    def _word(self, node: str) -> Maker:
        """Times move, offsets and zones are those of the place; everything else stays."""
        if DATE.fullmatch(node) or INSTANT.fullmatch(node):
            return partial(moved, node, self._anchor.moments(node))
        if _OFFSET.fullmatch(node):
            return lambda b: [offset_text(offset_s, ":" in node) for offset_s in b.offset_s.tolist()]
        if node == "Asia/Tokyo":
            return lambda b: [ZONE_AT[offset_s] for offset_s in b.offset_s.tolist()]
        if node == "secret":
            return lambda b: [f"fake-{user:08x}" if user % 4 == 0 else None for user in b.user.tolist()]
        return partial(_constant, node)

    def _number(self, node: object, text: str) -> Maker:
        """Times move, offsets are those of the place, numbers vary within their range; everything else stays."""
        field = self._fields.get(text)
        if isinstance(node, bool) or not isinstance(node, int | float):
            return partial(_constant, node)
        if "ffset" in text and node % 900 == 0:
            return lambda b: list(b.offset_s.tolist())
        if self._anchor.is_near(node):
            return partial(moved, node, self._anchor.moments(node))
        if field is not None and field.low is not None and field.high is not None:
            return partial(_varied, field, field.low, field.high, float(node))
        return partial(_constant, node)


def _inverted(contract: SourceContract) -> Iterator[tuple[str, tuple[Truth, float]]]:
    """From a column to the daily metric that is the column times or over a number, and by what to multiply it."""
    for metric, expressions in contract.gives.items():
        found = _SCALED.fullmatch(expressions[0])
        if found and metric in TRUTH:
            yield found[1], (TRUTH[metric], 1 / _factor(found))


def _factor(scaled: re.Match[str]) -> float:
    number = float(scaled[3] or 1)
    return 1 / number if scaled[2] == "/" else number


def _constant(value: object, b: Batch) -> list[Any]:
    return [value] * len(b)


def _assembled(columns: Mapping[str, Maker], b: Batch) -> list[Record]:
    names = list(columns)
    rows = zip(*[column(b) for column in columns.values()], strict=True)
    return [{name: value for name, value in zip(names, row, strict=True) if value is not None} for row in rows]


def _measured(truth: Truth, factor: float, field: Field | None, node: object, b: Batch) -> list[Any]:
    """A truth in the field's unit and range; where it is not known a negative sentinel, if the vendor has one, or nothing."""
    values = np.asarray(truth(b), dtype=float) * factor
    declared, unknown = "", None
    if field is not None:
        values = values if field.low is None and field.high is None else np.clip(values, field.low, field.high)
        declared, unknown = field.type, min((s for s in field.sentinels if s < 0), default=None)
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    is_whole = declared == "integer" or (declared != "number" and isinstance(node, int | str))
    rounded = (np.rint(filled).astype(np.int64) if is_whole else filled.round(2 if factor >= 1 else 4)).tolist()
    if isinstance(node, str):
        return [str(number) for number in rounded]
    return [number if has else unknown for number, has in zip(rounded, known.tolist(), strict=True)]


def _varied(field: Field, low: float, high: float, usual: float, b: Batch) -> list[Any]:
    """The example's number, other for every user and a little every day, within the field's range."""
    spread = 0.2 * (high - low) if high - low <= 10 else 0.12 * abs(usual)
    noise = 0.7 * b.world.options.normal(field.name, b.user) + 0.7 * b.noise(field.name)
    values = np.clip(usual + spread * noise, low, high)
    return list((np.rint(values).astype(np.int64) if field.type == "integer" else values.round(2)).tolist())


def _ids(name: str, long: bool, b: Batch) -> list[Any]:
    """Ids per user, day and number: a uuid, the same for every version, or a short one that tells start and length."""
    place = np.asarray(zlib.crc32(name.encode()))
    first, second = (b.world.options.hashed(f"id{n}", place, b.user, b.day, b.number).tolist() for n in (0, 1))
    if long:
        texts = (f"{high:016x}{low:016x}" for high, low in zip(first, second, strict=True))
        return [f"{t[:8]}-{t[8:12]}-4{t[13:16]}-a{t[17:20]}-{t[20:]}" for t in texts]
    spans = zip(first, b.start_s.tolist(), b.seconds.tolist(), strict=True)
    return [f"x{number & 0xFFFFFFF:07x}-{start:x}-{seconds:x}" for number, start, seconds in spans]
