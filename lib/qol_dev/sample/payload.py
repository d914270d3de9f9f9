"""Payload: an example of a contract, moved to other users' days, with what they lived in place of its values."""

import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import msgspec
import numpy as np

from qol.contracts.example import Example
from qol.contracts.fields import Field
from qol.contracts.source import SourceContract
from qol_dev.sample.example_times import Anchor, Record, at, moved, offset_text
from qol_dev.sample.lived import LEVELS, Batch
from qol_dev.sample.lives import ZONE_AT
from qol_dev.sample.sample_maps import SampleMap, phases, stage_list, stage_map
from qol_dev.sample.truth import TRUTH, Truth

#: From a batch to one value per delivery; None where the record says nothing.
Maker = Callable[[Batch], list[Any]]

#: A column times or over a number, maybe only under a condition.
_SCALED = re.compile(r"(?:CASE WHEN .+ THEN )?(\w+)(?: ([*/]) ([0-9.]+))?(?: END)?")
#: Ids of this namespace are names of devices, which stay as they are in the example.
DEVICES = "device"
_OFFSET = re.compile(r"[+-]\d\d:?\d\d")
_END = re.compile(r"(^|_)end|End")


class Payload:
    """Makes the records of one type; `habit` is its entry of habits.yaml, empty for a device without one."""

    def __init__(self, contract: SourceContract, name: str, habit: Mapping[str, Any], usual_kind: str) -> None:
        self.contract, self.source, self.name, self.habit = contract, contract.source, name, habit
        self.kind = habit.get("of", usual_kind)
        self.person = contract.person[0]
        example = next((e for e in contract.examples if e.name == habit.get("example")), None) or _fullest(contract)
        root, values = _root(example), habit.get("values", {})
        self._anchor = Anchor(contract, example, root, self.kind)
        self._fields = _placed(contract, root)
        self._makers = dict(self._declared(root))
        self._makers |= {path: self._habitual(path, spec, at(root, path)) for path, spec in values.items()}
        self._records = self._maker({**dict.fromkeys(path for path in values if "." not in path), **root}, "")

    def rows(self, b: Batch) -> list[Record]:
        """One record per delivery; some say something else instead, as habits.yaml has it."""
        rows = self._records(b)
        if instead := self.habit.get("instead"):
            chance = b.world.options.chance(f"instead {self.name}", b.user, b.day, b.number)
            for n in np.flatnonzero(chance < instead["share"]):
                changed = rows[n] | instead["records"][n % len(instead["records"])]
                rows[n] = {name: value for name, value in changed.items() if value is not None}
        return rows

    def owner_ids(self, b: Batch) -> list[Any]:
        """The ids by which the vendor knows the users."""
        ids = b.world.ids[self.source]
        return [ids[user] for user in b.user.tolist()]

    def _declared(self, root: Record) -> Iterator[tuple[str, Maker]]:
        """Makers of ids, ends, samples and of what the contract maps to a daily metric."""
        metrics = dict(_inverted(self.contract))
        for text, field in self._fields.items():
            node = at(root, text)
            if field.samples is not None:
                yield from self._sampled(text, field, node)
            elif field.type == "document_id" and isinstance(node, str) and field.namespace != DEVICES:
                yield text, partial(_ids, self.habit.get("ids", self.name))
            elif field.name in ("duration_seconds", "duration") and field.unit == "s":
                yield text, partial(_measured, lambda b: b.seconds, 1.0, field, node)
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
            yield text, SampleMap(field, text, node, self.habit)
        elif rule is not None and isinstance(node, dict) and rule.start and rule.end:
            yield text, partial(stage_map, rule.start, rule.end)
        elif rule is not None and isinstance(node, list) and rule.start and rule.end and rule.only:
            minutes = {level: self.contract.by_name[f"{level}_minutes"].samples for level in LEVELS}
            codes = {level: min(of.only.values) for level, of in minutes.items() if of and of.only}
            yield text, partial(stage_list, rule.start, rule.end, rule.only.path[-1], codes)

    def _habitual(self, path: str, spec: object, node: object) -> Maker:
        """What habits.yaml says of a path: a truth, perhaps `name * 60`; values by version or by chance; a constant."""
        if isinstance(spec, dict):
            by_version = list(spec.values())
            return lambda b: [by_version[version] for version in b.version.tolist()]
        if isinstance(spec, list):
            return lambda b: [spec[int(n)] for n in b.world.options.chance(path, b.user, b.day) * len(spec)]
        found = _SCALED.fullmatch(spec) if isinstance(spec, str) else None
        if found and found[1] in TRUTH:
            return partial(_measured, TRUTH[found[1]], _factor(found), self._fields.get(path), node)
        return partial(_constant, spec)

    def _maker(self, node: object, text: str) -> Maker:
        if text in self._makers:
            return self._makers[text]
        if isinstance(node, dict):
            below = f"{text}." if text else ""
            return partial(_assembled, {name: self._maker(child, below + name) for name, child in node.items()})
        if isinstance(node, list):
            columns = [self._maker(child, f"{text}.{n}") for n, child in enumerate(node)]
            return lambda b: [list(row) for row in zip(*[column(b) for column in columns], strict=True)]
        return self._leaf(node, text)

    def _leaf(self, node: object, text: str) -> Maker:
        """Times move, offsets and zones are those of the place, numbers vary within their range; the rest stays."""
        field = self._fields.get(text)
        if isinstance(node, bool) or not isinstance(node, int | float | str):
            return partial(_constant, node)
        if place := _of_place(node, text):
            return lambda b: [place(offset_s) for offset_s in b.of("offset_s").tolist()]
        if self._anchor.is_time(node):
            return partial(moved, node, self._anchor.moments(node))
        if field is not None and field.low is not None and field.high is not None:
            return partial(_measured, partial(_varied, field, field.low, field.high, float(node)), 1.0, field, node)
        return partial(_constant, node)


