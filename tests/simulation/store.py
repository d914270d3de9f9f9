"""A simulated bucket that keeps versions, and the client that the product's code for S3 talks to."""

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from botocore.exceptions import IncompleteReadError as CutError

from qol.aws import requests
from qol.aws.requests import RetryPolicy
from qol.lake.s3 import S3Lake
from tests.simulation.scenario import Fault
from tests.simulation.world import Killed, World

MUTATING = ("put_object", "delete_object", "delete_objects")
Answer = dict[str, Any]
#: What is done at the request's turn; listings take how many seconds they lag.
Effect = Callable[[float], Answer]


@dataclass(frozen=True)
class Version:
    """One version of an object; a deletion leaves one without data."""

    id: str
    data: bytes | None
    written: datetime
    #: The lock that its writer had taken.
    epoch: int

    @property
    def etag(self) -> str:
        return '"' + hashlib.md5(self.data or b"").hexdigest() + '"'


class Store:
    """Versions of every object by key, oldest first; `on_change` is called after each change with the key and the version before."""

    def __init__(self, world: World, versions: dict[str, list[Version]] | None = None) -> None:
        self.world = world
        self.versions: dict[str, list[Version]] = {key: [*found] for key, found in (versions or {}).items()}
        self.on_change: Callable[[str, Version | None], None] = lambda _key, _before: None
        self._number = 0

    def current(self, key: str) -> Version | None:
        """The version that readers get."""
        newest = self.versions.get(key, [None])[-1]
        return newest if newest is not None and newest.data is not None else None

    def objects(self) -> dict[str, bytes]:
        """What readers get, in key order."""
        found = {key: self.current(key) for key in sorted(self.versions)}
        return {key: one.data for key, one in found.items() if one is not None and one.data is not None}

    def write(self, key: str, data: bytes | None) -> Version:
        """Add a version; None deletes the object."""
        before = self.current(key)
        self._number += 1
        written = self.world.start + timedelta(seconds=self.world.clock)
        name = f"v{len(self.versions.get(key, ()))}-{self._number}-{self.world.clock:.3f}"
        version = Version(name, data, written, self.world.process.epoch)
        if data is not None or before is not None:
            self.versions.setdefault(key, []).append(version)
            self.on_change(key, before)
        return version

    def remove_version(self, key: str, version_id: str) -> None:
        """Remove one version for good."""
        left = [one for one in self.versions.get(key, ()) if one.id != version_id]
        if left:
            self.versions[key] = left
        else:
            self.versions.pop(key, None)

    def require(self, operation: str, key: str, given: dict[str, Any]) -> None:
        """ClientError when the condition of a request does not hold."""
        found = self.current(key)
        if given.get("IfNoneMatch") == "*" and found is not None:
            raise refused("PreconditionFailed", 412, operation)
        if "IfMatch" in given and found is None:
            raise refused("NoSuchKey", 404, operation)
        if "IfMatch" in given and found is not None and found.etag.strip('"') != given["IfMatch"].strip('"'):
            raise refused("PreconditionFailed", 412, operation)


def refused(code: str, status: int, operation: str) -> ClientError:
    """What the SDK raises for an answer that is an error."""
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, operation)


class _Body(io.BytesIO):
    """The body of an answer; one that was cut ends with an error."""

    is_cut = False

    def read(self, *given: int | None) -> bytes:
        if self.is_cut:
            raise CutError(actual_bytes=0, expected_bytes=1)
        return super().read(*given)


