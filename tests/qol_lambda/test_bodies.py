"""A body is taken apart byte for byte: nothing is lost, no number changes, no token stays."""

import hashlib
import json
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qol_lambda.bodies import MAX_PARTS, UNNAMED, Control, Delivery, split_body, unparsable_key
from qol_lambda.dropped_fields import is_dropped
from tests.ingest.feed import CONTRACTS
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


@pytest.mark.parametrize("key", ["mct", "MCT", "menstrualCycleTracking", "menstrual_cycle_tracking"])
def test_of_a_menstrual_cycle_nothing_is_stored(key: str) -> None:
    cycle = '{"userId":"u2","summaryId":"x","dayInCycle":5}'
    for text in (
        '{"%s":[%s],"dailies":[{"a":1}]}',
        '[{"%s":%s},{"dailies":[{"a":1}]}]',
        '{"dailies":[{"a":1,"%s":%s}]}',
    ):
        delivery = split(text % (key, cycle))
        assert (len(delivery.objects), delivery.users, delivery.controls) == (1, (), ())
        assert b"Cycle" not in delivery.objects[0].data
    assert split(json.dumps({key: [json.loads(cycle)]})).objects == ()


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
        ("[5]", "[5]"),
        ("{}", "{MARK}"),
    ],
)
def test_a_mistake_in_one_record_stays_in_its_line_and_spoils_no_other(broken: str, line: str) -> None:
    found = lines('{"dailies":[{"a":1},' + broken + ',{"b":2}]}')["raw/daily"]
    assert found == ['{"a":1,' + MARK + "}", line.replace("MARK", MARK), '{"b":2,' + MARK + "}"]


def test_what_is_no_record_of_a_list_is_one_line_that_names_its_type() -> None:
    assert lines('{"dailies":[5,{"a":1},null,"text",nonsense],"sleeps":[1]}') == {
        "raw/daily": ['{"a":1,' + MARK + "}"],
        UNNAMED: ['{"dailies":[5,null,"text",nonsense],' + MARK + "}", '{"sleeps":[1],' + MARK + "}"],
    }


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


@pytest.mark.parametrize(
    "name",
    [
        "user_access_token", "TOKEN", "oauth-token", "refresh to_ken", "clientSecret", "Authorization", "x_signature", "ACTIVITY_NAME",
        "userAccessTokens", "starting_latitude_in_degree", "to\\u006ben", "_Received_At",
    ],
)  # fmt: skip
def test_what_is_never_stored_is_known_under_any_spelling(name: str) -> None:
    record = f'{{"a":1,"{name}":"CANARY","b":{{"{name}":["CANARY"]}}}}'
    assert lines(f'{{"dailies":[{record}],"{name}":"CANARY"}}') == {"raw/daily": ['{"a":1,"b":{},' + MARK + "}"]}


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
    assert lines('{"dailies":[{"note":"' + text + '","a":1}]}')["raw/daily"] == [
        '{"note":"' + kept + '","a":1,' + MARK + "}"
    ]


@pytest.mark.parametrize(
    ("record", "kept"),
    [
        ("{\"a\":1,'userAccessToken':'CANARY'}", '{"a":1,\''),
        ("{a:1,access_token:CANARY}", "{a:1,access_"),
        ('{"a":1 "tok\\u0065n" "CANARY"}', '{"a":1 "tok'),
        ('{"a":01,"b":"https://x/CANARY"}', '{"a":01,"b":"https'),
        ('{"a":01,"b":"CANARIES"}', '{"a":01,"b":"CANARIES",MARK}'),
    ],
)
def test_a_line_that_is_not_json_ends_where_a_secret_may_begin(record: str, kept: str) -> None:
    found = lines('{"dailies":[' + record + ',{"b":2}]}')["raw/daily"]
    assert found == [kept.replace("MARK", MARK), '{"b":2,' + MARK + "}"]


def test_no_field_of_a_contract_has_a_name_that_is_never_stored() -> None:
    garmin = [contract for contract in CONTRACTS.sources if contract.source == "garmin"]
    heads = {name for contract in garmin for spec in contract.fields for path in spec.paths for name in path}
    assert len(heads) > 100
    assert [name for name in heads if is_dropped(name)] == []


