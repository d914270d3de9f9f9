"""Write: the sample lake as files, the same bytes from the same options."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from qol.contracts.load import load_contracts
from qol.errors import UsageError
from qol_dev.sample.bad_lines import BOM, BOM_AT_OBJECT_START, TRUNCATED_GZIP_OBJECT
from qol_dev.sample.channels import asked_sources, make_channels
from qol_dev.sample.lived import World
from qol_dev.sample.mishaps import Lines, make_lines
from qol_dev.sample.owners import user_map
from qol_dev.sample.sample_options import DAY_S, SampleOptions, SampleSummary

_GZIP_SHARE = 0.3
_OURS = ("raw", "_keys", "user_map.jsonl")


class _Object(NamedTuple):
    """One raw object to write: lines `start` to `stop` of one channel and arrival day."""

    lines: Lines
    number: int
    start: int
    stop: int
    zipped: bool

    @property
    def packs(self) -> bool:
        """Whether such objects may be packed."""
        return bool(self.lines.channel.habit.get("packs", True))

    def path(self, lake: Path, note: str = "") -> Path:
        """Where it lies."""
        channel, date = self.lines.channel, self.lines.received_at[self.start][:10]
        name = f"{channel.name.split('/')[1]}-{self.number:04d}{note}.jsonl{'.gz' if self.zipped else ''}"
        return lake / "raw" / channel.folder / f"date={date}" / name


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
    entries = list(user_map(world.owners, world.lives, world.dates))
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
    objects = [target for of_channel in lines for target in _objects(of_channel, options)]
    with_bom = {target.lines.channel.source: target for target in objects if not target.zipped}
    cut_short = {target.lines.channel.source: target for target in objects if target.packs}
    sizes: Counter[str] = Counter()
    for done, target in enumerate(objects, 1):
        body = b"".join(line + b"\n" for line in target.lines.between(target.start, target.stop))
        data = (BOM if target in with_bom.values() else b"") + body
        sizes["bytes"] += _put(target.path(lake), _gzip(data) if target.zipped else data)
        sizes["lines"] += body.count(b"\n")
        if target in cut_short.values():  # nothing in it is new, so only the broken object is to be noticed
            packed = _gzip(body)
            sizes["bytes"] += _put(target._replace(zipped=True).path(lake, "-again"), packed[: len(packed) * 2 // 3])
        if progress:
            progress(done, len(objects))
    faults = Counter(fault for of_channel in lines for fault in of_channel.faults.values())
    faults += Counter({BOM_AT_OBJECT_START: len(with_bom), TRUNCATED_GZIP_OBJECT: len(cut_short)})
    days = [dt.date.fromisoformat(of_channel.received_at[n][:10]) for of_channel in lines for n in (0, -1)]
    # A room is no user.
    seen = {user for of in lines if of.channel.source != "sensor" for user in of.channel.deliveries.user.tolist()}
    return SampleSummary(
        objects=len(objects) + len(cut_short),
        lines=sizes["lines"],
        bytes=sizes["bytes"],
        people=len(seen),
        faults=dict(sorted(faults.items())),
        first_arrival=min(days),
        last_arrival=max(days),
    )


def _put(path: Path, data: bytes) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.write_bytes(data)


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
            zipped = bool(rng.random() < _GZIP_SHARE)
            target = _Object(lines, number, start, stop, zipped)
            objects.append(target._replace(zipped=zipped and target.packs))
    return objects


def _gzip(data: bytes) -> bytes:
    # No clock in the header: the same lake has the same bytes.
    return gzip.compress(data, compresslevel=3, mtime=0)
