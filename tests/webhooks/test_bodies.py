"""A body becomes one line byte for byte: nothing is lost, no number changes, no token stays."""

import hashlib
import json
from collections import Counter
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qol.webhooks.bodies import MAX_PARTS, Control, Delivery, read_body, unparsable_key
from qol.webhooks.deadline import TooLateError
from qol.webhooks.dropped_fields import is_dropped
from tests.effort import no_minutes
from tests.ingest.feed import CONTRACTS
from tests.qol_lambda.webhook import NOW, STAMP, body

MARK = f',"_received_at":"{STAMP}"}}'


def read(text: str | bytes, now: datetime = NOW) -> Delivery:
    delivery = read_body(text.encode() if isinstance(text, str) else text, now)
    assert delivery is not None
    return delivery


def line(text: str | bytes) -> str:
    """The stored line of a body, without the mark of its arrival and its line break."""
    stored = read(text).line.decode()
    assert stored.endswith(MARK + "\n")
    assert stored.count("\n") == 1
    return stored.removesuffix(MARK + "\n") + "}"


def test_a_request_is_one_line_named_by_the_utc_day_and_the_bytes_received_whatever_its_types() -> None:
    data = body("push.json")
    found = read(data)
    assert found.key == f"raw/daily/date=2026-11-18/{hashlib.sha256(data).hexdigest()}.jsonl"
    assert found.records == Counter(dailies=2, sleeps=1, unknown=1)
    assert list(json.loads(found.line)) == ["dailies", "sleeps", "solarDetails", "_received_at"]
    late = datetime(2026, 11, 18, 8, 59, tzinfo=timezone(timedelta(hours=9)))
    assert "date=2026-11-17/" in read(data, late).key


@pytest.mark.parametrize(
    "text",
    [
        *(f'{{"dailies":[{{"userId":"u1","x":{x}}}]}}' for x in ("1.10", "-0.0", "1E2", "1e400", "0.10000000000000000555", "9" * 5000)),
        '{"dailies":[5,{"a":1},null,"text"],"solarDetails":{"a":1},"status":"ok","Odd Key":null}',
        '{"dailies":[{"a":1,"a":2}],"sleeps":[]}',
    ],
)  # fmt: skip
def test_what_is_stored_is_the_senders_to_the_last_digit_and_of_every_type(text: str) -> None:
    assert line(text) == text


def test_a_body_over_several_lines_becomes_one_line_with_the_same_values() -> None:
    text = '{"dailies":[\r\n {"userId": "u1",\n\t"note": "a\\nb \\u3042 あ",\r\n "maps": {"0": 1}}\n]}\n'
    stored = line(text)
    assert json.loads(stored) == json.loads(text)
    assert "あ" in stored
    assert "\\u3042" in stored
    assert line(b'\xef\xbb\xbf {"dailies":[{"a":1}]}\n') == '{"dailies":[{"a":1}]}'


@pytest.mark.parametrize("key", ["mct", "MCT", "menstrualCycleTracking", "menstrual_cycle_tracking"])
def test_of_a_menstrual_cycle_nothing_is_stored(key: str) -> None:
    cycle = '{"userId":"u2","summaryId":"x","dayInCycle":5}'
    for text in (
        '{"%s":[%s],"dailies":[{"a":1}]}',
        '[{"%s":%s},{"dailies":[{"a":1}]}]',
        '{"dailies":[{"a":1,"%s":%s}]}',
    ):
        delivery = read(text % (key, cycle))
        assert (delivery.users, delivery.controls) == ((), ())
        assert b"Cycle" not in delivery.line
    assert read(json.dumps({key: [json.loads(cycle)]})).line == b""


def test_an_array_is_kept_under_a_name_of_no_type() -> None:
    assert line('[{"userId":"u1","token":"CANARY"},5]') == '{"unnamed":[{"userId":"u1"},5]}'


