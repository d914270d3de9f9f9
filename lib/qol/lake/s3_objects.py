"""Requests for the objects of a bucket: list, read, stage, write under a condition, delete."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

import pyarrow as pa

from qol.aws.requests import (
    CONDITION_FAILED,
    MISSING,
    RequestError,
    RetryPolicy,
    aws_client,
    read_whole,
    translate_errors,
)
from qol.errors import LakeError
from qol.lake.base import Listing, StoredObject
from qol.lake.s3_file import TAIL_BYTES, BlockFile

STAGING = "_staging/"
#: Prefixes that may hold vendor ids: encrypted with the bucket's own key, all others with `kms_key`.
IDENTIFYING = ("raw/", "quarantine/", "_staging/", "_locks/")
MAX_SPOOL_BYTES = 64 * 2**20
MAX_KEYS_PER_DELETE = 1_000


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

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.prefix + key}

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
        pages = iter(
            self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix + prefix, **options
            )
        )
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
        try:
            with translate_errors(self.location(key), self.policy):
                head = self._s3.head_object(**self._at(key))
        except RequestError as err:
            if err.code in MISSING:
                return None
            raise
        return StoredObject(key, head["ContentLength"], head["ETag"].strip('"'))

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """The object's bytes from `start`."""
        if length == 0:
            return b""
        try:
            return self._get(key, _range(start, length))[1]
        except RequestError as err:
            if err.code == "InvalidRange":
                return b""
            raise

    def _get(self, key: str, options: dict[str, str]) -> tuple[Any, bytes]:
        try:
            return read_whole(self.location(key), lambda: self._s3.get_object(**self._at(key), **options), self.policy)
        except RequestError as err:
            if err.code in MISSING:
                raise LakeError(f"{key}: gone from the lake while it was needed") from err
            if err.code in CONDITION_FAILED:
                raise LakeError(f"{key}: changed while it was read; run again") from err
            raise

    def open_table(self, key: str) -> pa.NativeFile:
        """A seekable file over range requests, all of the object's same version."""
        try:
            response, tail = self._get(key, {"Range": f"bytes=-{TAIL_BYTES}"})
        except RequestError as err:
            if err.code == "InvalidRange":  # an empty object has no last bytes
                return pa.BufferReader(b"")
            raise
        size = int(response.get("ContentRange", f"/{len(tail)}").rpartition("/")[2])
        if size == len(tail):
            return pa.BufferReader(tail)
        same = {"IfMatch": response["ETag"]}
        file = BlockFile(size, tail, lambda start, length: self._get(key, _range(start, length) | same)[1])
        return pa.PythonFile(file, mode="r")

    @contextmanager
    def create(self, key: str) -> Iterator[BinaryIO]:
        """A new object below `_staging/`, written when it is complete."""
        if not key.startswith(STAGING):
            raise LakeError(f"{key}: not a staged object; allowed: keys below {STAGING}")
        with tempfile.SpooledTemporaryFile(max_size=MAX_SPOOL_BYTES) as file:
            yield cast("BinaryIO", file)
            file.seek(0)
            with translate_errors(self.location(key), self.policy):
                self._s3.put_object(**self._at(key), **self._encryption(key), Body=file)

    def put_if(self, key: str, data: bytes, etag: str | None) -> str:
        """Write when the object has that tag (None: does not exist) and return the new tag; RequestError otherwise."""
        condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": f'"{etag}"'}
        with translate_errors(self.location(key), self.policy):
            done = self._s3.put_object(**self._at(key), **self._encryption(key), **condition, Body=data)
        return str(done["ETag"]).strip('"')

    def put_any(self, key: str, data: bytes) -> str:
        """Write an object, over an existing one, and return its tag."""
        with translate_errors(self.location(key), self.policy):
            return str(self._s3.put_object(**self._at(key), **self._encryption(key), Body=data)["ETag"])

    def get_tagged(self, key: str) -> tuple[str, bytes] | None:
        """Tag and content of an object, or None."""
        try:
            response, data = read_whole(self.location(key), lambda: self._s3.get_object(**self._at(key)), self.policy)
        except RequestError as err:
            if err.code in MISSING:
                return None
            raise
        return str(response["ETag"]).strip('"'), data

    def delete_if(self, key: str, etag: str) -> None:
        """Delete the object when it has that tag."""
        with translate_errors(self.location(key), self.policy):
            self._s3.delete_object(**self._at(key), IfMatch=f'"{etag}"')

    def delete(self, key: str) -> None:
        """Remove an object."""
        with translate_errors(self.location(key), self.policy):
            self._s3.delete_object(**self._at(key))

    def sweep(self, prefix: str) -> int:
        """Remove all objects below `prefix`."""
        keys = [self.prefix + stored.key for stored in self.walk(prefix)]
        for start in range(0, len(keys), MAX_KEYS_PER_DELETE):
            self._delete_some(prefix, keys[start : start + MAX_KEYS_PER_DELETE])
        return len(keys)

    def _delete_some(self, prefix: str, keys: Sequence[str]) -> None:
        """Delete objects by one request, and those that it answers an error for once more, each by its own."""
        wanted = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        with translate_errors(self.location(prefix), self.policy):
            for failed in self._s3.delete_objects(Bucket=self.bucket, Delete=wanted).get("Errors", ()):
                self._s3.delete_object(Bucket=self.bucket, Key=failed["Key"])

    def _encryption(self, key: str) -> dict[str, str]:
        if self.kms_key is None or key.startswith(IDENTIFYING):
            return {}
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key}


def _range(start: int, length: int | None) -> dict[str, str]:
    if start == 0 and length is None:
        return {}
    return {"Range": f"bytes={start}-{'' if length is None else start + length - 1}"}
