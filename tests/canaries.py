"""Canaries: words that stand in raw data alone, planted wherever a vendor or a user could write something."""

import copy
import gzip
import hashlib
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from qol.contracts.model import Contracts
from qol.contracts.source import SourceContract

#: Letters alone, as names of fields have: CNRY and a number whose digits are A to J.
CANARY = re.compile(r"cnry[a-j]{5}", re.IGNORECASE)
#: What identifies users may stand below these, and in the user map.
IDENTIFIED = ("raw", "quarantine", "_staging")
#: How a canary is written: as vendors write codes, in words, and with characters that no code has.
FORMS = ("{}", "Walk with Hanako {} 090", "Hanako {} <h@example.jp>")

#: Steps to a value in a record: names of members and positions in lists.
Place = tuple[str | int, ...]


class Canaries:
    """The words planted so far, each with the place where it stands."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}
        self._hashes: dict[str, str] = {}

    def new(self, place: str) -> str:
        """A word that was planted nowhere else."""
        word = f"CNRY{len(self.places):05d}".translate(str.maketrans("0123456789", "ABCDEFGHIJ"))
        self.places[word] = place
        return word

    def object(self, lake: Path, folder: str, name: str, data: bytes = b"{}\n") -> Path:
        """Write an object whose name has a canary for each `{}`."""
        key = re.sub(r"\{\}", lambda _: self.new(f"name of an object: {folder}/{name}"), f"{folder}/{name}")
        self._hashes[hashlib.sha256(key.encode()).hexdigest()] = key
        file = lake / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return file

    def found(self, text: str) -> Iterator[str]:
        """The places of the words in a text, whatever their case; a hash without a key of an object's name is one, too."""
        for word in sorted({word.upper() for word in CANARY.findall(text)}):
            yield self.places.get(word, word)
        if any(word in text for word in self._hashes):
            yield "name of an object, as a hash without a key"


def plant(lake: Path, contracts: Contracts, canaries: Canaries) -> list[dict[str, str]]:
    """Write raw objects with a canary in every place of every contract's fullest example; the user map's lines.

    Each line is about a user of its own, so that no other replaces it.
    """
    owners: list[dict[str, str]] = []
    for contract in contracts.sources:
        example = max((e for e in contract.examples if e.reject is None), key=lambda e: len(e.raw))
        lines = list(_lines(contract, json.loads(example.raw), canaries, owners))
        folder = f"{contract.paths[0]}/date={example.arrival}"
        canaries.object(lake, folder, "hanako_{}.jsonl", b"".join(line + b"\n" for line in lines))
    for folder, name in (
        ("raw/daily/date=2026-11-10", "notes about {}.txt"),
        ("raw/daily/date=2026-11-10", "{}.jsonl.gz"),
        ("raw/daily/date={}", "a.jsonl"),
        ("raw/garmin/hanako_{}/date=2026-11-10", "a.jsonl"),
        ("raw/{}/date=2026-11-10", "a.jsonl"),
    ):
        canaries.object(lake, folder, name)
    (lake / "raw/daily/date=2026-11-10" / f"{canaries.new('name of a link')}.jsonl").symlink_to("/dev/null")
    return owners


def _lines(
    contract: SourceContract, record: dict[str, Any], canaries: Canaries, owners: list[dict[str, str]]
) -> Iterator[bytes]:
    """The record once for each place in it and each form, with fields that it lacks, and with what no contract expects."""

    def new(what: str) -> str:
        return canaries.new(f"{contract.name}: {what}")

    def line(place: Place, value: object, without: Iterable[str] = ()) -> bytes:
        planted = {name: inner for name, inner in copy.deepcopy(record).items() if name not in without}
        is_owner = place[: len(contract.person)] == contract.person
        owner = str(value) if is_owner else new("user")
        _put(planted, contract.person, owner)
        if not is_owner:
            _put(planted, place, value)
        owners.append({"source": contract.source, "vendor_user_id": owner, "user_id": f"P{len(owners):05d}"})
        return json.dumps(planted, ensure_ascii=False).encode()

    yield from (line(*planted) for planted in _planted(contract, record, new))
    whole = line(("note",), new("unparsable line"))
    yield from (whole[:-1], whole.replace(b'"note"', b'"note" "'), whole + new("after a record").encode())
    yield from (json.dumps(new("text")).encode(), json.dumps([new("text in a list")]).encode())
    yield json.dumps({new("key of an envelope"): [json.loads(whole)], "note": new("beside an envelope")}).encode()


def _planted(
    contract: SourceContract, record: dict[str, Any], new: Callable[[str], str]
) -> Iterator[tuple[Place, object, Iterable[str]]]:
    """Place and value of each thing to put into a record, and the fields that would be read instead of it."""
    for place, value in _leaves(record):
        for form in FORMS if isinstance(value, str) else FORMS[:1]:
            yield place, form.format(new(f"{'.'.join(map(str, place))} as {form}")), ()
    for spellings in ({path[0] for path in field.paths if len(path) == 1} for field in contract.fields):
        for name in sorted(spellings - record.keys()):
            yield from (((name,), form.format(new(f"{name} as {form}")), spellings) for form in FORMS[:2])
    for place in sorted(_objects(record), key=str):
        yield (*place, f"hanako{new('unknown field').title()}"), new("value of an unknown field"), ()
        yield (*place, f"{new('unknown field')} {new('unknown field')}"), {"a": [new("inside an unknown field")]}, ()
    for name in contract.drop:
        yield (name,), new(f"dropped {name}"), ()
    for name in ("userAccessToken", "access_token", "callbackURL"):
        yield (name,), new(f"token {name}"), ()


def _leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Places and values that hold no others; of a list, its first."""
    if isinstance(value, dict | list) and value:
        for step, inner in value.items() if isinstance(value, dict) else ((0, value[0]),):
            yield from _leaves(inner, (*place, step))
    else:
        yield place, value


def _objects(record: dict[str, Any]) -> set[Place]:
    """Places of the record's objects, its own among them."""
    steps = [place[:end] for place, _ in _leaves(record) for end in range(len(place)) if isinstance(place[end], str)]
    return {*steps, ()}


def _put(record: Any, place: Place, value: object) -> None:
    for step in place[:-1]:
        record = record[step]
    record[place[-1]] = value


def outside(lake: Path) -> Iterator[tuple[str, str]]:
    """Name and text of every object that must not identify users; Parquet and gzip as what they hold."""
    for file in sorted(lake.rglob("*")):
        key = file.relative_to(lake)
        if file.is_file() and key.parts[0] not in IDENTIFIED:
            yield str(key), f"{key}\n{_text(file)}"


def _text(file: Path) -> str:
    if file.suffix == ".parquet":
        return json.dumps(pl.read_parquet(file, hive_partitioning=False).to_dicts(), default=str)
    data = file.read_bytes()
    text = (gzip.decompress(data) if file.suffix == ".gz" else data).decode(errors="replace")
    return html.unescape(text)
