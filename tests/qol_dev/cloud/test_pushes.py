"""Raw lines become the requests that would have brought them."""

import base64
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

from qol_dev.cloud.pushes import Push, api_event, pushes_of, user_map_items


def lake_with(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def record(user: str, at: str) -> bytes:
    return f'{{"userId":"{user}","steps":72.0,"_received_at":"2026-11-10T{at}Z"}}\n'.encode()


def test_records_that_came_within_five_minutes_go_together_and_later_ones_alone(tmp_path: Path) -> None:
    data = record("a", "08:00:00.000") + record("b", "08:04:00.000") + record("c", "08:30:00.000")
    pushes = pushes_of(lake_with(tmp_path, {"daily/date=2026-11-10/x.jsonl": data}))
    assert pushes == [
        Push(b'{"dailies":[{"userId":"a","steps":72.0},{"userId":"b","steps":72.0}]}', at(8, 4)),
        Push(b'{"dailies":[{"userId":"c","steps":72.0}]}', at(8, 30)),
    ]


def test_a_broken_line_is_a_request_of_its_own_and_spoils_no_other(tmp_path: Path) -> None:
    data = record("a", "08:00:00.000") + b'{"userId":"b","st\n' + record("c", "08:00:01.000")
    pushes = pushes_of(lake_with(tmp_path, {"garmin/sleeps/date=2026-11-10/x.jsonl": data}))
    assert [push.body for push in pushes] == [
        b'{"sleeps":[{"userId":"a","steps":72.0}]}',
        b'{"sleeps":[{"userId":"b","st]}',
        b'{"sleeps":[{"userId":"c","steps":72.0}]}',
    ]


def test_whole_messages_are_sent_as_they_are(tmp_path: Path) -> None:
    data = b'{"deregistrations":[{"userId":"a"}],"_received_at":"2026-11-10T09:00:00Z"}\n'
    pushes = pushes_of(lake_with(tmp_path, {"daily/date=2026-11-10/x.jsonl": data}))
    assert pushes == [Push(b'{"deregistrations":[{"userId":"a"}]}', at(9, 0))]


def test_pushes_come_in_the_order_of_arrival_whatever_the_type_and_compression(tmp_path: Path) -> None:
    files = {
        "daily/date=2026-11-10/x.jsonl": record("late", "10:00:00.000"),
        "garmin/hrv/date=2026-11-10/x.jsonl.gz": gzip.compress(record("early", "07:00:00.000")),
    }
    pushes = pushes_of(lake_with(tmp_path, files))
    assert [(push.body, push.at) for push in pushes] == [
        (b'{"hrv":[{"userId":"early","steps":72.0}]}', at(7, 0)),
        (b'{"dailies":[{"userId":"late","steps":72.0}]}', at(10, 0)),
    ]


def test_an_object_that_was_cut_short_gives_its_whole_lines(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(record(str(n), "08:00:00.000") for n in range(2_000)))
    pushes = pushes_of(lake_with(tmp_path, {"garmin/hrv/date=2026-11-10/x.jsonl.gz": whole[: len(whole) // 2]}))
    assert pushes
    assert all(json.loads(push.body)["hrv"] for push in pushes)


def test_the_event_is_the_request_as_api_gateway_hands_it_over() -> None:
    event = api_event(Push(b'{"dailies":[]}', at(8, 0)), "the-token", "the-client")
    assert event["version"] == "2.0"
    assert event["pathParameters"] == {"token": "the-token"}
    assert event["headers"]["garmin-client-id"] == "the-client"
    assert (event["body"], event["isBase64Encoded"]) == ('{"dailies":[]}', False)
    assert event["requestContext"]["timeEpoch"] == 1794297600000


def test_a_body_that_is_no_text_travels_as_base64() -> None:
    event = api_event(Push(b'{"dailies":["\xe9"]}', at(8, 0)), "t", "c")
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == b'{"dailies":["\xe9"]}'


def test_the_samples_map_is_entered_as_items_of_garmins_users(tmp_path: Path) -> None:
    (tmp_path / "user_map.jsonl").write_text(
        '{"source":"garmin","vendor_user_id":"v1","user_id":"P0001","timezone":"Asia/Tokyo"}\n'
    )
    assert user_map_items(tmp_path) == [
        {
            "garmin_user_id": {"S": "v1"},
            "user_id": {"S": "P0001"},
            "timezone": {"S": "Asia/Tokyo"},
            "status": {"S": "active"},
            "registered_at": {"S": "2026-01-01T00:00:00.000000Z"},
        }
    ]


def at(hour: int, minute: int) -> datetime:
    return datetime(2026, 11, 10, hour, minute, tzinfo=UTC)
