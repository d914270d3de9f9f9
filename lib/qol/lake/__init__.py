"""A lake in a folder or in a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qol.errors import UsageError
from qol.lake.base import Lake, Listing, StoredObject
from qol.lake.local import LocalLake

if TYPE_CHECKING:
    from qol.lake.s3 import S3Lake

__all__ = ["Lake", "Listing", "LocalLake", "StoredObject", "open_lake"]


def open_lake(uri: str | None, *, kms_key: str | None = None, database: str | None = None) -> Lake:
    """The lake in a folder or a bucket; UsageError when none is named, it does not exist or its scheme is not supported.

    `kms_key` encrypts published files and `database` is the Glue database that registers their partitions; both on S3 only.
    """
    if not uri:
        raise UsageError(
            "--lake: not given; allowed: a folder or s3://bucket[/prefix], by --lake or the environment variable QOL_LAKE"
        )
    scheme = uri.split("://", 1)[0] if "://" in uri else "file"
    if scheme == "s3":
        return _open_bucket(uri, kms_key, database)
    if scheme != "file":
        raise UsageError(f"--lake {uri}: found scheme {scheme!r}; allowed: a folder or s3://bucket[/prefix]")
    for option, value in (("--kms-key", kms_key), ("--database", database)):
        if value is not None:
            raise UsageError(f"{option} {value}: only a lake on S3 has one; allowed: no such option for a folder")
    lake = LocalLake(uri.removeprefix("file://"))
    try:
        exists = lake.root.is_dir()
    except PermissionError:
        allowed = "a folder that the user of this process can read"
        raise UsageError(f"--lake {uri}: may not be read (permission denied); allowed: {allowed}") from None
    if not exists:
        allowed = f"a lake's folder (`qol sample --lake {uri}` makes one)"
        raise UsageError(f"--lake {uri}: no such folder; allowed: {allowed}")
    return lake


def _open_bucket(uri: str, kms_key: str | None, database: str | None) -> S3Lake:
    from qol.aws.requests import NO_CREDENTIAL_ERRORS, NO_CREDENTIALS, WRONG_BUCKET, RequestError
    from qol.lake.s3 import S3Lake

    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    prefix = prefix.strip("/")
    if not bucket:
        raise UsageError(f"--lake {uri}: names no bucket; allowed: s3://bucket[/prefix]")
    lake = S3Lake(bucket, f"{prefix}/" if prefix else "", kms_key, database=database)
    try:
        lake.require()
    except RequestError as err:
        if err.code in NO_CREDENTIAL_ERRORS:
            raise UsageError(f"--lake {uri}: {NO_CREDENTIALS}") from None
        if err.code not in WRONG_BUCKET:
            raise
        raise UsageError(f"--lake {err}") from None
    return lake
