"""Old versions of objects in a bucket that hold erased users, and the marks that deletions leave."""

import io
from collections.abc import Callable

import pyarrow.parquet as pq

from qol.identity.pseudonyms import Identities
from qol.lake.base import Lake
from qol.lake.s3 import S3Lake
from qol.people.person import Person
from qol.tables.corruption import ARROW_ERRORS

#: Prefixes of which no old version is restored: all old versions are deleted, without being read.
_ALL = (
    "_staging/",
    "_locks/lake.json",
    "quarantine/",
    "_reports/",
    "_docs/",
    "_objects/",
    "athena-results",
    "_erasures/requests/",
)


def erase_versions(
    lake: S3Lake, person: Person, identities: Identities, holds: Callable[[str, bytes], bool], *, acts: bool
) -> int:
    """Delete every old version that has the person, and delete markers without a version left; how many versions have it.

    `identities` recognizes the person's user ids, also those that the map no longer has; `holds` says of a raw object's key
    and bytes whether the person is in it.
    """

    def has(key: str, version_id: str) -> bool:
        data = lake.read_version_id(key, version_id)
        if key.startswith("raw/"):
            return holds(key, data)
        if key.endswith(".parquet"):
            return _has_rows(data, identities)
        return any(user_id.encode() in data for user_id in person.user_ids)

    old = list(lake.old_versions())
    versions = [(key, version_id) for key, version_id, is_marker in old if not is_marker]
    gone = [one for one in versions if one[0].startswith(_ALL) or has(*one)]
    left = {key for key, _ in set(versions).difference(gone)}
    markers = [(key, version_id) for key, version_id, is_marker in old if is_marker and key not in left]
    for key, version_id in [*gone, *markers] if acts else ():
        lake.delete_version(key, version_id)
    return len(gone)


def forget_versions(lake: Lake, prefix: str) -> None:
    """Delete the old versions and delete markers below a prefix, in a bucket."""
    if isinstance(lake, S3Lake):
        for key, version_id, _ in list(lake.old_versions(prefix)):
            lake.delete_version(key, version_id)


def _has_rows(data: bytes, identities: Identities) -> bool:
    try:
        column = pq.read_table(io.BytesIO(data), columns=["user_id"])["user_id"]
    except ARROW_ERRORS:
        return True  # what cannot be searched may have them
    return any(map(identities.is_erased_user, column.unique().to_pylist()))
