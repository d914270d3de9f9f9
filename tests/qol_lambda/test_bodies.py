"""A body is taken apart byte for byte: nothing is lost, no number changes, no token stays."""

import hashlib
import json
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qol_lambda.bodies import UNNAMED, Control, Delivery, split_body, unparsable_key
from tests.qol_lambda.webhook import NOW, STAMP, body

MARK = f'"_received_at":"{STAMP}"'


def split(text: str | bytes, now: datetime = NOW) -> Delivery:
    delivery = split_body(text.encode() if isinstance(text, str) else text, now)
    assert delivery is not None
    return delivery


def lines(text: str | bytes) -> dict[str, list[str]]:
    """Lines by the folder they go to."""
    return {o.key.split("/date=")[0]: o.data.decode().splitlines() for o in split(text).objects}


def test_every_type_of_a_request_is_one_object_named_by_the_utc_day_and_the_bytes_received() -> None:
    data = body("push.json")
    name = f"date=2026-11-18/{hashlib.sha256(data).hexdigest()}.jsonl"
    assert [(o.key, o.record, o.count) for o in split(data).objects] == [
        (f"raw/daily/{name}", "dailies", 2),
        (f"raw/garmin/sleeps/{name}", "sleeps", 1),
        (f"raw/garmin/solarDetails/{name}", "unknown", 1),
    ]
    late = datetime(2026, 11, 18, 8, 59, tzinfo=timezone(timedelta(hours=9)))
    assert "date=2026-11-17/" in split(data, late).objects[0].key


@pytest.mark.parametrize("value", ["1.10", "-0.0", "1E2", "1e400", "0.1000000000000000055511151231257827", "9" * 5000])
def test_numbers_are_the_senders_to_the_last_digit(value: str) -> None:
    assert lines('{"dailies":[{"userId":"u1","x":' + value + "}]}") == {
        "raw/daily": ['{"userId":"u1","x":' + value + "," + MARK + "}"]
    }


def test_a_record_over_several_lines_becomes_one_line_with_the_same_values() -> None:
    text = '{"dailies":[\r\n {"userId": "u1",\n\t"note": "a\\nb \\u3042 あ",\r\n "maps": {"0": 1}}\n]}\n'
    (line,) = lines(text)["raw/daily"]
    assert json.loads(line) == {"userId": "u1", "note": "a\nb あ あ", "maps": {"0": 1}, "_received_at": STAMP}
    assert "あ" in line
    assert "\\u3042" in line


def test_equal_keys_of_a_body_lose_nothing() -> None:
    assert lines('{"dailies":[{"a":1}],"sleeps":[{"b":2}],"dailies":[{"c":3}]}') == {
        "raw/daily": ['{"a":1,' + MARK + "}", '{"c":3,' + MARK + "}"],
        "raw/garmin/sleeps": ['{"b":2,' + MARK + "}"],
    }


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        ('{"steps":01}', '{"steps":01,MARK}'),
        ('{"steps":NaN}', '{"steps":NaN,MARK}'),
        ('{"steps":tru}', '{"steps":tru,MARK}'),
        ('{"steps" 5}', '{"steps" 5,MARK}'),
        ('{"steps":5,}', '{"steps":5,,MARK}'),
        ('{"name":"a\nb"}', '{"name":"a\tb",MARK}'),
        ("nonsense", "nonsense"),
        ("5", "5"),
        ("null", "null"),
        ('"text"', '"text"'),
        ("{}", "{MARK}"),
    ],
)
def test_a_mistake_in_one_record_stays_in_its_line_and_spoils_no_other(broken: str, line: str) -> None:
    found = lines('{"dailies":[{"a":1},' + broken + ',{"b":2}]}')["raw/daily"]
    assert found == ['{"a":1,' + MARK + "}", line.replace("MARK", MARK), '{"b":2,' + MARK + "}"]


def test_bytes_that_are_not_utf8_stay_in_their_record() -> None:
    (stored,) = split(b'{"dailies":[{"a":"\xff"},{"b":2}]}').objects
    assert stored.data.splitlines()[0] == b'{"a":"\xff",' + MARK.encode() + b"}"


def test_nesting_without_end_is_one_line_like_any_other() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    assert lines('{"dailies":[{"a":' + deep + '},{"b":2}]}')["raw/daily"][1] == '{"b":2,' + MARK + "}"