def _of_place(node: object, text: str) -> Callable[[int], Any] | None:
    """How an offset or a zone is written, from seconds east of UTC."""
    if node == "Asia/Tokyo":
        return ZONE_AT.__getitem__
    if isinstance(node, str) and _OFFSET.fullmatch(node):
        return partial(offset_text, colon=":" in node)
    return int if isinstance(node, int) and "ffset" in text and node % 900 == 0 else None


def _root(example: Example) -> Record:
    """The payload of an example without a stamp."""
    return {name: node for name, node in msgspec.json.decode(example.raw).items() if name != "_received_at"}


def _fullest(contract: SourceContract) -> Example:
    """The example that fills the most fields and in which nothing was nulled."""
    sound = [e for e in contract.examples if e.reject is None and not e.nulled]
    return max(sound, key=lambda example: len(_placed(contract, _root(example))))


def _placed(contract: SourceContract, root: Record) -> dict[str, Field]:
    """Fields by the first of their paths that the payload has."""
    paths = [(field, [".".join(path) for path in field.paths]) for field in contract.fields]
    found = [(next((text for text in texts if at(root, text) is not None), None), field) for field, texts in paths]
    return {text: field for text, field in reversed(found) if text is not None}


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
    rows = zip(*[column(b) for column in columns.values()], strict=True)
    return [{name: value for name, value in zip(columns, row, strict=True) if value is not None} for row in rows]


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


def _varied(field: Field, low: float, high: float, usual: float, b: Batch) -> Any:
    """The example's number, other for every user and a little every day, within the field's range."""
    spread = 0.2 * (high - low) if high - low <= 10 else 0.12 * abs(usual)
    noise = 0.7 * b.world.options.normal(field.name, b.user) + 0.7 * b.rows(field.name, 1)[:, 0]
    return np.clip(usual + spread * noise, low, high)


def _ids(name: str, b: Batch) -> list[Any]:
    """A uuid per user, day and number, the same for every version."""
    place = np.asarray(zlib.crc32(name.encode()))
    first, second = (b.world.options.hashed(f"id{n}", place, b.user, b.day, b.number).tolist() for n in (0, 1))
    texts = (f"{high:016x}{low:016x}" for high, low in zip(first, second, strict=True))
    return [f"{t[:8]}-{t[8:12]}-4{t[13:16]}-a{t[17:20]}-{t[20:]}" for t in texts]
