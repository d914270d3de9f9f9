"""HealthKit's channels: our own bulk batches, and Health Auto Export's posts."""

from __future__ import annotations

from enum import IntEnum

from qol_dev.sample.channels import Channel
from qol_dev.sample.healthkit.batches import batch
from qol_dev.sample.healthkit.export import post


class Post(IntEnum):
    """Kinds of HealthKit's deliveries."""

    BATCH = 0
    EXPORT = 1


CHANNELS: dict[int, Channel] = {
    Post.BATCH: Channel("measurements", "healthkit/measurements", batch),
    Post.EXPORT: Channel("health_auto_export", "healthkit/health_auto_export", post),
}
