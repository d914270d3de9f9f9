"""Write: the sample lake as files, the same bytes from the same options."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np

from qol.errors import UsageError
from qol_dev.sample import faults
from qol_dev.sample.channels import Channel
from qol_dev.sample.everything import all_lines
from qol_dev.sample.lines import Lines
from qol_dev.sample.options import SampleOptions, SampleSummary
from qol_dev.sample.user_map import entries
from qol_dev.sample.world import World

STREAM = 8
_GZIP_SHARE = 0.3
_OURS = ("raw", "_keys", "user_map.jsonl")


@dataclass(frozen=True)
class _Object:
    """One raw object to write: deliveries `start` to `stop`, all of one kind and arrival day."""

    channel: Channel
    date: str
    number: int
    start: int
    stop: int
    zipped: bool

    def path(self, lake: Path, note: str = "") -> Path:
        name = f"{self.channel.name}-{self.number:04d}{note}.jsonl{'.gz' if self.zipped else ''}"
        return lake / "raw" / self.channel.folder / f"date={self.date}" / name


@dataclass
class _Written:
    """Running totals of what went to disk."""

    objects: int = 0
    lines: int = 0
    size: int = 0

    def put(self, path: Path, data: bytes, lines: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.objects += 1
        self.lines += lines
        self.size += len(data)


def write_sample(
    lake: Path, options: SampleOptions, progress: Callable[[int, int], None] | None = None
) -> SampleSummary:
    """Write raw data, a pseudonym key and a user map into a lake folder that has none of them yet.

    `progress` is called with the objects written so far and the objects there will be.
    """
    _refuse_used(lake)
    world = World.of(options)
    sent = all_lines(world)
    _write_key(lake, options)
    (lake / "user_map.jsonl").write_bytes(msgspec.json.Encoder().encode_lines(list(entries(world))))
    return _write_objects(lake, sent, progress)


def _refuse_used(lake: Path) -> None:
    """A key or raw data already there may be somebody's only copy: neither is replaced, nor mixed with a sample."""
    for name in _OURS:
        if (lake / name).exists():
            raise UsageError(f"sample lake: found {lake / name}; allowed: a new or empty folder")


def _write_key(lake: Path, options: SampleOptions) -> None:
    key = hashlib.sha256(f"qol sample pseudonym key {options.seed}".encode()).hexdigest()
    path = lake / "_keys" / "pseudonym.key"
    path.parent.mkdir(parents=True)
    # Private before it holds anything.
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(key, encoding="ascii")


def _write_objects(lake: Path, sent: Mapping[str, Lines], progress: Callable[[int, int], None] | None) -> SampleSummary:
    written, counts = _Written(), Counter[str]()
    planned = [_objects(lines, number) for number, lines in enumerate(sent.values())]
    total, done = sum(len(plan.objects) for plan in planned), 0
    for lines, plan in zip(sent.values(), planned, strict=True):
        for n, target in enumerate(plan.objects):
            body = b"".join(line + b"\n" for line in lines.between(target.start, target.stop))
            data = (faults.BOM if n == plan.with_bom else b"") + body
            written.put(target.path(lake), _gzip(data) if target.zipped else data, body.count(b"\n"))
            if n == plan.cut_short:
                _put_cut_short(written, lake, target, body)
            done += 1
            if progress:
                progress(done, total)
        counts.update(lines.fault_counts() | plan.fault_counts())
    return _summary(sent, written, counts)


@dataclass(frozen=True)
class _Plan:
    """The objects of one source, which of them begins with a byte order mark, and which is uploaded again in part."""

    objects: list[_Object]
    with_bom: int | None
    cut_short: int | None

    def fault_counts(self) -> dict[str, int]:
        places = {faults.BOM_AT_OBJECT_START: self.with_bom, faults.TRUNCATED_GZIP_OBJECT: self.cut_short}
        return {name: 1 for name, at in places.items() if at is not None}


def _objects(lines: Lines, number: int) -> _Plan:
    """Deliveries of one kind and arrival day, some hundred to an object; an envelope is never split."""
    rng = lines.world.options.stream(STREAM, *([number] if number else []))
    d = lines.deliveries
    group = d.arrival_ms // 86_400_000 * (1 + max(lines.channels)) + d.kind
    edges = [0, *(np.flatnonzero(np.diff(group)) + 1).tolist(), len(d)]
    inside = {n for at, size in lines.envelopes.items() for n in range(at + 1, at + size)}
    objects = []
    for begin, end in pairwise(edges):
        channel, date = lines.channels[int(d.kind[begin])], lines.received_at[begin][:10]
        starts = [n for n in range(begin, end, channel.per_object) if n == begin or n not in inside]
        for place, (start, stop) in enumerate(zip(starts, [*starts[1:], end], strict=True)):
            zipped = channel.packs and bool(rng.random() < _GZIP_SHARE)
            objects.append(_Object(channel, date, place, start, stop, zipped))
    plain = [n for n, o in enumerate(objects) if not o.zipped]
    others = [n for n, o in enumerate(objects) if o.channel.packs]
    return _Plan(objects, _one_of(rng, plain), _one_of(rng, others))


def _one_of(rng: np.random.Generator, places: list[int]) -> int | None:
    return places[int(rng.integers(len(places)))] if places else None


def _gzip(data: bytes) -> bytes:
    # No clock in the header: the same lake has the same bytes.
    return gzip.compress(data, compresslevel=3, mtime=0)


def _put_cut_short(written: _Written, lake: Path, source: _Object, body: bytes) -> None:
    """A second upload of an object that broke off: nothing in it is new, so only the broken object is to be noticed."""
    data = _gzip(body)
    written.put(replace(source, zipped=True).path(lake, note="-again"), data[: len(data) * 2 // 3], lines=0)


def _summary(sent: Mapping[str, Lines], written: _Written, counts: Counter[str]) -> SampleSummary:
    arrivals = [lines.received_at[n][:10] for lines in sent.values() for n in (0, -1)]
    # A room is nobody.
    by_people = [lines for source, lines in sent.items() if source != "sensor"]
    people = {person for lines in by_people for person in np.unique(lines.deliveries.person).tolist()}
    return SampleSummary(
        objects=written.objects,
        lines=written.lines,
        bytes=written.size,
        people=len(people),
        faults=dict(sorted(counts.items())),
        first_arrival=dt.date.fromisoformat(min(arrivals)),
        last_arrival=dt.date.fromisoformat(max(arrivals)),
    )
