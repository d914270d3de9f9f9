"""Write: the sample lake as files, the same bytes from the same options."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np

from qol.contracts.load import load_contracts
from qol.errors import UsageError
from qol_dev.sample.bad_lines import BOM, BOM_AT_OBJECT_START, TRUNCATED_GZIP_OBJECT
from qol_dev.sample.channels import Channel, asked_sources, make_channels
from qol_dev.sample.lived import World
from qol_dev.sample.lives import ZONE_AT
from qol_dev.sample.mishaps import Lines, make_lines
from qol_dev.sample.owners import user_map
from qol_dev.sample.sample_options import DAY_S, SampleOptions, SampleSummary

_GZIP_SHARE = 0.3
_OURS = ("raw", "_keys", "user_map.jsonl")


@dataclass(frozen=True)
class _Object:
    """One raw object to write: lines `start` to `stop` of one channel and arrival day."""

    lines: Lines
    number: int
    start: int
    stop: int
    zipped: bool
    note: str = ""

    def path(self, lake: Path) -> Path:
        channel: Channel = self.lines.channel
        name = f"{channel.name.split('/')[1]}-{self.number:04d}{self.note}.jsonl{'.gz' if self.zipped else ''}"
        return lake / "raw" / channel.folder / f"date={self.lines.received_at[self.start][:10]}" / name


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

    `progress` is called with the objects written so far and the objects there will be. UsageError for a used folder.
    """
    for name in _OURS:  # what is there may be somebody's only copy: neither replaced, nor mixed with a sample
        if (lake / name).exists():
            raise UsageError(f"sample lake: found {lake / name}; allowed: a new or empty folder")
    contracts = load_contracts()
    sources = asked_sources(options, contracts)
    world = World.of(options, contracts, sources)
    lines = make_lines(world, make_channels(world, sources))
    _write_key(lake, options)
    entries = list(
        user_map(world.owners, [ZONE_AT[offset] for offset in world.lives["home_offset_s"].tolist()], world.dates)
    )
    (lake / "user_map.jsonl").write_bytes(msgspec.json.Encoder().encode_lines(entries))
    return _write_objects(lake, options, lines, progress)


def _write_key(lake: Path, options: SampleOptions) -> None:
    path = lake / "_keys" / "pseudonym.key"
    path.parent.mkdir(parents=True)
    # Private before it holds anything.
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(hashlib.sha256(f"qol sample pseudonym key {options.seed}".encode()).hexdigest(), encoding="ascii")


def _write_objects(
    lake: Path, options: SampleOptions, lines: list[Lines], progress: Callable[[int, int], None] | None
) -> SampleSummary:
    """Write every object; of every source one begins with a byte order mark, and one is uploaded again in part."""
    written, faults = _Written(), Counter[str]()
    objects = [target for of_channel in lines for target in _objects(of_channel, options)]
    with_bom = _one_per_source(options, BOM_AT_OBJECT_START, [o for o in objects if not o.zipped])
    cut_short = _one_per_source(
        options, TRUNCATED_GZIP_OBJECT, [o for o in objects if o.lines.channel.habit.get("packs", True)]
    )
    for done, target in enumerate(objects, 1):
        body = b"".join(line + b"\n" for line in target.lines.between(target.start, target.stop))
        data = (BOM if target in with_bom else b"") + body
        written.put(target.path(lake), _gzip(data) if target.zipped else data, body.count(b"\n"))
        if target in cut_short:  # nothing in it is new, so only the broken object is to be noticed
            data = _gzip(body)
            written.put(replace(target, zipped=True, note="-again").path(lake), data[: len(data) * 2 // 3], lines=0)
        if progress:
            progress(done, len(objects))
    faults.update({BOM_AT_OBJECT_START: len(with_bom), TRUNCATED_GZIP_OBJECT: len(cut_short)})
    for of_channel in lines:
        faults.update(of_channel.faults.values())
    return _summary(lines, written, faults)


def _objects(lines: Lines, options: SampleOptions) -> list[_Object]:
    """Lines of one arrival day, some hundred to an object; a push is never split."""
    rng = options.stream(f"objects of {lines.channel.name}")
    day = lines.channel.deliveries.arrival_ms // (1_000 * DAY_S)
    inside = {n for at, size in lines.pushes.items() for n in range(at + 1, at + size)}
    objects = []
    for begin, end in pairwise([0, *(np.flatnonzero(np.diff(day)) + 1).tolist(), len(day)]):
        starts = [
            n
            for n in range(begin, end, int(lines.channel.habit.get("per_object", 200)))
            if n == begin or n not in inside
        ]
        for number, (start, stop) in enumerate(zip(starts, [*starts[1:], end], strict=True)):
            zipped = bool(lines.channel.habit.get("packs", True)) and bool(rng.random() < _GZIP_SHARE)
            objects.append(_Object(lines, number, start, stop, zipped))
    return objects


def _one_per_source(options: SampleOptions, place: str, objects: list[_Object]) -> list[_Object]:
    by_source: dict[str, list[_Object]] = {}
    for target in objects:
        by_source.setdefault(target.lines.channel.source, []).append(target)
    return [found[int(options.stream(place).integers(len(found)))] for found in by_source.values()]


def _gzip(data: bytes) -> bytes:
    # No clock in the header: the same lake has the same bytes.
    return gzip.compress(data, compresslevel=3, mtime=0)


def _summary(lines: list[Lines], written: _Written, faults: Counter[str]) -> SampleSummary:
    days = [of_channel.received_at[n][:10] for of_channel in lines for n in (0, -1)]
    # A room is no user.
    seen = [of_channel.channel.deliveries.user for of_channel in lines if of_channel.channel.source != "sensor"]
    return SampleSummary(
        objects=written.objects,
        lines=written.lines,
        bytes=written.size,
        people=len(np.unique(np.concatenate(seen))) if seen else 0,
        faults=dict(sorted((name, count) for name, count in faults.items() if count)),
        first_arrival=dt.date.fromisoformat(min(days)),
        last_arrival=dt.date.fromisoformat(max(days)),
    )
