"""Earlier versions of objects in a versioned bucket."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from qol.aws.requests import aws_client, read_whole, translate_errors
from qol.lake.s3 import S3Lake


@dataclass(frozen=True)
class StoredVersion:
    """One version of an object: its id, its tag, when it was written and whether it is the current one."""

    version_id: str
    etag: str
    written: datetime
    is_latest: bool


def versions(lake: S3Lake, key: str) -> list[StoredVersion]:
    """Versions of an object, newest first, without delete markers; an unversioned bucket has one."""
    found: list[StoredVersion] = []
    with translate_errors(lake.location(key), lake.policy):
        pages = aws_client("s3", lake.policy).get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=lake.bucket, Prefix=lake.prefix + key):
            found += [
                StoredVersion(v["VersionId"], v["ETag"].strip('"'), v["LastModified"], v["IsLatest"])
                for v in page.get("Versions", ())
                if v["Key"] == lake.prefix + key
            ]
    return found


def read_version(lake: S3Lake, key: str, version: StoredVersion) -> bytes:
    """The bytes of one version."""
    place = {"Bucket": lake.bucket, "Key": lake.prefix + key, "VersionId": version.version_id}
    client = aws_client("s3", lake.policy)
    return read_whole(lake.location(key), lambda: client.get_object(**place), lake.policy)[1]
