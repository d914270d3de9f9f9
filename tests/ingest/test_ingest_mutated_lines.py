"""Lines as devices send them with a few bytes changed: the columnar reader gives what the record reader gives."""

import random
from collections.abc import Iterator

import pytest
from polars.testing import assert_frame_equal

from qol.ingest.plain_samples import read_plain

from .feed import MONDAY_START, Fed, feed, lines, object_results

START = f'"startTimeInSeconds":{MONDAY_START},"startTimeOffsetInSeconds":32400,"durationInSeconds":86400'
SAMPLES = ",".join(f'"{180 * n}":{(n * 37) % 101 - (n % 9 == 0)}' for n in range(130))
DECIMALS = ",".join(f'"{60 * n}":{40 + (n * 7) % 50}.{n % 10}' for n in range(180))
#: Record types with lines as they come, short and long, with maps of whole numbers, of decimals, and without any.
DAILY = (
    f'{{"userId":"u1","summaryId":"x-1-15180","calendarDate":"2026-11-09","activityType":"WALKING",{START},"steps":8123,'
    '"distanceInMeters":6021.5,"timeOffsetHeartRateSamples":{"15":62,"30":64,"3180":66},"averageStressLevel":31,'
    '"stressQualifier":"calm","_received_at":"2026-11-10T01:00:00.250Z"}'
)
OTHER_DAILY = f'{{"userId":"u2","calendarDate":"2026-11-09",{START},"stepsGoal":7500,"source":"FITBIT","novel":1}}'
STRESS = (
    f'{{"userId":"u1","summaryId":"s-1","calendarDate":"2026-11-09",{START},"timeOffsetStressLevelValues":{{{SAMPLES}}},'
    f'"timeOffsetBodyBatteryValues":{{{SAMPLES.replace("-", "")}}},"_received_at":"2026-11-10T01:00:00Z"}}'
)
HRV = f'{{"userId":"u1",{START},"lastNightAvg":40,"hrvValues":{{{DECIMALS}}}}}'
#: Most of them with few samples: a mutation is as odd among twelve as among a hundred, which take most of the time.
SHORT_STRESS, SHORT_HRV = (
    STRESS.replace(SAMPLES[SAMPLES.index(',"2160"') :], ""),
    HRV.replace(DECIMALS[DECIMALS.index(',"720"') :], ""),
)
SEEDS = {
    "garmin_dailies": [DAILY, OTHER_DAILY],
    "garmin_stressDetails": [STRESS, SHORT_STRESS, SHORT_STRESS],
    "garmin_hrv": [HRV, SHORT_HRV, SHORT_HRV],
}
#: What a byte or a few become: parts of JSON, of numbers and texts, and bytes that have no place in either.
PARTS = [
    b"", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b" ", b"\r", b"\t", b"0", b"00", b"1", b"9", b"-", b"-0", b"+", b".", b"..", b".0",
    b"1e5", b"1e400", b"E", b"null", b"true", b'""', b'"5"', b"{}", b"[]", b"NaN", b"Infinity", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xe6\x97\xa5", b"\\u0030",
    b"\\ud800", b'"0":7,', b'"180":1,', b'"steps":1,', b"}{", b"}\r{", b'{"0":{"0":1}}', b"9223372036854775808", b"128.0", b"1234567890123", b"[" * 120,
    b'"timeOffsetStressLevelValues":{"0":1e999},', b'"timeOffsetHeartRateSamples":{"\xff":1},', b'"hrvValues":' + b"[" * 120 + b"]" * 120 + b",",
]  # fmt: skip


def mutated(chance: random.Random, line: bytes) -> bytes:
    """The line with one to three places changed."""
    for _ in range(chance.choice([1, 1, 2, 3])):
        place, gone = chance.randrange(len(line) + 1), chance.choice([0, 0, 1, 1, 2, 9])
        part = chance.choice(PARTS) if chance.random() < 0.7 else line[place : place + chance.randrange(12)]
        place = chance.choice([place, place, line.find(b'"', place) + 1, line.find(b",", place) + 1])
        line = line[:place] + part + line[place + gone :]
    return line


