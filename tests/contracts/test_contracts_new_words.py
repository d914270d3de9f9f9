"""Mistakes in what contracts say about envelopes, times, units, devices and parts of a day, each told with its place."""

from pathlib import Path

import pytest

from qol.contracts.load import load_contracts
from tests.builders import copy_sources
from tests.contracts.conftest import Edit, problems

HRV, SLEEPS = "sources/garmin/hrv.yaml", "sources/garmin/sleeps.yaml"
RULES = "sources/garmin/_rules.yaml"
#: Where the rules and a contract take more lines.
PING = "ping: {has"
HRV_DAY = "day: {date: calendar_date, start: start_time_seconds, offset: start_time_offset_seconds}"
HRV_FIELDS = "fields:\n"


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("nested: {metric: data}", "nested.metric: found metric; allowed: an envelope key of the source: "),
        ("inherit: [hrv]", "inherit: found hrv; allowed: a key that holds no records; sources/garmin/hrv.yaml has it"),
        ("inherit_nested: [hrv]", "inherit_nested: found hrv; allowed: a key that holds no records; sources/garmin/hrv.yaml has it"),
        ("unwrap: [activityFiles]", "unwrap: found activityFiles; allowed: a key that holds no records; sources/garmin/_rules.yaml has it"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_rules_is_told(schemas: Path, edit: Edit, lines: str, problem: str) -> None:
    edit(RULES, PING, f"{lines}\n{PING}")
    assert [told for told in problems(schemas) if told.startswith(f"{RULES}: {problem}")]


@pytest.mark.parametrize(
    ("day", "problem"),
    [
        ("day: {date: calendar_date, zone: zone}", "day.start: found null; allowed: a start, which zone and shift_hours are about"),
        ("day: {date: calendar_date, shift_hours: 6}", "day.start: found null; allowed: a start, which zone and shift_hours are about"),
        ("day: {start: zone}", "day.start: found zone; allowed: a field of type epoch_seconds or instant: at, start_time_seconds"),
        ("day: {start: at, offset: zone}", "day.offset: found zone; allowed: a field of type integer or utc_offset: "),
        ("day: {start: at, zone: shift}", "day.zone: found shift; allowed: a field of type time_zone: zone"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_day_is_told(schemas: Path, edit: Edit, day: str, problem: str) -> None:
    edit(HRV, HRV_DAY, day)
    edit(HRV, HRV_FIELDS, HRV_FIELDS + TIMES)
    assert [told for told in problems(schemas) if told.startswith(f"{HRV}: {problem}")]


TIMES = """\
  at: {path: startedAt, type: instant, range: [0, 4102444800], description: d}
  shift: {path: startedAt, type: utc_offset, description: d}
  zone: {path: zone, type: time_zone, description: d}
"""


def test_one_text_may_give_a_time_and_its_offset(schemas: Path, edit: Edit) -> None:
    edit(HRV, HRV_FIELDS, HRV_FIELDS + TIMES)
    fields = load_contracts(schemas).by_name["garmin_hrv"].by_name
    read = {name: (fields[name].type, fields[name].paths) for name in ("at", "shift")}
    assert read == {"at": ("instant", (("startedAt",),)), "shift": ("utc_offset", (("startedAt",),))}


def test_two_fields_of_one_type_from_one_text_are_a_mistake(schemas: Path, edit: Edit) -> None:
    edit(HRV, HRV_FIELDS, HRV_FIELDS + TIMES + TIMES.splitlines()[0].replace("at:", "again:") + "\n")
    assert f"{HRV}: fields.again.path: found startedAt; allowed: a path that at does not read" in problems(schemas)


def with_fields(edit: Edit, *fields: str) -> None:
    edit(HRV, HRV_FIELDS, HRV_FIELDS + "".join(f"  {field}\n" for field in fields))


LISTED_TIMES = [line.strip() for line in TIMES.splitlines()]
KIND = "kind: {path: type, type: code, description: d}"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (["value: {path: value, type: code, units: unit, description: d}"], "fields.value.units: found code; allowed: units only for an integer or number that is no sample"),
        (["value: {path: value, type: number, description: d, ranges_by: {field: kind, ranges: {A: [0, 1]}}}", KIND], "fields.value.ranges_by.field: found kind; allowed: a code field declared before this one: none is declared"),
        ([KIND, "value: {path: value, type: number, description: d, range: [0, 1], ranges_by: {field: kind, ranges: {A: [0, 1]}}}"], "fields.value.ranges_by: found number; allowed: only for integer, number, decimal, epoch_seconds, instant, without samples and range"),
        ([KIND, "value: {path: value, type: number, description: d, ranges_by: {field: kind, ranges: {A: [1, 0]}}}"], "fields.value.ranges_by.ranges.A: found [1, 0]; allowed: [low, high] with low < high"),
        (["value: {path: value, type: number, description: d, classes: {A: [b]}}"], "fields.value.classes: found number; allowed: classes only for code"),
        (["value: {path: v, type: number, description: d, samples: {reduce: minutes, start: a, end: b, seconds_each: 60}}"], "fields.value.samples: found minutes; allowed: either start and end of structs, or within and seconds_each"),
        (["value: {path: v, type: number, description: d, samples: {reduce: minutes, start: a, end: b, of: c}}"], "fields.value.samples: found minutes; allowed: no of, range, states or within: stretches are no numbers"),
        (["value: {path: v, type: number, description: d, samples: {reduce: mean, start: a, end: b}}"], "fields.value.samples: found mean; allowed: start and end with intervals or minutes, characters and from with intervals, and only there"),
        (["value: {path: v, type: number, description: d, samples: {reduce: mean, only: {path: a, values: [b]}}}"], "fields.value.samples.only: found mean; allowed: only with structs, which have of, or start and end"),
        (["value: {path: 'v[first]', type: number, description: d}"], 'fields.value.path.0: found "v[first]"; allowed: after a key, [0] or [-1] for a place in a list, or [key=value]'),
        (["value: {path: v, type: code, description: d, samples: {reduce: min}}"], "fields.value.type: found code; allowed: integer or number or epoch_seconds or instant for samples reduced to min"),
        (["value: {path: value, type: code, description: d, closed: true}"], "fields.value.closed: found true; allowed: closed only with classes"),
        (["value: {path: value, type: number, description: d, known: [a]}"], "fields.value.known: found number; allowed: known only for code"),
        (["value: {path: value, type: code, description: d, of_other: kind}"], "fields.value.of_other: found code; allowed: of_other only for document_id"),
        (["other: {path: x, type: document_id, description: d, of_other: kind}", KIND], "fields.other.of_other: found kind; allowed: a code field declared before this one: none is declared"),
        (["value: {path: value, type: number, description: d, units: [a, b]}"], "fields.value.units: found 2; allowed: one place, or one for each path"),
        (["value: {path: value, type: number, description: d, unit_may_be_missing: true}"], "fields.value.unit_may_be_missing: found true; allowed: only with units"),
        ([KIND, "value: {path: value, type: number, description: d, ranges_by: {field: kind, ranges: {A: [0, 1]}, per_minute: {start: at, end: at, highest: {A: 1}}}}", *LISTED_TIMES], "fields.value.ranges_by.per_minute.start: found at; allowed: a field declared before this one: "),
        ([*LISTED_TIMES, KIND, "value: {path: value, type: number, description: d, ranges_by: {field: kind, ranges: {A: [0, 1]}, per_minute: {start: at, end: at, highest: {B: 1}}}}"], "fields.value.ranges_by.per_minute.highest: found B; allowed: a code of ranges: A"),
        (["value: {path: value, type: number, description: d, join_words: true}"], "fields.value.join_words: found number; allowed: join_words only for code"),
        (["value: {path: value, type: code, description: d, join_words: true}"], "fields.value.join_words: found true; allowed: with known, or for the stage of stages: "),
        (["value: {path: value, type: code, description: d, namespace: n}"], "fields.value.namespace: found code; allowed: namespace only for document_id"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_field_is_told(schemas: Path, edit: Edit, fields: list[str], problem: str) -> None:
    with_fields(edit, *fields)
    assert any(found.startswith(f"{HRV}: {problem}") for found in problems(schemas))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("      km: {times: 1000}", "      kg: {}", "units.kg.spellings.kg: found kg; allowed: a spelling that m does not have"),
        ("      m: {}", "      m: {times: 2}", "units.m.spellings: found m; allowed: the stored unit itself, without factors"),
        ("{over: 4.184}", "{over: 0}", "units.kcal.spellings.kJ.over: found 0; allowed: greater than 0"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_units_is_told(schemas: Path, edit: Edit, old: str, new: str, problem: str) -> None:
    edit("units.yaml", old, new)
    assert f"units.yaml: {problem}" in problems(schemas)


def test_a_study_without_units_of_its_own_has_the_products(schemas: Path) -> None:
    (schemas / "units.yaml").unlink()
    assert load_contracts(schemas).units["mi"].times == 1609.344


MESSAGES = "sources/oura/deleted.yaml"
DELETED, MEASUREMENTS = "sources/healthkit/deleted.yaml", "sources/healthkit/measurements.yaml"
STAGES, SURVEY, EPOCHS = (
    "sources/healthkit/sleep_samples.yaml",
    "sources/survey/whoqol26.yaml",
    "sources/garmin/epochs.yaml",
)


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (HRV, "best: [hrv_value_count,", "best: [calendar_date,", "best.0: found calendar_date; allowed: a number of the record: "),
        (HRV, "best: [hrv_value_count,", "best: [hrv_count,", "best.0: found hrv_count; allowed: a number of the record: "),
        (SLEEPS, "episodes:\n", "best: [duration_seconds]\nepisodes:\n", "best: found duration_seconds; allowed: nothing with episodes, which tell the day's main record"),
        (STAGES, "episodes:\n", "best: [start_seconds]\nepisodes:\n", "best.0: found start_seconds; allowed: a number of the record: "),
        (EPOCHS, "slot: [start_time_seconds]", "slot: [steps]", "slot.0: found steps; allowed: a key field: "),
        (SURVEY, "  least_answered: {", "  q1: {", "parameters.q1: found q1; allowed: a name that no field, helper or record column has"),
        (SURVEY, "answered >= least_answered", "answered >= least", "derived.physical_mean: found unknown column least; allowed: "),
        (MEASUREMENTS, "over: mean, each: start_seconds", "over: max, each: start_seconds", "daily.mean_hr_bpm.each: found max; allowed: each only with over: mean"),
        (MEASUREMENTS, "each: start_seconds -", "each: begins -", "daily.mean_hr_bpm.each: found unknown column begins; allowed: "),
        (DELETED, "field: uuid, by: uuid", "field: uuid, by: time_zone", "deletes.by: found time_zone; allowed: a field of type document_id: uuid"),
        (DELETED, "records: [measurements,", "records: [deleted,", "deletes.records.0: found deleted; allowed: another record type of the source: "),
        (DELETED, "field: uuid,", "field: id,", "deletes.field: found id; allowed: a document_id field of measurements, which has none of that name"),
        (MESSAGES, ", anywhere: true", "", "paths.0: found raw/oura/deleted; allowed: with `only`, a place that another contract has: "),
        (MESSAGES, "namespace: document", "namespace: other", "deletes.records.0: found document; allowed: one namespace for document_id and for document_id of daily_activity"),
        (DELETED, "namespace: sample", "namespace: other", "deletes.records.0: found sample; allowed: one namespace for uuid and for uuid of measurements"),
        (MEASUREMENTS, "end: until_seconds,", "end: metric_type,", "overlaps.end: found metric_type; allowed: a time field or helper: "),
        (MEASUREMENTS, "by: device_class,", "by: value,", "overlaps.by: found value; allowed: a code field or helper: "),
        (MEASUREMENTS, "share: share}", "share: value}", "overlaps.share: found value; allowed: a name that no field, helper or record column has"),
        (MEASUREMENTS, "values: [value]", "values: [uuid]", "split.values.0: found uuid; allowed: a field of type number: value"),
        (MEASUREMENTS, "where: is_quantity}\ndaily", "where: half}\ndaily", "split.where: found half of type Decimal"),
        (MEASUREMENTS, "zone: time_zone}", "zone: time_zone, shift_hours: 6}", "split: found 6; allowed: nothing with shift_hours: days are cut at local midnight"),
        (STAGES, "  stage: stage", "  stage: start_seconds", "stages.stage: found start_seconds; allowed: a code field or helper: "),
        (MEASUREMENTS, "overlaps: {start: start_seconds,", "overlaps: {start: whose,", "overlaps.start: found whose; allowed: a time field or helper: "),
        (MEASUREMENTS, "end: until_seconds,", "end: half,", "overlaps.end: found half; allowed: a time field or helper: "),
        (MEASUREMENTS, "by: device_class,", "by: until_seconds,", "overlaps.by: found until_seconds; allowed: a code field or helper: "),
        (MEASUREMENTS, "kind: metric_type,", "kind: half,", "overlaps.kind: found half; allowed: a code field or helper: "),
        (STAGES, "  end: end_seconds", "  end: whose", "stages.end: found whose; allowed: a time field or helper: "),
        (STAGES, "  by: device_class", "  by: half", "stages.by: found half; allowed: a code field or helper: "),
        (STAGES, "deep: ['4',", "deep: ['3',", "stages.values.light: found 3; allowed: a code that deep does not have"),
    ],
)  # fmt: skip
def test_a_mistake_in_what_records_do_to_each_other_is_told(
    schemas: Path, edit: Edit, file: str, old: str, new: str, problem: str
) -> None:
    copy_sources(schemas, f"{Path(file).parent.name}/*.yaml")
    with_helpers(edit, file)
    edit(file, old, new)
    assert [told for told in problems(schemas) if told.startswith(f"{file}: {problem}")]


def with_helpers(edit: Edit, file: str) -> None:
    """A helper that is a text and one that is half a number, in a contract that has devices."""
    if file in (MEASUREMENTS, STAGES):
        edit(file, "derived:\n", "derived:\n  whose: UPPER(device_class)\n  half: start_seconds / 2.0\n")


def test_helpers_of_the_right_type_stand_where_fields_may(schemas: Path, edit: Edit) -> None:
    edit(MEASUREMENTS, "derived:\n", "derived:\n  whose: UPPER(device_class)\n")
    edit(MEASUREMENTS, "by: device_class", "by: whose")
    edit(MEASUREMENTS, "overlaps: {start: start_seconds", "overlaps: {start: until_seconds")
    rule = load_contracts(schemas).by_name["healthkit_measurements"].overlaps
    assert rule is not None
    assert (rule.by, rule.start) == ("whose", "until_seconds")


def test_a_helper_that_is_no_expression_is_told_once(schemas: Path, edit: Edit) -> None:
    edit(MEASUREMENTS, "until_seconds: ", "until_seconds: nonsense + ")
    edit(MEASUREMENTS, "derived:\n", "derived:\n  whose: nonsense +\n")
    edit(MEASUREMENTS, "by: device_class", "by: whose")
    assert [told for told in problems(schemas) if "overlaps" in told] == []


STRETCHES = "samples: {reduce: intervals, start: startTimeInSeconds, end: endTimeInSeconds, keys: [deep, light, rem]}"
EITHER = "fields.asleep_intervals.samples: found intervals; allowed: either start and end of structs, or characters, seconds_each and from of a text"


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        ("samples: {reduce: intervals, start: startTimeInSeconds}", EITHER),
        ("samples: {reduce: intervals, characters: '1', seconds_each: 60}", EITHER),
        ("samples: {reduce: intervals, start: a, end: b, characters: '1', seconds_each: 60, from: start_time_seconds}", EITHER),
        ("samples: {reduce: intervals, start: a, end: b, of: c}", "fields.asleep_intervals.samples: found intervals; allowed: no of, range, states or within: stretches are no numbers"),
        ("samples: {reduce: intervals, characters: '1', seconds_each: 60, from: validation}", "fields.asleep_intervals.samples.from: found validation; allowed: a field of type epoch_seconds or instant: start_time_seconds"),
        ("samples: {reduce: max, of: a}", "fields.asleep_intervals.type: found intervals; allowed: integer or number or epoch_seconds or instant for samples reduced to max"),
        ("samples: {reduce: intervals, start: a, end: b, only: {path: 'c[d]', values: [e]}}", 'fields.asleep_intervals.samples.only.path: found "c[d]"; allowed: after a key, [0] or [-1] for a place in a list, or [key=value]'),
        ("decimals: 1", "fields.asleep_intervals.samples: found null; allowed: samples reduced to intervals"),
    ],
)  # fmt: skip
def test_a_mistake_in_stretches_is_told(schemas: Path, edit: Edit, samples: str, problem: str) -> None:
    edit(SLEEPS, STRETCHES, samples)
    assert f"{SLEEPS}: {problem}" in problems(schemas)


def test_stretches_are_no_key_and_no_number(schemas: Path, edit: Edit) -> None:
    edit(
        SLEEPS, "key: [start_time_seconds, duration_seconds, validation]", "key: [start_time_seconds, asleep_intervals]"
    )
    edit(SLEEPS, "sleep_score: overall_score", "sleep_score: asleep_intervals")
    told = problems(schemas)
    assert [
        line
        for line in told
        if line.startswith(f"{SLEEPS}: key.1: found asleep_intervals; allowed: a declared field of one value: ")
    ]
    assert f"{SLEEPS}: daily.sleep_score: found asleep_intervals of type List(Int32); allowed: a whole number" in told


@pytest.mark.parametrize(
    ("helper", "problem"),
    [
        ("{value: calendar_date, range: [0, 1]}", "range: found calendar_date; allowed: a range only of a number"),
        ("{value: utc_offset_seconds / 60, range: [0, 1]}", "range: found utc_offset_seconds / 60; allowed: a range only of what fields, parameters and helpers of such give"),
        ("{value: last_night_avg, range: [1, 0]}", "range: found [1, 0]; allowed: [low, high] with low < high"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_range_of_a_computed_value_is_told(
    schemas: Path, edit: Edit, helper: str, problem: str
) -> None:
    edit(HRV, HRV_FIELDS, f"derived:\n  helper: {helper}\n{HRV_FIELDS}")
    assert f"{HRV}: derived.helper.{problem}" in problems(schemas)
