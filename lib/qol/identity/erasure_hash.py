"""The keyed hash by which erased users are recognized; for the functions too, so it imports nothing heavy."""

import hashlib

HASH_BYTES = 16
#: What the webhook's receiver reads: the key of the hashes, and those of erased accounts. Nothing else may read it.
RECEIVER_KEY = "_receiver/erased.json"


def erasure_hash(key: bytes, kind: str, name: str) -> str:
    """128 bits of keyed BLAKE2b over an id of an erased user, of a source or a `user`; no pseudonym, and no id."""
    return hashlib.blake2b(f"{kind}:{name}".encode(), key=key, digest_size=HASH_BYTES).hexdigest()
