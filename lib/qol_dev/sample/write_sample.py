"""Write: the sample lake as files, the same bytes from the same options."""

import codecs
import datetime as dt
import gzip
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import msgspec

from qol.contracts.load import load_contracts
from qol.errors import UsageError
from qol_dev.sample.channels import asked_sources, make_channels
from qol_dev.sample.lives import World, user_map
from qol_dev.sample.mishaps import Lines, make_lines
from qol_dev.sample.sample_options import SampleOptions

_GZIP_SHARE = 0.3
_OURS = ("raw", "_keys", "user_map.jsonl")


@dataclass(frozen=True)
class SampleSummary:
    """What was written: raw objects, their physical lines and bytes, users seen, faults by kind, arrival days.

    The object cut short in upload counts in `objects`, `bytes` and `faults`, not in `lines`.
    """

    objects: int
    lines: int
    bytes: int
    people: int
    faults: Mapping[str, int]
    first_arrival: dt.date
    last_arrival: dt.date


def write_sample(
    lake: Path, options: SampleOptions, progress: Callable[[int, int], None] | None = None
) -> SampleSummary:
    """Write raw data, a pseudonym key and a user map into a lake folder that has none of them yet.

    `progress` is called with the objects written so far and the objects there will be. UsageError for a used folder.
    """
    for name in _OURS:  # what is there may be a user's only copy: neither replaced, nor mixed with a sample
        if (lake / name).exists():
            raise UsageError(f"sample lake: found {lake / name}; allowed: a new or empty folder")
    contracts = load_contracts()
    sources = asked_sources(options, contracts)
    world = World.of(options, contracts, sources)
    lines = make_lines(world, make_channels(world, sources))
    _write_key(lake, options)
    entries = list(user_map(world))
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
    objects = [found for of_channel in lines for found in _objects(lake, of_channel, options)]
    with_bom = {of.channel.payload.source: path for path, of, _ in objects if path.suffix != ".gz"}
    cut_short = {of.channel.payload.source: path for path, of, _ in objects}
    sizes: Counter[str] = Counter()
    for done, (path, of_channel, groups) in enumerate(objects, 1):
        body = b"".join(line + b"\n" for line in of_channel.of(groups))
        data = codecs.BOM_UTF8 + body if path in with_bom.values() else body
        sizes["bytes"] += _put(path, _gzip(data) if path.suffix == ".gz" else data)
        sizes["lines"] += body.count(b"\n")
        if path in cut_short.values():  # nothing in it is new, so only the broken object is to be noticed
            packed = _gzip(body)
            again = path.with_name(f"{path.name.partition('.')[0]}-again.jsonl.gz")
            sizes["bytes"] += _put(again, packed[: len(packed) * 2 // 3])
        if progress:
            progress(done, len(objects))
    faults = Counter(fault for of_channel in lines for fault in of_channel.faults.values())
    faults += Counter(bom_at_object_start=len(with_bom), truncated_gzip_object=len(cut_short))
    days = [dt.date.fromisoformat(of_channel.stamps[n][:10]) for of_channel in lines for n in (0, -1)]
    # A room is no user.
    seen = {
        user for of in lines if of.channel.payload.source != "sensor" for user in of.channel.deliveries.user.tolist()
    }
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


def _objects(lake: Path, lines: Lines, options: SampleOptions) -> Iterator[tuple[Path, Lines, list[tuple[int, int]]]]:
    """Objects of one channel, with their groups of deliveries: of one arrival day, some hundred to an object."""
    rng = options.stream(f"objects of {lines.channel.payload.name}")
    payload = lines.channel.payload
    habit, kind = payload.habit, payload.name.split("/")[1]
    folder = lake / "raw" / habit.get("folder", payload.contract.paths[0].removeprefix("raw/"))
    per_object, zipped_share = habit.get("per_object", 200), _GZIP_SHARE * habit.get("packs", True)
    for date, of_day in groupby(lines.groups, key=lambda group: lines.stamps[group[0]][:10]):
        groups = list(of_day)
        for number, first in enumerate(range(0, len(groups), per_object)):
            name = f"{kind}-{number:04d}.jsonl{'.gz' if rng.random() < zipped_share else ''}"
            yield folder / f"date={date}" / name, lines, groups[first : first + per_object]


def _gzip(data: bytes) -> bytes:
    # No clock in the header: the same lake has the same bytes.
    return gzip.compress(data, compresslevel=3, mtime=0)
