"""Feeds that were collected: the latest value of each key, kept for a while, and stale ones while nothing new comes."""

import time
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from qol.contracts.source import SourceContract
from qol.errors import LakeError
from qol.ingest.listing import RAW, RawObject, ingest_tasks
from qol.ingest.task import ingest
from qol.serve.door import needs
from qol.serve.json_bodies import service_of
from qol.serve.kept_frames import partition_days, require_reachable
from qol.serve.problem_details import ProblemError
from qol.serve.serve_file import Feed
from qol.serve.service import Service

router = APIRouter(tags=["feeds"], dependencies=[Depends(needs("feeds:read"))])
#: The newest objects of a feed that are read; a poll is one object, or several of one minute.
MAX_OBJECTS = 32
#: A feed of which nothing new came for its `ttl_seconds` is looked at again after this time.
AGAIN_SECONDS = 30
#: How the state names a feed's latest values, and the most keys of an answer.
OWNER, MAX_KEYS = "feed", 1000
Part = Annotated[str, Path(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
Key = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.:/-]{1,64}$")]


@router.get("/v1/feeds/{source}/{record}", summary="The latest values of a feed")
def read_feed(request: Request, response: Response, source: Part, record: Part) -> dict[str, Any]:
    """The latest value of every key."""
    return _answer(service_of(request), response, f"{source}/{record}", None)


@router.get("/v1/feeds/{source}/{record}/{key}", summary="The latest value of one key")
def read_key(request: Request, response: Response, source: Part, record: Part, key: Key) -> dict[str, Any]:
    """The latest value of a key; 404 where the feed has none."""
    return _answer(service_of(request), response, f"{source}/{record}", [key])


@router.get("/prices", summary="The latest prices")
def read_prices(
    request: Request,
    response: Response,
    symbols: Annotated[str | None, Query(max_length=4096, description="Symbols, with commas between them.")] = None,
) -> dict[str, Any]:
    """The feed that is named `prices`, of some symbols or of all."""
    wanted = None if symbols is None else [one.strip() for one in symbols.split(",") if one.strip()]
    return _answer(service_of(request), response, _prices(request), wanted)


@router.get("/prices/{symbol}", summary="The latest price of one symbol")
def read_price(request: Request, response: Response, symbol: Key) -> dict[str, Any]:
    """The price; 404 for a symbol that the feed does not have."""
    return _answer(service_of(request), response, _prices(request), [symbol])


def _prices(request: Request) -> str:
    return service_of(request).file.prices or ""


def _answer(service: Service, response: Response, name: str, keys: list[str] | None) -> dict[str, Any]:
    feed = service.file.feeds.get(name)
    if feed is None:
        raise ProblemError(404, "There is no such feed.")
    found = _latest(service, name, feed)
    values, age = found["values"], max(0, int(time.time() - found["seen_at"]))
    wanted = values if keys is None else {key: values[key] for key in keys if key in values}
    if keys is not None and not wanted:
        raise ProblemError(404, "The feed has no such key.")
    is_stale = age > feed.ttl_seconds
    response.headers["Age"] = str(age)
    response.headers["Cache-Control"] = f"private, max-age={0 if is_stale else feed.ttl_seconds - age}"
    data = [{"key": key, **value} for key, value in sorted(wanted.items())]
    return {"as_of": found["as_of"], "stale": is_stale, "data": data}


def _latest(service: Service, name: str, feed: Feed) -> dict[str, Any]:
    """The feed's latest values with when the newest object was first seen; 503 where there never were any."""
    kept, now = service.state.get("latest", OWNER, name), time.time()
    if kept is not None and (
        now - kept.body["seen_at"] <= feed.ttl_seconds or now - kept.body["asked_at"] <= AGAIN_SECONDS
    ):
        return kept.body
    try:
        require_reachable(service.lake)
        read = _read(service, name, feed)
    except LakeError:
        read = None
    if read is None:
        if kept is None:
            raise ProblemError(503, "This feed was never fetched; try again.", headers={"Retry-After": "60"})
        return kept.body
    newest, as_of, fresh = read
    values = {**(kept.body["values"] if kept else {}), **fresh}
    seen_at = kept.body["seen_at"] if kept is not None and kept.body["newest"] == newest else now
    body = {"asked_at": now, "seen_at": seen_at, "newest": newest, "as_of": as_of}
    body["values"] = dict(list(values.items())[-MAX_KEYS:])
    if kept is None:
        service.state.create("latest", OWNER, name, body)
    else:
        service.state.replace("latest", OWNER, name, body, kept.version)
    return body


def _read(service: Service, name: str, feed: Feed) -> tuple[str, str, dict[str, Any]] | None:
    """The newest object of the feed, when its data is from, and its values by key; None without an object or a value."""
    folder = f"{RAW}{name}/"
    contract = service.contracts.for_path(folder.rstrip("/"))
    days = partition_days(service.lake.children(folder))
    if contract is None or not days:
        return None
    day = str(max(days))
    stored = [one for one in service.lake.walk(f"{folder}date={day}/") if one.key.endswith((".jsonl", ".jsonl.gz"))]
    objects = tuple(RawObject(one, contract.name, day) for one in stored[-MAX_OBJECTS:])
    context = service.ingest_context()
    frames = [ingest(service.lake, context, task).rows.get(contract.name) for task in ingest_tasks(objects)]
    rows = pl.concat([frame for frame in frames if frame is not None] or [pl.DataFrame()])
    if not rows.height:
        return None
    names = {service.participants.identities.user_hash(contract.source, key): key for key in feed.keys}
    return f"{stored[-1].key} {stored[-1].etag}", _as_of(rows, day), _values(contract, rows, names)


def _as_of(rows: pl.DataFrame, day: str) -> str:
    """The latest time that a row has of itself: when it was received, else when it was made, else the day it arrived."""
    for name in ("received_at", "source_timestamp"):
        latest = rows[name].max()
        if isinstance(latest, int):
            return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(latest // 1_000_000))
    return day


def _values(contract: SourceContract, rows: pl.DataFrame, names: dict[str, str]) -> dict[str, Any]:
    """The latest row of each key as the contract's fields; keys that the feed does not list are left out."""
    fields = [spec.name for spec in contract.fields]
    latest = rows.sort("source_timestamp", "line_number", nulls_last=False).unique(
        "user_id", keep="last", maintain_order=True
    )
    shown = latest.select("user_id", *fields).to_dicts()
    return {
        names[row["user_id"]]: {name: _plain(row[name]) for name in fields} for row in shown if row["user_id"] in names
    }


def _plain(value: Any) -> Any:
    """A value as JSON has it; decimals as text, which has all their digits."""
    return value if value is None or isinstance(value, int | float | str | bool) else str(value)