@pytest.mark.parametrize(
    ("record", "kept"),
    [
        ('{"userAccessToken":"CANARY","a":1}', '{"a":1}'),
        ('{"a":1,"userAccessToken":"CANARY"}', '{"a":1}'),
        ('{"a":1 , "userAccessToken" : "CANARY" ,"b":2}', '{"a":1 ,"b":2}'),
        ('{"userAccessToken":"CANARY"}', "{}"),
        ('{"userAccessToken":"CANARY","userAccessToken":"CANARY","b":2}', '{"b":2}'),
        ('{"userAccessToken":{"x":["CANARY"]},"b":2}', '{"b":2}'),
        ('{"UserAccesstoken":"CANARY","b":2}', '{"b":2}'),
        ('{"user\\u0041ccessToken":"CANARY","b":2}', '{"b":2}'),
        ('{"summary":{"userAccessToken":"CANARY","b":[{"userAccessToken":"CANARY"}]}}', '{"summary":{"b":[{}]}}'),
        ('{"userAccessToken":CANARY nonsense,"b":2}', '{"b":2}'),
        ('{"userAccessToken":"CANARY" "CANARY","b":2}', '{"b":2}'),
        ('{"_received_at":"1999-01-01T00:00:00Z","b":2}', '{"b":2}'),
    ],
)
def test_tokens_are_cut_out_wherever_they_are(record: str, kept: str) -> None:
    text = '{"token":"CANARY","dailies":[' + record + '],"_received_at":"x"}'
    assert line(text) == '{"dailies":[' + kept + "]}"


@pytest.mark.parametrize(
    "name",
    [
        "user_access_token", "TOKEN", "oauth-token", "refresh to_ken", "clientSecret", "Authorization", "x_signature", "ACTIVITY_NAME",
        "userAccessTokens", "starting_latitude_in_degree", "to\\u006ben", "_Received_At",
    ],
)  # fmt: skip
def test_what_is_never_stored_is_known_under_any_spelling(name: str) -> None:
    record = f'{{"a":1,"{name}":"CANARY","b":{{"{name}":["CANARY"]}}}}'
    assert line(f'{{"dailies":[{record}],"{name}":"CANARY"}}') == '{"dailies":[{"a":1,"b":{}}]}'


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{\\"userAccessToken\\": \\"CANARY\\"}', ""),
        ("{'access_token':'CANARY'}", ""),
        ("a=1&oauth_signature=CANARY", ""),
        ("Authorization: Bearer CANARY", ""),
        ("\\u0074oken=CANARY", ""),
        ("https://me:CANARY@x.example/token/CANARY?tok%65n=CANARY#token=CANARY", "https://x.example"),
        ("https:\\/\\/x.example\\/CANARY", "https://x.example"),
        ("a token of mine", "a token of mine"),
        ("2026-11-09T00:00:00+09:00", "2026-11-09T00:00:00+09:00"),
    ],
)
def test_a_text_with_a_secret_and_its_value_becomes_empty_and_an_address_keeps_its_host(text: str, kept: str) -> None:
    assert line('{"dailies":[{"note":"' + text + '","a":1}]}') == '{"dailies":[{"note":"' + kept + '","a":1}]}'


def test_no_field_of_a_contract_has_a_name_that_is_never_stored() -> None:
    garmin = [contract for contract in CONTRACTS.sources if contract.source == "garmin"]
    heads = {name for contract in garmin for spec in contract.fields for path in spec.paths for name in path}
    assert len(heads) > 100
    assert [name for name in heads if is_dropped(name)] == []


@pytest.mark.parametrize("name", ["callbackURL", "CALLBACK_URL"])
@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ('"https://x.example/a?from=1&token=CANARY&to=2#t"', '"https://x.example"'),
        ('"HTTPS://x.example:8443/token/CANARY"', '"HTTPS://x.example"'),
        ('"https://CANARY:CANARY@x.example/a"', '"https://x.example"'),
        ('"/token/CANARY"', "null"),
        ('["https://x.example/a?token=CANARY"]', "null"),
        ('"\\x?token=CANARY"', "null"),
    ],
)
def test_of_a_pings_address_only_scheme_and_host_stay(name: str, address: str, kept: str) -> None:
    text = '{"dailies":[{"userId":"u1","' + name + '":%s,"a":1}]}'
    assert line(text % address) == text % kept


