"""Accounts that were erased and still send: the receiver gives them no new entry in the user map."""

import json
import time
from collections.abc import Iterable

from botocore.exceptions import ClientError

from qol.identity.erasure_hash import RECEIVER_KEY, erasure_hash
from qol.webhooks.deadline import QUICK
from qol_lambda.clients import client, error_code
from qol_lambda.settings import setting

CACHE_SECONDS = 600.0
_SOURCE = "garmin"
#: Errors of S3 when no account was erased. Without the right to list the bucket, S3 answers the second.
_NONE = ("NoSuchKey", "AccessDenied")


class ErasedAccounts:
    """Keyed hashes of erased accounts, read again after ten minutes."""

    def __init__(self) -> None:
        self._read_at = float("-inf")
        self._key, self._ids = b"", frozenset[str]()

    def among(self, vendor_user_ids: Iterable[str]) -> set[str]:
        """Those of the vendor's ids that are erased; ClientError and other errors of the SDK when the bucket does not answer."""
        if time.monotonic() - self._read_at >= CACHE_SECONDS:
            self._read()
        if not self._ids:
            return set()
        return {vendor for vendor in vendor_user_ids if erasure_hash(self._key, _SOURCE, vendor) in self._ids}

    def _read(self) -> None:
        place = {"Bucket": setting("QOL_BUCKET"), "Key": setting("QOL_PREFIX", "") + RECEIVER_KEY}
        try:
            found = json.loads(client("s3", QUICK).get_object(**place)["Body"].read())
        except ClientError as err:
            if error_code(err) not in _NONE:
                raise
            found = {"key": "", "ids": []}
        self._key, self._ids = bytes.fromhex(found["key"]), frozenset(found["ids"])
        self._read_at = time.monotonic()
