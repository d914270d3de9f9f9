"""A sample lake as Garmin would have sent it: requests to the webhook, each with the moment it came."""

import base64
import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

#: Summaries of one request at most, and how far apart they may have come; Garmin sends what is ready together.
MOST = 25
APART = timedelta(minutes=5)
ROUTE = "POST /garmin/{token}"
_AGENT = "Garmin Health API"

_STAMP = re.compile(rb',?"_received_at":"([^"]*)"')
_MESSAGE = re.compile(rb'\s*\{"[A-Za-z]+":\[')
_RECORD_OF_FOLDER = {"daily": "dailies"}


@dataclass(frozen=True)
class Push:
    """A request body and when it arrived."""

    body: bytes
    at: datetime


@dataclass(frozen=True)
class _Line:
    """A line of a raw object without its stamp: the type of its folder, or None for one that names its own types."""

    record: str | None
    data: bytes
    at: datetime
    is_whole: bool


def pushes_of(lake: Path) -> list[Push]:
    """All lines of the lake's raw objects as pushes, in the order of their arrival.

    Records of one type that came within minutes of each other go together and get the arrival of the last one. Blank
    lines and byte order marks are not sent, because no sender of requests has them between records.
    """
    return pushes_in(sorted(path for path in (lake / "raw").rglob("*.jsonl*") if path.is_file()))


def pushes_in(files: Iterable[Path]) -> list[Push]:
    """The lines of some raw objects as pushes, as `pushes_of`."""
    pushes = [push for file in files for push in _grouped(list(_lines(file)))]
    return sorted(pushes, key=lambda push: push.at)


def api_event(push: Push, token: str, client_id: str) -> dict[str, Any]:
    """The request as API Gateway hands it to a function (payload format 2.0)."""
    text, is_base64 = _text(push.body)
    return {
        "version": "2.0",
        "routeKey": ROUTE,
        "rawPath": f"/garmin/{token}",
        "rawQueryString": "",
        "headers": {
            "content-type": "application/json;charset=utf-8",
            "content-length": str(len(push.body)),
            "garmin-client-id": client_id,
            "user-agent": _AGENT,
        },
        "requestContext": _request_context(push.at, f"/garmin/{token}"),
        "pathParameters": {"token": token},
        "body": text,
        "isBase64Encoded": is_base64,
    }


def _request_context(at: datetime, path: str) -> dict[str, Any]:
    milliseconds = int(at.timestamp() * 1000)
    http = {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": _AGENT}
    return {
        "accountId": "123456789012",
        "apiId": "local",
        "http": http,
        "requestId": f"{milliseconds:x}",
        "routeKey": ROUTE,
        "stage": "$default",
        "time": at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": milliseconds,
    }


def _text(body: bytes) -> tuple[str, bool]:
    """The body as API Gateway writes it: text, or base64 where it is no UTF-8."""
    try:
        return body.decode("utf-8"), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode("ascii"), True


def _grouped(lines: list[_Line]) -> Iterator[Push]:
    group: list[_Line] = []
    for line in lines:
        if group and not _go_together(group, line):
            yield _push(group)
            group = []
        group.append(line)
    if group:
        yield _push(group)


def _go_together(group: list[_Line], line: _Line) -> bool:
    """Whether the line can be in one request with those before it; one that is no JSON would spoil it for them."""
    if None in {line.record, group[0].record} or not (line.is_whole and group[0].is_whole):
        return False
    return len(group) < MOST and line.at - group[0].at <= APART


def _push(group: list[_Line]) -> Push:
    body = b",".join(line.data for line in group)
    record = group[0].record
    return Push(body if record is None else b'{"%s":[%s]}' % (record.encode(), body), max(line.at for line in group))


def _lines(file: Path) -> Iterator[_Line]:
    """The lines of an object, however far it can be read; a broken one stands alone, as its request would."""
    folder, day = file.parent.parent.name, file.parent.name.removeprefix("date=")
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    for raw in _content(file).removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        line = raw.strip()
        if line:
            stamp = _STAMP.search(line)
            at = datetime.fromisoformat(stamp.group(1).decode()) if stamp else at
            record = None if _MESSAGE.match(line) else _RECORD_OF_FOLDER.get(folder, folder)
            data = _STAMP.sub(b"", line)
            yield _Line(record, data, at, _is_json(data))


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data.decode("utf-8"))
    except ValueError:
        return False
    return True


def _content(file: Path) -> bytes:
    data = file.read_bytes()
    if file.suffix != ".gz":
        return data
    try:
        return gzip.decompress(data)
    except EOFError:  # the object that was cut short in upload: a request like it would have no body to speak of
        return zlib.decompressobj(wbits=31).decompress(data).rpartition(b"\n")[0]


def user_map_items(lake: Path) -> list[Mapping[str, Any]]:
    """The sample's user map as a study would have entered it before the first data came."""
    lines = (lake / "user_map.jsonl").read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    return [
        {
            "garmin_user_id": {"S": entry["vendor_user_id"]},
            "user_id": {"S": entry["user_id"]},
            "timezone": {"S": entry["timezone"]},
            "status": {"S": "active"},
            "registered_at": {"S": "2026-01-01T00:00:00.000000Z"},
        }
        for entry in entries
        if entry["source"] == "garmin"
    ]
