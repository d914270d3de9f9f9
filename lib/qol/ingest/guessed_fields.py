"""Fields that sample records seem to have: a type for each path, by what the conversion of its values accepts."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qol.contracts.fields import Field, FieldType
from qol.contracts.hidden_names import is_hidden
from qol.contracts.raw_path import is_selector, path_text, selected_by
from qol.contracts.raw_values import identifier
from qol.contracts.record_columns import TAKEN
from qol.ingest.convert import IssueError, convert, to_number
from qol.ingest.times import MAX_UTC_OFFSET, MIN_UTC_OFFSET

Path = tuple[str, ...]
#: From 2010 to 2100, Unix time.
TIME_RANGE = (1262304000, 4102444800)
_TIMES: tuple[FieldType, ...] = ("epoch_seconds", "instant")
#: Types in the order in which they are tried; each accepts less than those after it.
_TYPES: tuple[FieldType, ...] = (
    "boolean", "epoch_seconds", "date", "instant", "utc_offset", "time_zone", "integer", "number", "code",
)  # fmt: skip
#: Last keys of paths of a person's id, the likeliest first, without `_` and capitals.
PERSONS = (
    "userid", "participantid", "patientid", "subjectid", "memberid", "personid", "user", "participant", "patient",
    "subject", "owner", "uid", "accountid", "clientid", "deviceid",
)  # fmt: skip
#: The share of values that a type has to accept: vendors have odd values too. A text that is no code may be typed.
_ENOUGH = 0.6
_ID = re.compile(r"(^|_)(id|ids|uuid|guid|serial|imei|mac|no)$")
_LONG_ID = re.compile(r"[0-9a-fA-F-]{16,}")
_OFFSET = re.compile("offset|utc_?diff")
#: Names of texts that people type, and of values that tell who or where a user is.
_TYPED = re.compile("name|note|comment|memo|text|title|message|address|city|gender|sex|url")
_PERSONAL = re.compile("(^|_)(lat|lon|lng|ip|zip)(_|$)|birth|phone|postal")
#: Keys by which the elements of a list tell what they are; no `name`, which may be that of a person.
_SELECTING = ("item", "kind", "type", "code", "key", "metric", "question")
_PLAIN_KEY = re.compile(r"(?!(?:\D*\d){5})[A-Za-z_][A-Za-z0-9_-]{0,63}")
_SELECTED = re.compile(r"(?!(?:\D*\d){4})[A-Za-z0-9_-]{1,40}")
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass
class Guessed:
    """Fields as a contract has them, by column name; paths of ids; names of what is never stored."""

    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    ids: list[Path] = field(default_factory=list)
    dropped: set[str] = field(default_factory=set)


def guessed_fields(records: Sequence[Mapping[str, Any]], person: Path) -> Guessed:
    """Fields for all paths of the records but the person's."""
    values: defaultdict[Path, list[Any]] = defaultdict(list)
    for record in records:
        for path, value in leaves(record):
            values[path].append(value)
    guessed = Guessed()
    for path, found in values.items():
        if path != person and not path[0].startswith("_"):
            _add(guessed, path, found)
    if not any(entry["type"] in (*_TIMES, "date") for entry in guessed.fields.values()):
        _add_times_of_stretches(guessed, records)
    guessed.dropped -= {entry["path"].split(".")[0].split("[")[0] for entry in guessed.fields.values()}
    return guessed


def _add_times_of_stretches(guessed: Guessed, records: Sequence[Mapping[str, Any]]) -> None:
    """Start and end of a record that has them in the elements of a list alone, such as stages of sleep."""
    name, entry = next(((n, e) for n, e in guessed.fields.items() if e["type"] == "intervals"), ("", {}))
    if not entry:
        return
    start, end = entry["samples"]["start"], entry["samples"]["end"]
    elements = next(each for record in records for path, each in leaves(record) if path_text(path) == entry["path"])
    first = (elements if isinstance(elements, list) else [*elements.values()])[0][start]
    kind = next(kind for kind in _TIMES if accepts(kind, [first]))
    for word, key, reduce in (("start", start, "min"), ("end", end, "max")):
        samples = {"reduce": reduce, "of": key}
        guessed.fields[f"{name}_{word}_seconds"] = {
            "path": entry["path"],
            "type": kind,
            "unit": "s",
            "samples": samples,
        }
    if isinstance(elements, list) and kind == "instant" and accepts("utc_offset", [first]):
        at = {"path": f"{entry['path']}[0].{start}", "type": "utc_offset", "unit": "s"}
        guessed.fields[f"{name}_start_offset_seconds"] = at


