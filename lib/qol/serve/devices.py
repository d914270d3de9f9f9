"""Readings of devices: the last ones in the state, all of them in the lake, where they reach the week."""

import hashlib
import time
from datetime import timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field

from qol.serve.door import needs
from qol.serve.erased_rows import device_owners, is_erased, is_of
from qol.serve.json_bodies import Body, checked, documented, json_body, service_of
from qol.serve.list_pages import after, page
from qol.serve.overlay import ingest_object
from qol.serve.problem_details import ProblemError
from qol.serve.service import Service
from qol.webhooks.bodies import stamp

router = APIRouter(prefix="/v1/devices", tags=["devices"])
FOLDER, RECORD = "raw/sensor/readings/", "sensor_readings"
MAX_READINGS = 1_000
#: How long the state has a reading; the lake has it on.
KEPT = timedelta(days=30)
#: Later than any time a reading may have, so that names of later readings come first.
_END = 10**10
DeviceId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class Reading(Body):
    """What a device measured at a time."""

    timestamp: Annotated[int, Field(strict=True, ge=1_420_070_400, le=4_102_444_800, description="Unix time, seconds.")]
    temperature: Annotated[Number | None, Field(description="Degrees Celsius.")] = None
    humidity: Annotated[Number | None, Field(description="Relative humidity, %.")] = None
    status: Annotated[str | None, Field(max_length=64, description="What the device says of itself, such as ok.")] = (
        None
    )


class Readings(Body):
    """Several readings of a device."""

    readings: Annotated[list[Reading], Field(min_length=1, max_length=MAX_READINGS)]


@router.post(
    "/{device_id}/metrics",
    dependencies=[Depends(needs("devices:write"))],
    status_code=201,
    summary="Store readings of a device",
    openapi_extra=documented(Readings),
)
def add_readings(
    request: Request,
    device_id: DeviceId,
    given: Annotated[Any, Depends(json_body())],
) -> dict[str, Any]:
    """Store one reading, or several in `readings`; a reading of a time that is there stays as it is.

    `kept` says how many the weekly job keeps: those of a device that has a user in the user map at that time.
    """
    service = service_of(request)
    is_one = isinstance(given, dict) and "readings" not in given
    readings = [checked(Reading, given)] if is_one else checked(Readings, given).readings
    documents = [one.model_dump(exclude_none=True) for one in readings]
    kept = _store(service, device_id, documents)
    expires = int(time.time() + KEPT.total_seconds())
    owners = device_owners(service.participants.identities, device_id)
    for one in documents:
        if not is_of(is_erased, owners, service.options.zone, one["timestamp"]):
            service.state.create("readings", device_id, f"{_END - one['timestamp']:011d}", one, expires=expires)
    return {"readings": len(documents), "kept": kept}


@router.get(
    "/{device_id}/metrics",
    dependencies=[Depends(needs("devices:read"))],
    summary="Readings of a device, the latest first",
)
def list_readings(
    request: Request,
    device_id: DeviceId,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> dict[str, Any]:
    """A page of the readings of the last 30 days; 404 for a device without any."""
    found = service_of(request).state.items("readings", device_id, after(cursor), limit)
    if not found and cursor is None:
        raise ProblemError(404, "There is no reading of this device.")
    return page([item.body for item in found], found, limit)


def _store(service: Service, device_id: str, readings: list[dict[str, Any]]) -> int:
    """Store readings as one raw object, named by its content; how many of them the job keeps."""
    now = service.now
    lines = [
        msgspec.json.encode({"device_id": device_id, **one, "_received_at": stamp(now)}) + b"\n" for one in readings
    ]
    name = hashlib.sha256(msgspec.json.encode([device_id, readings])).hexdigest()
    owner = hashlib.sha256(device_id.encode()).hexdigest()[:32]
    key, data = f"{FOLDER}date={now.date()}/{owner}/{name}.jsonl", b"".join(lines)
    service.lake.put_if_absent(key, data)
    result = ingest_object(service, key, RECORD, str(now.date()), data)
    return sum(tally.records for tally in result.tallies)
