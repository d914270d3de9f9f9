"""Write: the sample lake as files, the same bytes from the same options."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np

from qol.errors import UsageError
from qol.sample import faults
from qol.sample.deliveries import Kind, make_deliveries
from qol.sample.lines import ENVELOPE_KEYS, Lines, make_lines
from qol.sample.options import SampleOptions, SampleSummary
from qol.sample.world import World

STREAM = 8
_DELIVERIES_PER_OBJECT = 200
_GZIP_SHARE = 0.3
#: Every fifth person has an id of the study's own; the others stay pseudonyms.
_MAPPED_EVERY = 5
_OURS = ("raw", "_keys", "user_map.jsonl")


@dataclass(frozen=True)
class _Object:
    """One raw object to write: deliveries `start` to `stop`, all of one kind and arrival day."""

    kind: Kind
    date: str
    number: int
    start: int
    stop: int
    zipped: bool

    def path(self, lake: Path, note: str = "") -> Path:
        record = ENVELOPE_KEYS[self.kind]
        folder = "raw/daily" if self.kind == Kind.DAILIES else f"raw/garmin/{record}"
        name = f"{record}-{self.number:04d}{note}.jsonl{'.gz' if self.zipped else ''}"
        return lake / folder / f"date={self.date}" / name


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
    lines = make_lines(world, make_deliveries(world))
    _write_key(lake, options)
    _write_user_map(lake, world)
    return _write_objects(lake, lines, progress)


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


def _write_user_map(lake: Path, world: World) -> None:
    people = world.people
    entries = [
        {"source": "garmin", "vendor_user_id": vendor_id, "user_id": f"P{number + 1:04d}", "timezone": zone}
        for number, (vendor_id, zone) in enumerate(
            zip(people.vendor_ids[::_MAPPED_EVERY], people.zones[::_MAPPED_EVERY], strict=True)
        )
    ]
    (lake / "user_map.jsonl").write_bytes(msgspec.json.Encoder().encode_lines(entries))


def _write_objects(lake: Path, lines: Lines, progress: Callable[[int, int], None] | None) -> SampleSummary:
    rng = lines.world.options.stream(STREAM)
    objects = _objects(rng, lines)
    plain = [n for n, o in enumerate(objects) if not o.zipped]
    with_bom = plain[int(rng.integers(len(plain)))]
    others = [n for n, o in enumerate(objects) if o.kind != Kind.DAILIES]
    cut_short = others[int(rng.integers(len(others)))] if others else None
    written = _Written()
    for n, target in enumerate(objects):
        body = b"".join(line + b"\n" for line in lines.between(target.start, target.stop))
        data = (faults.BOM if n == with_bom else b"") + body
        written.put(target.path(lake), _gzip(data) if target.zipped else data, body.count(b"\n"))
        if n == cut_short:
            _put_cut_short(written, lake, target, body)
        if progress:
            progress(n + 1, len(objects))
    counts = lines.fault_counts() | {faults.BOM_AT_OBJECT_START: 1}
    return _summary(lines, written, counts | ({} if cut_short is None else {faults.TRUNCATED_GZIP_OBJECT: 1}))


def _objects(rng: np.random.Generator, lines: Lines) -> list[_Object]:
    """Deliveries of one kind and arrival day, some hundred to an object; an envelope is never split."""
    d = lines.deliveries
    group = d.arrival_ms // 86_400_000 * len(Kind) + d.kind
    edges = [0, *(np.flatnonzero(np.diff(group)) + 1).tolist(), len(d)]
    inside = {n for at, size in lines.envelopes.items() for n in range(at + 1, at + size)}
    objects = []
    for begin, end in pairwise(edges):
        starts = [n for n in range(begin, end, _DELIVERIES_PER_OBJECT) if n == begin or n not in inside]
        kind, date = Kind(int(d.kind[begin])), lines.received_at[begin][:10]
        for number, (start, stop) in enumerate(zip(starts, [*starts[1:], end], strict=True)):
            zipped = kind != Kind.DAILIES and bool(rng.random() < _GZIP_SHARE)
            objects.append(_Object(kind, date, number, start, stop, zipped))
    return objects


def _gzip(data: bytes) -> bytes:
    # No clock in the header: the same lake has the same bytes.
    return gzip.compress(data, compresslevel=3, mtime=0)


def _put_cut_short(written: _Written, lake: Path, source: _Object, body: bytes) -> None:
    """A second upload of an object that broke off: nothing in it is new, so only the broken object is to be noticed."""
    again = _Object(source.kind, source.date, source.number, source.start, source.stop, zipped=True)
    data = _gzip(body)
    written.put(again.path(lake, note="-again"), data[: len(data) * 2 // 3], lines=0)


def _summary(lines: Lines, written: _Written, counts: dict[str, int]) -> SampleSummary:
    arrivals = [dt.date.fromisoformat(lines.received_at[n][:10]) for n in (0, -1)]
    return SampleSummary(
        objects=written.objects,
        lines=written.lines,
        bytes=written.size,
        people=len(np.unique(lines.deliveries.person)),
        faults=dict(sorted(counts.items())),
        first_arrival=arrivals[0],
        last_arrival=arrivals[1],
    )
