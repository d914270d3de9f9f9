"""Requests for the objects of a bucket: list, read, stage, write under a condition, delete."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from qol.aws.requests import (
    CONDITION_FAILED,
    MISSING,
    RequestError,
    RetryPolicy,
    aws_client,
    ignore_errors,
    read_whole,
    translate_errors,
)
from qol.errors import LakeError
from qol.lake.base import Listing, StoredObject
from qol.lake.s3_file import TAIL_BYTES, BlockFile

if TYPE_CHECKING:
    import pyarrow as pa

STAGING = "_staging/"
#: Prefixes that may hold vendor ids: encrypted with the bucket's own key, all others with `kms_key`.
IDENTIFYING = (
    "raw/", "quarantine/", "_staging/", "_locks/", "_erasures/", "_reports/", "athena-results-operators/"
)  # fmt: skip
MAX_SPOOL_BYTES = 64 * 2**20
MAX_KEYS_PER_DELETE = 1_000
#: The code for a range that begins at the object's end or after it.
_NO_BYTES = frozenset({"InvalidRange"})


@dataclass(frozen=True)
class StoredVersion:
    """One version of an object: its id, its tag, when it was written and whether it is the current one."""

    version_id: str
    etag: str
    written: datetime
    is_latest: bool


@dataclass(frozen=True)
class S3Objects:
    """A bucket or a prefix of one; `kms_key` encrypts published files. Nothing here checks the lock."""

    bucket: str
    prefix: str = ""
    kms_key: str | None = None
    policy: RetryPolicy = field(default_factory=RetryPolicy)

    def location(self, key: str) -> str:
        """The `s3://` address of a key's object."""
        return f"s3://{self.bucket}/{self.prefix}{key}"

    @property
    def _s3(self) -> Any:
        return aws_client("s3", self.policy)

    def _request(self, operation: str, key: str, **options: Any) -> Any:
        """The answer to one request about an object."""
        with translate_errors(self.location(key), self.policy):
            return getattr(self._s3, operation)(Bucket=self.bucket, Key=self.prefix + key, **options)

    def put_any(self, key: str, data: bytes | BinaryIO, **condition: str) -> str:
        """Write an object, over an existing one, and return its tag; RequestError when the condition does not hold."""
        answer = self._request("put_object", key, Body=data, **self._encryption(key), **condition)
        return str(answer["ETag"]).strip('"')

    def _get(self, key: str, **options: str) -> tuple[Any, bytes]:
        """The answer with its headers, and the bytes."""
        place = {"Bucket": self.bucket, "Key": self.prefix + key}
        return read_whole(self.location(key), lambda: self._s3.get_object(**place, **options), self.policy)

    def require(self) -> None:
        """RequestError when the bucket does not exist or this role may not read it."""
        with translate_errors(f"s3://{self.bucket}", self.policy):
            self._s3.head_bucket(Bucket=self.bucket)

    def children(self, prefix: str) -> Listing:
        """Objects and folders directly below `prefix`."""
        objects: list[StoredObject] = []
        folders: list[str] = []
        for page in self._pages(prefix, Delimiter="/"):
            objects.extend(self._objects(page))
            start = len(self.prefix) + len(prefix)
            folders.extend(found["Prefix"][start:] for found in page.get("CommonPrefixes", ()))
        return Listing(tuple(objects), tuple(sorted(folders)))

    def walk(self, prefix: str) -> Iterator[StoredObject]:
        """All objects below `prefix`, in key order."""
        for page in self._pages(prefix):
            yield from self._objects(page)

    def _pages(self, prefix: str, **options: str) -> Iterator[dict[str, Any]]:
        listing = self._s3.get_paginator("list_objects_v2")
        pages = iter(listing.paginate(Bucket=self.bucket, Prefix=self.prefix + prefix, **options))
        while True:
            with translate_errors(self.location(prefix), self.policy):
                page = next(pages, None)
            if page is None:
                return
            yield page

    def _objects(self, page: dict[str, Any]) -> Iterator[StoredObject]:
        """The objects of a page of a listing, without the keys that the console creates for folders."""
        for found in page.get("Contents", ()):
            if not found["Key"].endswith("/"):
                yield StoredObject(found["Key"][len(self.prefix) :], found["Size"], found["ETag"].strip('"'))

    def stat(self, key: str) -> StoredObject | None:
        """The object at `key`, or None."""
        with ignore_errors(MISSING):
            head = self._request("head_object", key)
            return StoredObject(key, head["ContentLength"], head["ETag"].strip('"'))
        return None

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """The object's bytes from `start`."""
        with ignore_errors(_NO_BYTES):
            return b"" if length == 0 else self._get_existing(key, **_range(start, length))[1]
        return b""

    def _get_existing(self, key: str, **options: str) -> tuple[Any, bytes]:
        try:
            return self._get(key, **options)
        except RequestError as err:
            if err.code in MISSING:
                raise LakeError(f"{key}: gone from the lake while it was needed") from err
            if err.code in CONDITION_FAILED:
                raise LakeError(f"{key}: changed while it was read; run again") from err
            raise

    def open_table(self, key: str) -> pa.NativeFile:
        """A seekable file over range requests, all of the object's same version."""
        import pyarrow as pa  # a collector on AWS writes lines and has no Arrow

        with ignore_errors(_NO_BYTES):
            response, tail = self._get_existing(key, Range=f"bytes=-{TAIL_BYTES}")
            size = int(response.get("ContentRange", f"/{len(tail)}").rpartition("/")[2])
            if size == len(tail):
                return pa.BufferReader(tail)
            etag = response["ETag"]
            file = BlockFile(size, tail, lambda *part: self._get_existing(key, **_range(*part), IfMatch=etag)[1])
            return pa.PythonFile(file, mode="r")
        return pa.BufferReader(b"")

    @contextmanager
    def create(self, key: str) -> Iterator[BinaryIO]:
        """A new object below `_staging/`, written when it is complete."""
        if not key.startswith(STAGING):
            raise LakeError(f"{key}: not a staged object; allowed: keys below {STAGING}")
        with tempfile.SpooledTemporaryFile(max_size=MAX_SPOOL_BYTES) as file:
            staged = cast("BinaryIO", file)
            yield staged
            staged.seek(0)
            self.put_any(key, staged)

    def put_if(self, key: str, data: bytes, etag: str | None) -> str:
        """Write when the object has that tag (None: does not exist) and return the new tag; RequestError otherwise."""
        return self.put_any(key, data, **({"IfNoneMatch": "*"} if etag is None else {"IfMatch": f'"{etag}"'}))

    def get_tagged(self, key: str) -> tuple[str, bytes] | None:
        """Tag and content of an object, or None."""
        with ignore_errors(MISSING):
            response, data = self._get(key)
            return str(response["ETag"]).strip('"'), data
        return None

    def versions(self, key: str) -> list[StoredVersion]:
        """Versions of an object, newest first, without delete markers; an unversioned bucket has one."""
        full = self.prefix + key
        with translate_errors(self.location(key), self.policy):
            pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=full)
            return [
                StoredVersion(found["VersionId"], found["ETag"].strip('"'), found["LastModified"], found["IsLatest"])
                for page in pages
                for found in page.get("Versions", ())
                if found["Key"] == full
            ]

    def read_version(self, key: str, version: StoredVersion) -> bytes:
        """The bytes of one version."""
        return self.read_version_id(key, version.version_id)

    def old_versions(self, prefix: str = "") -> Iterator[tuple[str, str, bool]]:
        """Key, version id and whether it is a delete marker, of versions that are not current, markers that are too."""
        with translate_errors(self.location(prefix), self.policy):
            pages = self._s3.get_paginator("list_object_versions").paginate(
                Bucket=self.bucket, Prefix=self.prefix + prefix
            )
            for page in pages:
                for found in page.get("Versions", ()):
                    if not found["IsLatest"]:
                        yield found["Key"][len(self.prefix) :], found["VersionId"], False
                for found in page.get("DeleteMarkers", ()):
                    yield found["Key"][len(self.prefix) :], found["VersionId"], True

    def read_version_id(self, key: str, version_id: str) -> bytes:
        """The bytes of the version with an id."""
        return self._get(key, VersionId=version_id)[1]

    def delete_version(self, key: str, version_id: str) -> None:
        """Remove one version, or delete marker, for good."""
        self._request("delete_object", key, VersionId=version_id)

    def delete_if(self, key: str, etag: str) -> None:
        """Delete the object when it has that tag."""
        self._request("delete_object", key, IfMatch=f'"{etag}"')

    def delete(self, key: str) -> None:
        """Remove an object."""
        self._request("delete_object", key)

    def sweep(self, prefix: str) -> int:
        """Remove all objects below `prefix`, and those that S3 answers an error for once more, each by its own request."""
        keys = [self.prefix + stored.key for stored in self.walk(prefix)]
        for start in range(0, len(keys), MAX_KEYS_PER_DELETE):
            some = {"Objects": [{"Key": key} for key in keys[start : start + MAX_KEYS_PER_DELETE]], "Quiet": True}
            with translate_errors(self.location(prefix), self.policy):
                for failed in self._s3.delete_objects(Bucket=self.bucket, Delete=some).get("Errors", ()):
                    self._s3.delete_object(Bucket=self.bucket, Key=failed["Key"])
        return len(keys)

    def _encryption(self, key: str) -> dict[str, str]:
        if self.kms_key is None or key.startswith(IDENTIFYING):
            return {}
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key}


def _range(start: int, length: int | None) -> dict[str, str]:
    if start == 0 and length is None:
        return {}
    return {"Range": f"bytes={start}-{'' if length is None else start + length - 1}"}
