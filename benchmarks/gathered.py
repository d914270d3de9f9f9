"""Raw data of a sample as `gather = "firehose"` stores it: pushes to the webhook put together, other sources as they are."""

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from benchmarks import report
from benchmarks.cost.model import A
from benchmarks.samples import linked
from benchmarks.shipped import USER_MAP
from qol.webhooks.bodies import read_body
from qol_dev.cloud.gather import gathered
from qol_dev.cloud.pushes import pushes_in
from qol_lambda.receiver import MAX_RECORD_BYTES

#: Folders below `raw/` of what Garmin pushes.
PUSHED = ("daily", "garmin")


def gathered_sample(sample: Path) -> Path:
    """A folder beside the sample with its pushes gathered; written once and kept."""
    target = sample.with_name(f"{sample.name}-gathered")
    if not target.is_dir():
        unfinished = target.with_name(f"{target.name}.part")
        shutil.rmtree(unfinished, ignore_errors=True)
        (unfinished / "raw").mkdir(parents=True)
        for place in (sample / "raw").iterdir():
            if place.name not in PUSHED:
                linked(place, unfinished / "raw" / place.name)
        (unfinished / USER_MAP).symlink_to((sample / USER_MAP).resolve())
        for key, data in _objects(sample):
            path = unfinished / "raw/daily" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        unfinished.rename(target)
    return target


def _objects(sample: Path) -> Iterator[tuple[str, bytes]]:
    """Objects below `raw/daily/`: what fits a record of the stream together, larger lines alone."""
    files = [file for name in PUSHED for file in (sample / "raw" / name).rglob("*.jsonl*")]
    for folder in sorted({file.parent.name for file in files}):
        report.progress(f"gathering {folder}")
        stamped: list[tuple[datetime, bytes]] = []
        for push in pushes_in(sorted(file for file in files if file.parent.name == folder)):
            delivery = read_body(push.body, push.at)
            if delivery is None or not delivery.line:
                continue
            if len(delivery.line) > MAX_RECORD_BYTES:
                yield delivery.key.removeprefix("raw/daily/"), delivery.line
            else:
                stamped.append((push.at, delivery.line))
        for day, name, data in gathered(stamped, "pushes", A.gathered_bytes, A.gathered_seconds):
            yield f"date={day}/{name}", data