@pytest.mark.parametrize(
    ("record", "kept"),
    [
        ('{"userAccessToken":"CANARY","a":1}', '{"a":1,MARK}'),
        ('{"a":1,"userAccessToken":"CANARY"}', '{"a":1,MARK}'),
        ('{"a":1 , "userAccessToken" : "CANARY" ,"b":2}', '{"a":1 ,"b":2,MARK}'),
        ('{"userAccessToken":"CANARY"}', "{MARK}"),
        ('{"userAccessToken":"CANARY","userAccessToken":"CANARY","b":2}', '{"b":2,MARK}'),
        ('{"userAccessToken":{"x":["CANARY"]},"b":2}', '{"b":2,MARK}'),
        ('{"UserAccesstoken":"CANARY","b":2}', '{"b":2,MARK}'),
        ('{"user\\u0041ccessToken":"CANARY","b":2}', '{"b":2,MARK}'),
        ('{"summary":{"userAccessToken":"CANARY","b":[{"userAccessToken":"CANARY"}]}}', '{"summary":{"b":[{}]},MARK}'),
        ('{"userAccessToken":CANARY nonsense,"b":2}', '{"b":2,MARK}'),
        ('{"userAccessToken":"CANARY" "CANARY","b":2}', '{"b":2,MARK}'),
        ('{"_received_at":"1999-01-01T00:00:00Z","b":2}', '{"b":2,MARK}'),
    ],
)
def test_tokens_are_cut_out_wherever_they_are(record: str, kept: str) -> None:
    assert lines('{"dailies":[' + record + "]}")["raw/daily"] == [kept.replace("MARK", MARK)]


def test_a_text_that_only_looks_like_a_token_field_stays() -> None:
    record = '{"note":"say \\"userAccessToken\\": \\"x\\", please","userAccessTokens":1'
    assert lines('{"dailies":[' + record + "}]}")["raw/daily"] == [record + "," + MARK + "}"]


def test_tokens_beside_the_types_are_cut_out_too() -> None:
    assert lines('{"userAccessToken":"CANARY","dailies":[{"a":1}],"_received_at":"x"}') == {
        "raw/daily": ['{"a":1,' + MARK + "}"]
    }


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ('"https://x/a?from=1&token=CANARY&to=2#t"', '"https://x/a?from=1&token=&to=2#t"'),
        ('"https://x/a?TOKEN=CANARY"', '"https://x/a?TOKEN="'),
        ('"https://x/a?a=1\\u0026access_token=CANARY"', '"https://x/a?a=1&access_token="'),
        ('"https://x/a?from=1"', '"https://x/a?from=1"'),
        ('["https://x/a?token=CANARY"]', "null"),
        ('"\\x?token=CANARY"', "null"),
    ],
)
def test_a_pings_address_keeps_everything_but_its_token(address: str, kept: str) -> None:
    found = lines('{"dailies":[{"userId":"u1","callbackURL":' + address + ',"a":1}]}')["raw/daily"]
    assert found == ['{"userId":"u1","callbackURL":' + kept + ',"a":1,' + MARK + "}"]


@pytest.mark.parametrize(
    "key",
    [
        "../../processed", "raw/daily", "Anna Müller", "9f3c0d1e", "a1b2c3", "x" * 65, "", "_odd", "date=2026-11-18", "..",
        "dailies ", "Dailies", "\\u0000", "\\ud800", "a\\nb",
    ],
)  # fmt: skip
def test_a_key_that_is_no_plain_name_never_becomes_a_folder(key: str) -> None:
    assert lines('{"' + key + '":[{"userId":"u1"}]}') == {UNNAMED: ['{"' + key + '":[{"userId":"u1"}],' + MARK + "}"]}


@pytest.mark.parametrize(("key", "folder"), [("pulseOx", "pulseox"), ("pulseOX", "pulseox"), ("body", "bodyComps")])
def test_every_spelling_of_a_type_goes_to_the_folder_of_its_contract(key: str, folder: str) -> None:
    assert list(lines(f'{{"{key}":[{{"a":1}}]}}')) == [f"raw/garmin/{folder}"]


def test_neither_positions_nor_names_people_gave_are_stored_however_deep() -> None:
    summary = '{"steps":7,"activityName":"To Ann","startingLatitudeInDegree":1.5,"startingLongitudeInDegree":2.5}'
    sample = '{"latitudeInDegree":1.5,"longitudeInDegree":2.5,"heartRate":90}'
    assert lines(f'{{"activityDetails":[{{"summary":{summary},"samples":[{sample}]}}]}}') == {
        "raw/garmin/activityDetails": ['{"summary":{"steps":7},"samples":[{"heartRate":90}],' + MARK + "}"]
    }


