"""Stands in for the buffer of Firehose: moto stores every record at once, as an object of its own."""

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

_DAY = "!{timestamp:yyyy-MM-dd}"


def gather(firehose: Any, s3: Any, stream: str) -> int:
    """Put the records of a stream together as its settings say: size, seconds, gzip, key by the UTC day; how many objects.

    The clock is that of the records' `_received_at`, because moto knows no other than the real one.
    """
    found = firehose.describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"]
    to = found["Destinations"][0]["ExtendedS3DestinationDescription"]
    bucket, hints = to["BucketARN"].rpartition(":")[2], to["BufferingHints"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=to["Prefix"])
    keys = [stored["Key"] for page in pages for stored in page.get("Contents", [])]
    records = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]
    stamped = sorted((datetime.fromisoformat(json.loads(data)["_received_at"]), data) for data in records)
    number = 0
    for day, name, data in gathered(stamped, stream, hints["SizeInMBs"] * 2**20, hints["IntervalInSeconds"]):
        s3.put_object(Bucket=bucket, Key=to["Prefix"].replace(_DAY, day) + name, Body=data)
        number += 1
    for key in keys:
        s3.delete_object(Bucket=bucket, Key=key)
    return number


def gathered(
    stamped: Iterable[tuple[datetime, bytes]], stream: str, most_bytes: int, most_seconds: int
) -> Iterator[tuple[str, str, bytes]]:
    """Records in the order of their time put together: the UTC day, the name and the gzip data of each object."""
    for first, data in _buffers(stamped, most_bytes, most_seconds):
        name = f"{stream}-1-{first:%Y-%m-%d-%H-%M-%S}-{hashlib.sha256(data).hexdigest()[:32]}.jsonl.gz"
        yield f"{first:%Y-%m-%d}", name, gzip.compress(data)


def _buffers(
    stamped: Iterable[tuple[datetime, bytes]], most_bytes: int, most_seconds: int
) -> Iterator[tuple[datetime, bytes]]:
    """Consecutive records as one, each with the time of its first."""
    waiting: list[tuple[datetime, bytes]] = []
    size = 0
    for at, data in stamped:
        if waiting and (size >= most_bytes or (at - waiting[0][0]).total_seconds() >= most_seconds):
            yield waiting[0][0], b"".join(data for _, data in waiting)
            waiting, size = [], 0
        waiting.append((at, data))
        size += len(data)
    if waiting:
        yield waiting[0][0], b"".join(data for _, data in waiting)