def batches(record: str, count: int, seed: int) -> Iterator[bytes]:
    """Objects of `count` lines in all: whole ones between mutated ones, so that a block of lines is decoded both ways."""
    chance = random.Random(seed)
    seeds = [text.encode() for text in SEEDS[record]]
    for number in range(0, count, 1000):
        share = (1.0, 0.1, 0.001)[number // 1000 % 3]
        drawn = (chance.choice(seeds) for _ in range(min(count, 1000)))
        yield lines(*[mutated(chance, line) if chance.random() < share else line for line in drawn])


def both(data: bytes, record: str) -> Fed:
    """What both readers give."""
    fast, by_record = feed(data, record, fast=True), feed(data, record, fast=False)
    assert repr(fast.rows) == repr(by_record.rows)
    assert fast == by_record
    return fast


def assert_same(record: str, count: int, seed: int) -> None:
    """Both readers give the same; compared as frames and text, since a dictionary a row would take most of the time."""
    for data in batches(record, count, seed):
        (fast,), (by_record,) = (object_results(data, record, fast=fast) for fast in (True, False))
        assert (fast.tallies, fast.reasons, fast.issues, fast.senders) == (
            *(by_record.tallies, by_record.reasons, by_record.issues, by_record.senders),
        )
        assert fast.rejects.equals(by_record.rejects)
        assert fast.rows.keys() == by_record.rows.keys()
        for name, rows in fast.rows.items():
            pair = [frame.sort("line_number") for frame in (rows, by_record.rows[name])]
            assert_frame_equal(*pair, check_exact=True)
            # 0.0 and -0.0 are equal; their texts are not
            assert pair[0].write_ndjson() == pair[1].write_ndjson()


@pytest.mark.parametrize(
    ("first", "verdict"),
    [(b"1e999", "not_json"), (b'{"\xff":1}', "not_utf8"), (b"[" * 120 + b"]" * 120, "too_deep"), (b'{"0":1}', None)],
    ids=["number", "bytes", "depth", "sound"],
)
def test_a_map_that_another_of_the_same_name_replaces_is_still_read(first: bytes, verdict: str | None) -> None:
    stress = STRESS.encode()
    for name in (b'"timeOffsetStressLevelValues"', b'"timeOffsetStressLevelV\\u0061lues"'):
        twice = b"{" + name + b":" + first + b"," + stress[1:]
        fed = both(lines(stress, twice, stress), "garmin_stressDetails")
        assert fed.verdicts == ([] if verdict is None else [verdict])
        assert {row["stress_sample_count"] for row in fed.rows} == {129}


@pytest.mark.parametrize("part", [',"steps"', '{"15"', ',"averageStressLevel"'])
def test_two_records_on_a_line_do_not_make_up_for_one_on_two_lines(part: str) -> None:
    daily, (start, end) = DAILY.encode(), DAILY.encode().split(part.encode())
    fed = both(lines(daily, daily + daily, start, part.encode() + end, daily), "garmin_dailies")
    assert [(reject["line"], reject["reason"]) for reject in fed.rejects] == [(n, "not_json") for n in (2, 3, 4)]


def test_two_records_on_a_line_are_none() -> None:
    daily = DAILY.encode()
    assert both(lines(daily, daily + daily, daily), "garmin_dailies").verdicts == ["not_json"]


@pytest.mark.parametrize("sample", ["101", "-9", "100.5"])
def test_a_sample_out_of_range_among_many_is_an_issue(sample: str) -> None:
    odd = STRESS.replace('"180":37', f'"180":{sample}', 1)
    rows = both(lines(STRESS.encode(), odd.encode()), "garmin_stressDetails").rows
    issues = [None, ["timeOffsetStressLevelValues: 1 samples out_of_range"]]
    assert [row["value_issues"] for row in rows] == issues


@pytest.mark.parametrize(
    "text",
    [
        *('{"0":5,"0":7}', '{"15":5,"0":7}', '{"0":-0}', '{"0":-0.0}', '{"0":123456789}', '{"0":1.125}', '{"0":"5"}'),
        *('{"0":1e1}', '{"123456789":5}', '{"x":5}', '{"":5}', '{"0":{"1":2}}', '{"0":null}', '{"0": 5}', '{"0":5 }'),
        *('{"0" :5}', '{"0":5,"15" :7}', '{"0":5, "15":7}', '{"0":5 ,"15":7}', '{"0":["1",2]}', '{"0":"","15":7}'),
        *('{":":5}', '{",":5}', '{"1,2":5}', '{"1:2":5}', '{"0":"5,7:8"}', '{"-1":5}', '{"0":[1]}', '{"0":true}'),
    ],
)
def test_a_map_that_is_not_plain_is_told_from_plain_ones_around_it(text: str) -> None:
    around = b'{"0":62,"15":-1,"30":7.5,"45":12345678,"60":0.25}'
    samples = read_plain([around, text.encode(), around])
    assert samples.plain.tolist() == [True, False, True]
    assert samples.values()[samples.first[2] :].tolist() == [62.0, -1.0, 7.5, 12345678.0, 0.25]


@pytest.mark.parametrize("record", SEEDS)
def test_both_readers_agree_on_mutated_lines(record: str) -> None:
    assert_same(record, 3_000, seed=1)


@pytest.mark.acceptance
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("record", SEEDS)
def test_both_readers_agree_on_a_million_mutated_lines(record: str, seed: int) -> None:
    assert_same(record, 34_000, seed=seed + 2)