def test_tokens_beside_the_types_are_cut_out_too() -> None:
    assert lines('{"userAccessToken":"CANARY","dailies":[{"a":1}],"_received_at":"x"}') == {
        "raw/daily": ['{"a":1,' + MARK + "}"]
    }


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
    found = lines('{"dailies":[{"userId":"u1","' + name + '":' + address + ',"a":1}]}')["raw/daily"]
    assert found == ['{"userId":"u1","' + name + '":' + kept + ',"a":1,' + MARK + "}"]


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
        ('{"dailies":null}', UNNAMED, '{"dailies":null,MARK}'),
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
        Control("deregistrations", "u1", {"userId": "u1", "_received_at": STAMP}),
        Control("userPermissionsChange", "u2", {"userId": "u2", "permissions": [], "_received_at": STAMP}),
    )
    assert [(o.key.split("/date=")[0], o.count) for o in delivery.objects] == [
        ("raw/garmin/deregistrations", 2),
        ("raw/garmin/userPermissionsChange", 1),
    ]


@pytest.mark.parametrize(
    "text", ['{"dailies":["' + '\\"' * 10**6, '{"a":' * 10**6, '{"a" ' + " " * 10**6, '["' * 10**6]
)
def test_hostile_bodies_take_no_longer_than_long_ones(text: str) -> None:
    started = time.process_time()
    assert split_body(text.encode(), datetime(2026, 11, 18, tzinfo=UTC)) is None
    assert time.process_time() - started < 5


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
    started = time.process_time()
    assert split_body(text.encode(), NOW) is None
    assert time.process_time() - started < 3


@pytest.mark.parametrize("text", ['{"dailies":[%s]}', "[%s]", "{%s}"])
def test_a_body_has_at_most_so_many_members_and_elements(text: str) -> None:
    def body_of(parts: int) -> bytes:
        part = '"dailies":{"b":"1234567890123456789012345678901234567890"}'
        return (text % ",".join([part if text == "{%s}" else part[10:]] * parts)).encode()

    most = MAX_PARTS - text.count("dailies")
    assert split(body_of(most)).objects[0].count == most
    assert split_body(body_of(most + 1), NOW) is None


def test_what_is_stored_of_a_body_is_at_most_twice_its_size() -> None:
    few, many = ('{"dailies":[' + ",".join(["{}"] * parts) + "]}" for parts in (1_000, 5_000))
    assert split(few).objects[0].count == 1_000
    assert split_body(many.encode(), NOW) is None


@pytest.mark.parametrize(
    "members",
    [
        '"token":1,' * 500_000,
        " " * 2_600_000 + '"token":1,' * 260_000,
        ",".join(f'"{number:x}token":1' for number in range(350_000)) + ",",
        '"b":":' + "token-" * 880_000 + '",',
    ],
    ids=["tokens", "white space", "names", "a text"],
)
def test_tokens_are_cut_out_of_a_long_record_in_seconds(members: str) -> None:
    started = time.process_time()
    (line,) = lines('{"dailies":[{' + members + '"a":1}]}')["raw/daily"]
    assert time.process_time() - started < 3
    assert line.endswith('"a":1,' + MARK + "}")


def test_a_body_is_not_taken_apart_beyond_the_deadline() -> None:
    parts = iter([None, None])
    with pytest.raises(StopIteration):
        split_body(b'{"dailies":[{},{},{}]}', NOW, lambda: next(parts))


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
    as_base=st.sampled_from(["dailies", "sleeps", "activityFiles"]),
)
@settings(max_examples=150)
def test_every_valid_body_comes_out_value_by_value(
    records: list[Any], ascii_only: bool, indent: int | None, as_base: str
) -> None:
    found = split(json.dumps({as_base: records}, ensure_ascii=ascii_only, indent=indent).encode()).objects
    kept = [json.loads(line) for stored in found for line in stored.data.split(b"\n")[:-1]]
    others = [value for value in records if not isinstance(value, list | dict)]
    expected = [value for value in records if isinstance(value, list | dict)] + ([{as_base: others}] if others else [])
    assert [without_dropped(value) for value in kept] == [without_dropped(value) for value in expected]
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