def test_neither_positions_nor_names_people_gave_are_stored_however_deep() -> None:
    summary = '{"steps":7,"activityName":"To Ann","startingLatitudeInDegree":1.5,"startingLongitudeInDegree":2.5}'
    sample = '{"latitudeInDegree":1.5,"longitudeInDegree":2.5,"heartRate":90}'
    assert (
        line(f'{{"activityDetails":[{{"summary":{summary},"samples":[{sample}]}}]}}')
        == '{"activityDetails":[{"summary":{"steps":7},"samples":[{"heartRate":90}]}]}'
    )


@pytest.mark.parametrize("text", ["{}", "[]", " {} \n", '{"token":"CANARY"}'])
def test_a_body_that_holds_nothing_leaves_nothing(text: str) -> None:
    found = read(text)
    assert (found.line, found.users, found.controls, found.records) == (b"", (), (), Counter())


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "5", '"text"', "null", "garbage", '{"dailies":[{"a":1}', '{"dailies":[{"a":1]}', '{"dailies":["a}]}',
        '{"dailies":[{}]}]', '{"dailies":[{}]} {}', "{dailies:[]}", '{"dailies"}', '{"dailies":[{} {}]}', "<xml/>", "{", "}", "[",
        '{"dailies":[,]}', '{"dailies":[{}],}', "[1] 2", '[1],"dailies":[{}]', '{"dailies":[{"steps":01}]}', '{"x":NaN}', '{"x":-Infinity}',
        '{"dailies":[{"name":"a\tb"}]}', '{"dailies":[{"a":1}],"dailies":[{"b":2}]}', '{"a":' + "[" * 100_000 + "]" * 100_000 + "}",
        "{'userAccessToken':'CANARY'}", '{"a":"\\x"}',
    ],
)  # fmt: skip
def test_a_body_that_is_not_one_json_document_with_each_type_once_is_not_taken(text: str) -> None:
    assert read_body(text.encode(), NOW) is None


def test_an_unparsable_body_is_kept_by_day_and_content() -> None:
    assert read_body(b'{"dailies":[{"a":"\xff"}]}', NOW) is None
    assert unparsable_key(b"x", NOW) == f"quarantine/bodies/date=2026-11-18/{hashlib.sha256(b'x').hexdigest()}"


def test_people_are_who_the_job_will_find() -> None:
    text = (
        '{"userId":"u0","dailies":[{"userId":" u1 "},{"userId":17},[{"userId":"u3"}],{"dailies":[{"userId":"u4"}]},{"userId":"u1"}'
        ',{"userId":"u5","steps":' + "9" * 5000 + '},{"userId":"u6","userId":"u8"},{"userId":null},{"userId":"' + "x" * 1025
        + '"},{"userId":"\\ud800"}],"Odd Key":[{"userId":"u7"}]}'
    )  # fmt: skip
    assert sorted(read(text).users) == ["17", "u0", "u1", "u3", "u4", "u5", "u7", "u8"]


def test_control_messages_are_told_in_their_order_and_make_no_new_person() -> None:
    text = '{"deregistrations":[{"userId":"u1"},{"x":1}],"userPermissionsChange":[{"userId":"u2","permissions":[]}]}'
    delivery = read(text)
    assert delivery.users == ()
    assert delivery.controls == (
        Control("deregistrations", "u1", {"userId": "u1"}),
        Control("userPermissionsChange", "u2", {"userId": "u2", "permissions": []}),
    )
    assert delivery.records == Counter(deregistrations=2, userPermissionsChange=1)


@pytest.mark.parametrize(
    "text",
    ['{"dailies":["' + '\\"' * 10**6, '{"a":' * 10**6, '{"a" ' + " " * 10**6, '["' * 10**6],
    ids=["quotes", "objects", "white space", "lists"],
)
def test_hostile_bodies_take_no_longer_than_long_ones(text: str) -> None:
    with no_minutes():
        assert read_body(text.encode(), NOW) is None