def leaves(node: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Places of a record with a value: what is no object, lists and maps of samples whole."""
    for key, value in node.items():
        at = (*path, key)
        if value is None or value in ({}, []):
            continue
        if isinstance(value, dict) and not is_samples(value) and all(map(_PLAIN_KEY.fullmatch, value)):
            yield from leaves(value, at)
        elif isinstance(value, list) and (by := _selecting_key(value)):
            for element in value:
                rest = {name: inner for name, inner in element.items() if name != by}
                yield from leaves(rest, (*at, f"[{by}={identifier(element[by])}]"))
        else:
            yield at, value


def snake(text: str) -> str:
    """A name in lower snake case."""
    return re.sub("[^a-z0-9]+", "_", _WORD_START.sub("_", text).lower()).strip("_")


def is_samples(value: Mapping[str, Any]) -> bool:
    """Whether an object is a map of samples: offsets to numbers."""
    return all(key.isdecimal() for key in value) and all(to_number(each) is not None for each in value.values())


def _selecting_key(value: Sequence[Any]) -> str | None:
    """The key whose value tells each element of a list from the others."""
    if not all(isinstance(element, dict) for element in value):
        return None
    for key in _SELECTING:
        found = [identifier(element.get(key)) for element in value]
        if all(text and _SELECTED.fullmatch(text) for text in found) and len(set(found)) == len(found):
            return key
    return None


def _add(guessed: Guessed, path: Path, values: Sequence[Any]) -> None:
    """Add the field of a path, or drop it."""
    kind, text = _kind(path, values), path_text(path)
    words = _samples(values) if kind == "samples" else {"type": kind}
    if kind is None or words is None or not re.fullmatch(r"[^.\s]+(\.[^.\s]+)*", text):
        guessed.dropped.add(path[-1])
        return
    name = _column(path, kind, guessed.fields)
    guessed.fields[name] = {"path": text, **words, **_known_words(kind, name)}
    if kind == "document_id":
        guessed.ids.append(path)
    if kind == "instant" and accepts("utc_offset", [v for v in values if not str(v).endswith("Z")]):
        guessed.fields[f"{name}_offset_seconds"] = {"path": text, "type": "utc_offset", "unit": "s"}


def _kind(path: Path, values: Sequence[Any]) -> str | None:
    """The type of a field, `samples`, or None for what is never stored."""
    key = snake(path[-1])
    is_typed = _TYPED.search(key) and any(isinstance(value, str) for value in values)
    if is_typed or _PERSONAL.search(key) or is_hidden(path[-1], ()):
        return None
    if any(isinstance(value, dict | list) for value in values):
        return "samples" if all(map(_is_reducible, values)) else None
    if (
        _ID.search(key)
        or key.replace("_", "") in PERSONS
        or any(isinstance(v, str) and _LONG_ID.fullmatch(v) and not accepts("date", [v]) for v in values)
    ):
        return "document_id"
    return next((kind for kind in _TYPES if accepts(kind, values)), None)


def _is_reducible(value: Any) -> bool:
    elements = value.values() if isinstance(value, dict) else value
    return isinstance(value, dict | list) and all(to_number(e) is not None or isinstance(e, dict) for e in elements)


def _samples(values: Sequence[Any]) -> dict[str, Any] | None:
    """The mean of samples; of structs, of the first number that is no time, or their times as intervals; else None."""
    first = next(iter(values[0].values() if isinstance(values[0], dict) else values[0]))
    if not isinstance(first, dict):
        return {"type": "number", "samples": {"reduce": "mean"}}
    numbers = [key for key, value in first.items() if to_number(value) is not None]
    times = [key for key, value in first.items() if any(accepts(kind, [value]) for kind in _TIMES)]
    if of := next((key for key in numbers if key not in times), None):
        return {"type": "number", "samples": {"reduce": "mean", "of": of}}
    if len(times) > 1:
        return {"type": "intervals", "samples": {"reduce": "intervals", "start": times[0], "end": times[1]}}
    return None


def accepts(kind: FieldType, values: Sequence[Any]) -> bool:
    """Whether enough of the values can be stored as a type."""
    spec = Field(name="guess", paths=(("guess",),), type=kind, description="guess")
    spec = spec.changed(range=TIME_RANGE) if kind in ("epoch_seconds", "instant") else spec
    fitting = sum(_converts(spec, value) for value in values)
    return bool(values) and fitting >= (1 if kind == "code" else _ENOUGH) * len(values)


def _converts(spec: Field, value: Any) -> bool:
    if spec.type == "code" and not isinstance(value, str):
        return False
    try:
        convert(spec, value, str)
    except IssueError as issue:
        return issue.kept is not None
    return True


def _known_words(kind: str, name: str) -> dict[str, Any]:
    """Unit and range of times and offsets, which are the same for every vendor."""
    if kind in ("epoch_seconds", "instant"):
        return {"unit": "s", "range": list(TIME_RANGE)}
    if kind == "integer" and _OFFSET.search(name):
        return {"unit": "s", "range": [MIN_UTC_OFFSET, MAX_UTC_OFFSET]}
    return {"unit": "s"} if kind == "utc_offset" else {}


def _column(path: Path, kind: str | None, taken: Mapping[str, Any]) -> str:
    """A column name that is free: the last key, with as many keys before it as it needs; all from a selected list on."""
    chosen = next((place for place, step in enumerate(path) if is_selector(step)), len(path))
    steps = [selected_by(step)[1] if is_selector(step) else step for step in path]
    steps = steps[:-1] if chosen < len(path) - 1 and steps[-1] == "value" else steps
    names = ["_".join(map(snake, steps[first:])) for first in range(min(chosen, len(steps)) - 1, -1, -1)]
    own = {"date": "calendar_date", "document_id": "document_id"}.get(kind or "", f"vendor_{names[0]}")
    for name in (*names, own, f"vendor_{names[-1]}"):
        if re.fullmatch("[a-z][a-z0-9]*(_[a-z0-9]+)*", name) and name not in taken and name not in (*TAKEN, "id"):
            return name
    return next(name for number in range(1, 10_000) if (name := f"field_{number}") not in taken)