@dataclass(frozen=True)
class Client:
    """What the product calls of an S3 client; each attempt of a request waits for its turn, and may go wrong."""

    store: Store
    policy: RetryPolicy

    def _send(self, operation: str, key: str, effect: Effect, **given: Any) -> Answer:
        """The answer to a request, sent again as the SDK does."""
        attempts = 1 if requests.BREAKER.is_open else self.policy.attempts
        for left in reversed(range(attempts)):
            try:
                return self._attempt(operation, key, effect, given)
            except (ConnectionClosedError, ReadTimeoutError):
                if not left:
                    raise
            except ClientError as err:
                if not left or err.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                    raise
            self.store.world.wait(1.0)
        raise AssertionError

    def _attempt(self, operation: str, key: str, effect: Effect, given: dict[str, Any]) -> Answer:
        world = self.store.world
        world.wait(world.process.random.uniform(0.02, 0.4))
        process = world.process
        fault = process.next_fault(f"{operation} {key}")
        said = f"{world.clock:8.2f} {process.name} {process.requests}: {operation} {key}"
        world.trace.append(f"{said} [{fault.kind} {fault.seconds or ''}]" if fault else said)
        if fault is None:
            return effect(0.0)
        return self._go_wrong(fault, operation, effect, given)

    def _go_wrong(self, fault: Fault, operation: str, effect: Effect, given: dict[str, Any]) -> Answer:
        world = self.store.world
        if fault.kind in ("lost", "kill_after"):
            effect(0.0)
        if fault.kind in ("kill", "kill_after"):
            world.process.is_dead = True
            raise Killed
        if fault.kind == "lost":
            world.wait(fault.seconds)
            raise ConnectionClosedError(endpoint_url="")
        if fault.kind == "late" and operation in MUTATING:
            world.land_later(fault.seconds, lambda: _ignore(effect))
            world.wait(self.policy.read_seconds)
            raise ReadTimeoutError(endpoint_url="")
        if fault.kind == "503" or (fault.kind == "409" and not given.keys() & {"IfMatch", "IfNoneMatch"}):
            raise refused("SlowDown", 503, operation)
        if fault.kind == "409":
            raise refused("ConditionalRequestConflict", 409, operation)
        answer = effect(fault.seconds if fault.kind == "lag" else 0.0)
        if fault.kind == "pause":  # after the answer: one that stands still before it has sent a request sends it late
            world.process.paused_until = world.clock + fault.seconds
            world.wait(0.0)
        if fault.kind == "cut" and "Body" in answer:
            answer["Body"].is_cut = True
        return answer

    def put_object(self, *, Key: str, Body: Any, **given: Any) -> Answer:  # noqa: N803 (the SDK's names)
        data = Body if isinstance(Body, bytes) else Body.read()

        def effect(_: float) -> Answer:
            self.store.require("PutObject", Key, given)
            return {"ETag": self.store.write(Key, data).etag}

        return self._send("put_object", Key, effect, **given)

    def get_object(self, *, Key: str, Range: str = "", **given: Any) -> Answer:  # noqa: N803
        def effect(_: float) -> Answer:
            found = self._version(Key, given)
            self.store.require("GetObject", Key, {name: given[name] for name in given if name == "IfMatch"})
            data = found.data or b""
            part = _part(data, Range)
            return {"Body": _Body(part), "ETag": found.etag, "ContentRange": f"bytes x/{len(data)}"}

        return self._send("get_object", Key, effect)

    def _version(self, key: str, given: dict[str, Any]) -> Version:
        if "VersionId" in given:
            found = next((one for one in self.store.versions.get(key, ()) if one.id == given["VersionId"]), None)
        else:
            found = self.store.current(key)
        if found is None or found.data is None:
            raise refused("NoSuchVersion" if "VersionId" in given else "NoSuchKey", 404, "GetObject")
        return found

    def head_object(self, *, Key: str, **_: Any) -> Answer:  # noqa: N803
        def effect(_: float) -> Answer:
            found = self._version(Key, {})
            return {"ContentLength": len(found.data or b""), "ETag": found.etag}

        return self._send("head_object", Key, effect)

    def delete_object(self, *, Key: str, **given: Any) -> Answer:  # noqa: N803
        def effect(_: float) -> Answer:
            if "VersionId" in given:
                self.store.remove_version(Key, given["VersionId"])
                return {}
            self.store.require("DeleteObject", Key, given)
            self.store.write(Key, None)
            return {}

        return self._send("delete_object", Key, effect, **given)

    def delete_objects(self, *, Delete: Any, **_: Any) -> Answer:  # noqa: N803
        keys = [one["Key"] for one in Delete["Objects"]]

        def effect(_: float) -> Answer:
            for key in keys:
                self.store.write(key, None)
            return {}

        return self._send("delete_objects", f"{keys[0]} … {len(keys)}", effect)

    def get_paginator(self, operation: str) -> "_Paginator":
        return _Paginator(self, operation)

    def list_objects_v2(self, prefix: str, delimiter: str) -> Answer:
        """One page. Only `raw/` may lag: deliveries land there while it is listed; S3 itself shows what it has taken."""

        def effect(lag: float) -> Answer:
            seen = self.store.world.start + timedelta(seconds=self.store.world.clock - lag)
            found = [
                (key, version)
                for key in sorted(self.store.versions)
                if key.startswith(prefix)
                if (version := self.store.current(key))
                if not (lag and key.startswith("raw/") and version.written > seen)
            ]
            folders = {key[: key.index("/", len(prefix)) + 1] for key, _ in found if "/" in key[len(prefix) :]}
            here = [(key, one) for key, one in found if not (delimiter and "/" in key[len(prefix) :])]
            return {
                "Contents": [{"Key": key, "Size": len(one.data or b""), "ETag": one.etag} for key, one in here],
                "CommonPrefixes": [{"Prefix": folder} for folder in sorted(folders)] if delimiter else [],
            }

        return self._send("list_objects_v2", prefix, effect)

    def list_object_versions(self, prefix: str) -> Answer:
        """One page, newest versions first."""

        def effect(_: float) -> Answer:
            found = [
                (key, one, one is versions[-1])
                for key, versions in sorted(self.store.versions.items())
                if key.startswith(prefix)
                for one in reversed(versions)
            ]
            return {
                name: [
                    {
                        "Key": key,
                        "VersionId": one.id,
                        "ETag": one.etag,
                        "LastModified": one.written,
                        "IsLatest": is_latest,
                    }
                    for key, one, is_latest in found
                    if (one.data is None) is of_markers
                ]
                for name, of_markers in (("Versions", False), ("DeleteMarkers", True))
            }

        return self._send("list_object_versions", prefix, effect)


@dataclass(frozen=True)
class _Paginator:
    client: Client
    operation: str

    def paginate(self, *, Prefix: str, Delimiter: str = "", **_: Any) -> Iterator[Answer]:  # noqa: N803
        if self.operation == "list_objects_v2":
            yield self.client.list_objects_v2(Prefix, Delimiter)
        else:
            yield self.client.list_object_versions(Prefix)


def _ignore(effect: Effect) -> None:
    """Carry out a late request; its sender no longer waits for the answer."""
    try:
        effect(0.0)
    except ClientError:
        return


def _part(data: bytes, wanted: str) -> bytes:
    """The bytes of a range as S3 reads it."""
    if not wanted:
        return data
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    if not first:
        return data[-int(last) :]
    if int(first) >= len(data):
        raise refused("InvalidRange", 416, "GetObject")
    return data[int(first) : int(last) + 1 if last else None]


@dataclass(frozen=True)
class SimulatedLake(S3Lake):
    """The product's lake in a bucket, on the simulated store."""

    reads_at_once: ClassVar[int] = 1
    store: Store | None = field(default=None, compare=False)

    @property
    def _s3(self) -> Client:
        assert self.store is not None
        return Client(self.store, self.policy)
