"""The two edges of a lake for tests that hold on both: a folder, and a bucket that mirrors it around every run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from qol.aws.requests import RetryPolicy
from qol.lake import Lake
from qol.lake.s3 import S3Lake
from qol.lake.s3_lock import LeaseTimes

REGION = "ap-northeast-1"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}
QUICK = RetryPolicy(attempts=2, connect_seconds=2.0, read_seconds=2.0, pause_seconds=0.01)
#: A lock that a dead run left is free soon, so that tests of dead runs are quick; a live one keeps it on a busy machine.
SHORT = LeaseTimes(renew=0.15, free=2.5, look=0.05, margin=0.4)


def make_bucket(name: str, *, keeps_versions: bool = False) -> Any:
    """An empty bucket; a client for it."""
    client = boto3.session.Session().client("s3", region_name=REGION)
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    if keeps_versions:
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return client


def every_version(client: Any, bucket: str) -> dict[str, bytes]:
    """Every version of every object by key and version id, and every delete marker, without bytes."""
    pages = list(client.get_paginator("list_object_versions").paginate(Bucket=bucket))
    versions = [(one["Key"], one["VersionId"]) for page in pages for one in page.get("Versions", ())]
    markers = [(one["Key"], one["VersionId"]) for page in pages for one in page.get("DeleteMarkers", ())]
    return {f"{key} {version}": b"" for key, version in markers} | {
        f"{key} {version}": client.get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read()
        for key, version in versions
    }


def contents(client: Any, bucket: str, prefix: str = "") -> dict[str, bytes]:
    """Every object below a prefix by the rest of its key."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [found["Key"] for page in pages for found in page.get("Contents", ())]
    return {key[len(prefix) :]: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def upload(client: Any, bucket: str, folder: Path, prefix: str = "") -> None:
    """Make the prefix hold exactly the files of a folder; objects that are the same are left alone."""
    have = contents(client, bucket, prefix)
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for name in have.keys() - files.keys():
        client.delete_object(Bucket=bucket, Key=prefix + name)
    for name, data in files.items():
        if have.get(name) != data:
            client.put_object(Bucket=bucket, Key=prefix + name, Body=data)


def download(client: Any, bucket: str, folder: Path, prefix: str = "") -> None:
    """Make a folder hold exactly the objects of a prefix; files that are the same are left alone."""
    have = contents(client, bucket, prefix)
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if str(path.relative_to(folder)) not in have:
            path.unlink()
    for name, data in have.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_bytes() != data:
            path.write_bytes(data)


class BucketEdge:
    """Opens a folder as a bucket: what is in the folder is in the bucket before, and the other way round after."""

    def __init__(self) -> None:
        self._client: Any = make_bucket("mirror")

    @contextmanager
    def __call__(self, folder: Path) -> Iterator[Lake]:
        prefix = f"{folder.name}/"
        upload(self._client, "mirror", folder, prefix)
        try:
            yield S3Lake("mirror", prefix, policy=QUICK)
        finally:
            download(self._client, "mirror", folder, prefix)
