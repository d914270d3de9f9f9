"""Garmin's webhook in the API: bodies up to 100 MiB, stored as the receiver on AWS stores them, never whole in memory."""

import gzip
import hashlib
import zlib
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import IO, BinaryIO, cast

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from qol.contracts.spans import BrokenTextError
from qol.ingest.line_reader import MAX_LINE_BYTES
from qol.serve.door import require_rate
from qol.serve.garmin_users import update_user_map
from qol.serve.json_bodies import service_of
from qol.serve.problem_details import ProblemError
from qol.serve.service import Service
from qol.webhooks.bodies import Control, Delivery, line_key, quarantine_key, read_body
from qol.webhooks.long_bodies import read_long_body
from qol.webhooks.webhook_credentials import CLIENT_HEADER, read_credentials

router = APIRouter(prefix="/v1/webhooks", include_in_schema=False)
#: A body of this size is one line: with the stamp of its arrival at most what the job reads as one.
MAX_SHORT_BYTES = MAX_LINE_BYTES - 128
SPOOL_BYTES, PIECE_BYTES = 2**20, 2**18
_GZIP = b"\x1f\x8b"


@router.post("/garmin/{token}")
async def receive(request: Request, token: str) -> Response:
    """Store a delivery before it is answered with 200; 404 for a wrong token or client id, as on AWS."""
    service = service_of(request)
    await run_in_threadpool(_require_garmin, service, request, token)
    request.state.caller = "garmin"
    with SpooledTemporaryFile(SPOOL_BYTES) as body:
        digest = hashlib.sha256()
        async for piece in request.stream():
            digest.update(piece)
            await run_in_threadpool(body.write, piece)
        await run_in_threadpool(_store, service, cast("BinaryIO", body), digest.hexdigest())
    return Response(status_code=200)


def _require_garmin(service: Service, request: Request, token: str) -> None:
    """404 for a caller without Garmin's credentials; how often it may try is limited."""
    secret = service.options.garmin_secret
    if secret is None or not read_credentials(secret).verify(token, request.headers.get(CLIENT_HEADER, "")):
        require_rate(service, f"anonymous:{request.client.host if request.client else ''}")
        raise ProblemError(404, "There is nothing at this path.")


def _store(service: Service, body: BinaryIO, digest: str) -> None:
    """Store a body's lines once the user map has its users, or the body itself when it is not JSON."""
    now = service.now
    body.seek(0)
    is_gzip = body.read(2) == _GZIP
    body.seek(0)
    with TemporaryFile() as lines:
        try:
            plain = gzip.GzipFile(fileobj=body, mode="rb") if is_gzip else body
            found = _deliveries(cast("BinaryIO", plain), now, service.file.limits.garmin_body_bytes)
            users, controls = _write_lines(lines, found)
        except (BrokenTextError, OSError, EOFError, zlib.error):
            body.seek(0)
            service.lake.put_if_absent(quarantine_key(digest, now), body)
            service.count("unparsable_bodies")
            return
        if lines.tell():
            update_user_map(service, users, controls, now)
            lines.seek(0)
            service.lake.put_if_absent(line_key(digest, now), cast("BinaryIO", lines))


def _write_lines(lines: IO[bytes], deliveries: Iterable[Delivery]) -> tuple[Collection[str], list[Control]]:
    """Write the lines of a body; its users, each once, and its control messages in their order."""
    users, controls = dict[str, None](), list[Control]()
    for one in deliveries:
        users |= dict.fromkeys(one.users)
        controls += one.controls
        lines.write(one.line)
    return users, controls


def _deliveries(body: BinaryIO, now: datetime, limit: int) -> Iterable[Delivery]:
    """The content of a body, line by line; BrokenTextError when it is not an envelope, or unpacks to too much."""
    left = MAX_SHORT_BYTES
    while left >= 0 and (piece := body.read(PIECE_BYTES)):
        left -= len(piece)
    body.seek(0)
    if left >= 0:
        delivery = read_body(body.read(), now)
        if delivery is None:
            raise BrokenTextError
        return [delivery]
    return read_long_body(_limited(body, limit), now)


def _limited(body: BinaryIO, limit: int) -> Callable[[int], bytes]:
    """What reads a body; BrokenTextError beyond the limit."""
    left = limit

    def read(size: int) -> bytes:
        nonlocal left
        found = body.read(size)
        left -= len(found)
        if left < 0:
            raise BrokenTextError
        return found

    return read