SIZE = 5_300_000


@pytest.mark.parametrize(
    ("part", "record"),
    [
        ("{},", "%s"),
        ("1,", "%s"),
        ("{},", '{"a":[%s]}'),
        ("[],", '{"a":[%s]}'),
    ],
)
def test_a_body_of_millions_of_parts_is_one_unparsable_body(part: str, record: str) -> None:
    text = '{"dailies":[' + record % (part * (SIZE // len(part)))[:-1] + "]}"
    assert read_body(text.encode(), NOW) is None


@pytest.mark.parametrize("text", ['{"dailies":[%s]}', "[%s]", '{"a":{"b":[%s]}}'])
@pytest.mark.parametrize("part", ["1", "{}"])
def test_a_body_has_at_most_so_many_objects_and_elements(text: str, part: str) -> None:
    def body_of(parts: int) -> bytes:
        return (text % ",".join([part] * parts)).encode()

    few = 124_000 if part == "{}" else 249_000
    assert read(body_of(few)).line
    assert read_body(body_of(MAX_PARTS + 1), NOW) is None


@pytest.mark.parametrize(
    "members",
    [
        '"token":1,' * 100_000,
        " " * 520_000 + '"token":1,' * 52_000,
        ",".join(f'"{number:x}token":1' for number in range(70_000)) + ",",
        '"b":":' + "token-" * 176_000 + '",',
    ],
    ids=["tokens", "white space", "names", "a text"],
)
def test_tokens_are_cut_out_of_a_long_record_in_seconds(members: str) -> None:
    with no_minutes():
        stored = line('{"dailies":[{' + members + '"a":1}]}')
    assert stored.endswith('"a":1}]}')


def test_a_body_is_not_taken_apart_beyond_the_deadline() -> None:
    def late() -> None:
        if next(parts) == 3:
            raise TooLateError

    parts = count()
    with pytest.raises(TooLateError):
        read_body(b'{"dailies":[{},{},{}]}', NOW, late)


NAMES = st.sampled_from(["userId", "userAccessToken", "callbackURL", "_received_at", "steps", "a", ""]) | st.text(
    max_size=4
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def without_dropped(value: Any) -> Any:
    """A value as it must be kept; what addresses and texts say is another test's."""
    if isinstance(value, list):
        return [without_dropped(one) for one in value]
    if not isinstance(value, dict):
        return value
    dropped = ("useraccesstoken", "_received_at", "callbackurl")
    return {name: without_dropped(one) for name, one in value.items() if name.lower() not in dropped}


def names(value: Any) -> set[str]:
    """Every key in a value."""
    inner = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    own = {name.lower() for name in value} if isinstance(value, dict) else set()
    return own.union(*map(names, inner))


@given(
    records=st.lists(VALUES, min_size=1, max_size=4),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 2]),
    name=st.sampled_from(["dailies", "sleeps", "activityFiles", "Odd Key"]),
)
@settings(max_examples=150)
def test_every_valid_body_comes_out_value_by_value(
    records: list[Any], ascii_only: bool, indent: int | None, name: str
) -> None:
    stored = json.loads(line(json.dumps({name: records}, ensure_ascii=ascii_only, indent=indent).encode()))
    assert without_dropped(stored) == without_dropped({name: records})
    assert "useraccesstoken" not in names(stored)


@given(st.binary(max_size=40) | st.text(alphabet='{}[]",:\\ \n1au', max_size=40).map(str.encode))
@settings(max_examples=300)
def test_no_body_whatever_makes_it_fail(data: bytes) -> None:
    for body_bytes in (data, b'{"dailies":[' + data + b"]}"):
        delivery = read_body(body_bytes, NOW)
        if delivery is not None and delivery.line:
            assert delivery.line.count(b"\n") == 1
            assert json.loads(delivery.line)["_received_at"] == STAMP