def test_many_unknown_keys_share_a_folder_so_that_no_request_needs_many_puts() -> None:
    keys = [f"type{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(200)]
    found = lines(json.dumps({**{key: [{"a": 1}] for key in keys}, "dailies": [{"a": 1}]}))
    assert len(found) == 18
    assert sum(map(len, found.values())) == 201
    assert len(found[UNNAMED]) == 184


@pytest.mark.parametrize(
    ("text", "folder", "line"),
    [
        ('{"dailies":[]}', "raw/daily", '{"dailies":[],MARK}'),
        ('{"dailies":{"a":1}}', "raw/daily", '{"a":1,MARK}'),
        ('{"dailies":null}', "raw/daily", "null"),
        ('{"status":"ok"}', UNNAMED, '{"status":"ok",MARK}'),
        ('[{"userId":"u1"}]', UNNAMED, '{"userId":"u1",MARK}'),
    ],
)
def test_what_is_no_list_of_records_is_kept_as_well(text: str, folder: str, line: str) -> None:
    assert lines(text) == {folder: [line.replace("MARK", MARK)]}


@pytest.mark.parametrize("text", ["{}", "[]", " {} \n"])
def test_a_body_that_holds_nothing_leaves_nothing(text: str) -> None:
    assert split(text) == Delivery((), (), ())


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "5", '"text"', "null", "garbage", '{"dailies":[{"a":1}', '{"dailies":[{"a":1]}', '{"dailies":["a}]}',
        '{"dailies":[{}]}]', '{"dailies":[{}]} {}', "{dailies:[]}", '{"dailies"}', '{"dailies":[{} {}]}', "<xml/>",
        '{"dailies":[,]}', '{"dailies":[{}],}', "[1] 2",
    ],
)  # fmt: skip
def test_a_body_without_a_skeleton_cannot_be_taken_apart(text: str) -> None:
    assert split_body(text.encode(), NOW) is None


def test_an_unparsable_body_is_kept_by_day_and_content() -> None:
    assert unparsable_key(b"x", NOW) == f"quarantine/bodies/date=2026-11-18/{hashlib.sha256(b'x').hexdigest()}"


def test_a_byte_order_mark_is_passed_over() -> None:
    assert lines(b'\xef\xbb\xbf{"dailies":[{"a":1}]}') == {"raw/daily": ['{"a":1,' + MARK + "}"]}


def test_people_are_who_the_job_will_find() -> None:
    text = (
        '{"dailies":[{"userId":" u1 "},{"userId":17},[{"userId":"u3"}],{"dailies":[{"userId":"u4"}]},{"userId":"u1"}'
        ',{"userId":"u5","steps":' + "9" * 5000 + '},{"userId":"u6","a":01},{"userId":null},{"userId":"' + "x" * 1025
        + '"},{"userId":"\\ud800"}],"Odd Key":[{"userId":"u7"}]}'
    )  # fmt: skip
    assert sorted(split(text).users) == ["17", "u1", "u3", "u4", "u5", "u7"]


def test_control_messages_are_told_in_their_order_and_make_no_new_person() -> None:
    text = '{"deregistrations":[{"userId":"u1"},{"x":1}],"userPermissionsChange":[{"userId":"u2","permissions":[]}]}'
    delivery = split(text)
    assert delivery.users == ()
    assert delivery.controls == (
        Control("deregistrations", "u1", {"userId": "u1"}),
        Control("userPermissionsChange", "u2", {"userId": "u2", "permissions": []}),
    )
    assert [(o.key.split("/date=")[0], o.count) for o in delivery.objects] == [
        ("raw/garmin/deregistrations", 2),
        ("raw/garmin/userPermissionsChange", 1),
    ]


@pytest.mark.parametrize(
    "text", ['{"dailies":["' + '\\"' * 10**6, '{"a":' * 10**6, '{"a" ' + " " * 10**6, '["' * 10**6]
)
def test_hostile_bodies_take_no_longer_than_long_ones(text: str) -> None:
    started = time.perf_counter()
    assert split_body(text.encode(), datetime(2026, 11, 18, tzinfo=UTC)) is None
    assert time.perf_counter() - started < 5


NAMES = st.sampled_from(["userId", "userAccessToken", "callbackURL", "_received_at", "steps", "a", ""]) | st.text(
    max_size=4
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def without_dropped(value: Any) -> Any:
    """A value as it must be kept; what a ping's address says is another test's."""
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
    as_base=st.sampled_from(["dailies", "sleeps", "mct"]),
)
@settings(max_examples=150)
def test_every_valid_body_comes_out_value_by_value(
    records: list[Any], ascii_only: bool, indent: int | None, as_base: str
) -> None:
    (stored,) = split(json.dumps({as_base: records}, ensure_ascii=ascii_only, indent=indent).encode()).objects
    kept = [json.loads(line) for line in stored.data.split(b"\n")[:-1]]
    assert [without_dropped(value) for value in kept] == [without_dropped(value) for value in records]
    assert "useraccesstoken" not in names(kept)
    assert all(value["_received_at"] == STAMP for value in kept if isinstance(value, dict))


@given(st.binary(max_size=40) | st.text(alphabet='{}[]",:\\ \n1au', max_size=40).map(str.encode))
@settings(max_examples=300)
def test_no_body_whatever_makes_it_fail(data: bytes) -> None:
    wrapped = b'{"dailies":[' + data + b"]}"
    for body_bytes in (data, wrapped):
        delivery = split_body(body_bytes, NOW)
        if delivery is not None:
            assert all(stored.data.count(b"\n") == stored.count for stored in delivery.objects)
