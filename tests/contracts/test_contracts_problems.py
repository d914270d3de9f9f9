"""Broken contracts: every mistake at once, each with its place, what was found and what is allowed."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from qol.contracts.load import load_contracts
from qol.contracts.wording import choices
from qol.errors import ContractError
from tests.builders import CONTRACTS
from tests.contracts.conftest import Edit, problems

DAILIES, HRV, SLEEPS = "sources/garmin/dailies.yaml", "sources/garmin/hrv.yaml", "sources/garmin/sleeps.yaml"
STRESS, USER = "sources/garmin/stressDetails.yaml", "sources/garmin/userMetrics.yaml"
DAILY, WEEKLY = "metrics/daily.yaml", "metrics/weekly.yaml"
ACTIVITY = [metric.name for metric in CONTRACTS.group_metrics["activity"]]


def uncounted(text: str) -> str:
    """A message without how many names there are, which grows with the contracts."""
    return re.sub(r"\(\d+ names\)", "(N names)", text)


def test_all_mistakes_of_all_files_come_in_one_error(schemas: Path, edit: Edit) -> None:
    edit(DAILIES, "  pushes: {path", "  steps: {path")
    edit(HRV, "key: [start_time_seconds]", "keys: [start_time_seconds]")
    edit(HRV, "type: date,", "type: day,")
    edit(USER, "record: userMetrics", "record: user")
    edit(DAILY, "right: stress_max,", "right: stress_max +,")
    edit(WEEKLY, "bedtime_minute: [circular_mean, circular_sd]", "bedtime_minute: [mean]")

    with pytest.raises(ContractError) as error:
        load_contracts(schemas)

    assert error.value.exit_code == 2
    assert uncounted(str(error.value)) == dedent("""\
        7 contract problem(s):
          metrics/daily.yaml: relations.stress_mean_up_to_max.right: found stress_max + (unable to parse 'stress_max +' as Expr); allowed: an SQL expression over the row's columns
          metrics/weekly.yaml: groups.sleep.metrics.bedtime_minute.0: found mean; allowed: for a time of day: circular_mean, circular_sd, last
          sources/garmin/dailies.yaml: fields.steps: found a second time in line 25; allowed: each key once
          sources/garmin/hrv.yaml: fields.calendar_date.type: found "day"; allowed: 'integer', 'number', 'decimal', 'boolean', 'code', 'document_id', 'date', 'epoch_seconds', 'instant', 'utc_offset', 'time_zone' or 'intervals'
          sources/garmin/hrv.yaml: key: found nothing; allowed: required: Fields that, with the person, name one thing measured; a record without one is rejected, but an absent code or flag is a value of its own.
          sources/garmin/hrv.yaml: keys: found an unknown key; allowed: key, … (N names)
          sources/garmin/userMetrics.yaml: record: found user; allowed: the file's name, userMetrics""")


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (DAILIES, "fields: {steps: critical}", "fields: {step: critical}", "quality.fields.step: found step; allowed: a field of the contract: steps, … (N names)"),
        (WEEKLY, "right: sleep_valid_days", "right: sleep_valid", "relations.midsleep_days_within_sleep_days.right: found sleep_valid of type Boolean; allowed: a number"),
        ("quality.yaml", "lost_share: 0.3", "lost_share: 0", "people.lost_share: found 0; allowed: greater than 0"),
        (DAILIES, "pushes:", "Pushes:", 'fields.Pushes: found the name "Pushes"; allowed: lower snake case'),
        (
            USER,
            "enhanced: {path",
            "day: {path",
            "fields.day: found day; allowed: a name that no column of every record has, and that no step works with",
        ),
        (HRV, "range: [5, 250]", "range: [250, 5]", "fields.last_night_avg.range: found [250, 5]; allowed: [low, high] with low < high"),
        (HRV, "range: [5, 250]", "range: [5, 250], decimals: 2", "fields.last_night_avg.decimals: found 2; allowed: decimals only for numbers that samples are reduced to"),
        (HRV, "range: [5, 250]", "range: [5]", "fields.last_night_avg.range: found [5]; allowed: at least 2 entries"),
        (USER, "type: boolean", "type: boolean, sentinels: [0]", "fields.enhanced.sentinels: found boolean; allowed: sentinels only for integer, number, decimal, epoch_seconds, instant"),
        (USER, "path: vo2MaxCycling", "path: [vo2MaxCycling, vo2Max]", "fields.vo2_max_cycling.path: found vo2Max; allowed: a path that vo2_max does not read"),
        (USER, "path: summaryId", "path: userAccessToken", "fields.summary_id.path: found userAccessToken; allowed: a path that is not in drop"),
        (USER, "path: enhanced", "path: userId", "fields.enhanced.path: found userId; allowed: a path that is not the person id"),
        (STRESS, "version: [duration_seconds]", "version: [duration]", "version.0: found duration; allowed: a declared field of one value: duration_seconds, … (N names)"),
        (HRV, "day: {date: calendar_date", "day: {date: start_time_seconds", "day.date: found start_time_seconds; allowed: a field of type date: calendar_date"),
        (HRV, "source_timestamp: start_time_seconds", "source_timestamp: duration_seconds", "source_timestamp: found duration_seconds; allowed: a field of type epoch_seconds or instant: start_time_seconds"),
        (STRESS, "within: [26, 50], ", "", "fields.low_minutes.samples: found minutes; allowed: within and seconds_each with minutes, and only there; minutes of structs have start and end"),
        (HRV, "samples: {reduce: count", "samples: {within: [1, 2], reduce: count", "fields.hrv_value_count.samples: found count; allowed: within and seconds_each with minutes, and only there; minutes of structs have start and end"),
        (HRV, "hrv_value_count: {path: hrvValues, type: integer", "hrv_value_count: {path: hrvValues, type: number", "fields.hrv_value_count.type: found number; allowed: integer for samples reduced to count"),
        (SLEEPS, "asleep_seconds / 60", "asleep / 60", "daily.sleep_minutes: found unknown column asleep; allowed: asleep_seconds, … (N names)"),
        (SLEEPS, "sleep_score: overall_score", "sleep_score: overall_qualifier", "daily.sleep_score: found overall_qualifier of type String; allowed: a whole number"),
        (HRV, "hrv_rmssd_ms: last_night_avg", "hrv_rmssd_ms: summary_id", "daily.hrv_rmssd_ms: found summary_id of type String; allowed: a number"),
        (HRV, "hrv_rmssd_ms: last_night_avg", "hrv_rmssd_ms: sum(last_night_avg)", "daily.hrv_rmssd_ms: found sum(last_night_avg) (one value for all rows); allowed: one value per row"),
        (USER, "fitness_age_years: fitness_age", "fitness_age_years: vo2_max", "daily.fitness_age_years: found vo2_max of type Float64; allowed: a whole number"),
        (HRV, "hrv_rmssd_ms: last", "rmssd: last", "daily.rmssd: found rmssd; allowed: where or a daily metric: steps, distance_m, active_kcal, … (N names)"),
        (DAILIES, "where: own_device", "where: steps", "daily.where: found steps of type Int64; allowed: true or false"),
        (DAILIES, "own_device: third_party_source IS NULL", "steps: 1", "derived.steps: found steps; allowed: a name that no field or record column has, and that no step works with"),
        (DAILIES, "at_most: duration_seconds / 60", "at_most: duration / 60", "wear.at_most: found unknown column duration; allowed: duration_seconds, … (N names)"),
        (SLEEPS, "end: end_seconds", "end: validation", "episodes.end: found validation; allowed: a numeric field or helper: utc_offset_seconds, start_time_seconds, start_time_offset_seconds, … (N names)"),
        (SLEEPS, "unlisted: 0", "unlisted: 3", "episodes.rank.unlisted: found 3; allowed: a tier from 0 to 2"),
        (USER, "reject: missing_day", "reject: no_day", 'examples.3.reject: found "no_day"; allowed: not_utf8, not_json, not_an_object, line_too_long, too_deep, truncated_object, unknown_record, missing_key, missing_day, day_out_of_range, day_too_old, no_person'),
        (USER, "nulled: ['vo2Max: 0 out_of_range'", "nulled: ['vo2Max: 0 wrong'", 'examples.2.nulled.0: found "vo2Max: 0 wrong"; allowed: a text that ends in one of sentinel, out_of_range, wrong_type, too_large, invalid_date, invalid_time, invalid_zone, unknown_unit, milliseconds, unknown_code, not_a_code'),
        (USER, "    reject: missing_day\n", "", "examples.3: found a date that does not exist is no key; allowed: either expect or reject"),
        (USER, "expect: {vo2_max: 48.0, fitness", "expect: {vo2max: 48.0, fitness", "examples.1.expect.vo2max: found vo2max; allowed: a column of the record: vo2_max, … (N names)"),
        (USER, "paths: [raw/garmin/userMetrics]", "paths: [raw/garmin/hrv]", "paths.0: found raw/garmin/hrv; allowed: a raw folder that sources/garmin/hrv.yaml does not claim"),
        (USER, "envelope_keys: [userMetrics]", "envelope_keys: [deregistrations]", "envelope_keys.0: found deregistrations; allowed: a key that sources/garmin/_rules.yaml does not claim"),
        (STRESS, "within: [26, 50]", "within: [50, 26]", "fields.low_minutes.samples.within: found [50, 26]; allowed: [low, high] with low <= high"),
        (USER, "source: garmin", "source: oura", "source: found oura; allowed: the folder's name, garmin"),
        (USER, "- name: an estimate", "- name: no person", "examples.4.name: found no person; allowed: a name that no other example has"),
        ("sources/garmin/_rules.yaml", "source: garmin", "source: oura", "source: found oura; allowed: the folder's name, garmin"),
        ("sources/garmin/_rules.yaml", " hrv,", " hvr,", "permissions.HEALTH_EXPORT: found hvr; allowed: a record type of the source that has no permission: hrv"),
        ("sources/garmin/_rules.yaml", "[activities,", "[hrv, activities,", "permissions.ACTIVITY_EXPORT: found hrv; allowed: a record type that HEALTH_EXPORT does not have"),
        (DAILY, "stress_max: {unit: points, type: integer", "stress_max: {unit: points, type: integer, decimals: 1", "groups.stress.stress_max.decimals: found 1; allowed: decimals only for type number"),
        (DAILY, "floors: {unit", "worn: {unit", "groups.activity.worn: found worn; allowed: a name other than user_id, day, source, worn, date, where"),
        (DAILY, "systolic_mmhg: {unit", "steps: {unit", "groups.*.steps: found 2 times; allowed: each metric in one group"),
        (DAILY, "moderate_minutes + 2 * vigorous_minutes", "moderate + 2 * vigorous_minutes", "groups.activity.mvpa_equivalent_minutes.from_metrics: found unknown column moderate; allowed: moderate_minutes, … (N names)"),
        (WEEKLY, "anchor: [stress_mean, recovery_high_minutes]", "anchor: [steps]", "groups.stress.anchor.0: found steps; allowed: a metric of the group: stress_mean, stress_max, rest_stress_minutes, low_stress_minutes, medium_stress_minutes, high_stress_minutes, activity_stress_minutes, body_battery_charged, body_battery_drained, recovery_high_minutes"),
        (WEEKLY, "vo2max: [last]", "vo2max: [first]", "groups.fitness.metrics.vo2max.0: found \"first\"; allowed: 'mean', 'median', 'sd', 'min', 'max', 'sum', 'circular_mean', 'circular_sd', 'last', 'weekday_mean', 'weekend_mean' or 'weighted_mean'"),
        (WEEKLY, "vo2max: [last]", "vo2max: [circular_mean]", "groups.fitness.metrics.vo2max.0: found circular_mean; allowed: for a quantity: mean, median, sd, min, max, sum, last, weekday_mean, weekend_mean, weighted_mean"),
        (WEEKLY, "  fitness:", "  gait:", "groups.gait: found gait; allowed: a group of the daily vocabulary: activity, heart, sleep, … (N names)"),
        (WEEKLY, "of: [resting_hr_bpm]", "of: [steps]", "derived.resting_hr_bpm_slope.of.0: found steps; allowed: a metric of heart: resting_hr_bpm, min_hr_bpm, max_hr_bpm, mean_hr_bpm, hrv_rmssd_ms, hrv_sdnn_ms"),
        (WEEKLY, "formula: slope", "formula: share_of_sums", "derived.resting_hr_bpm_slope.total: found nothing; allowed: with share_of_sums, mean_by_count, and only there"),
        (WEEKLY, "    threshold: 150\n", "", "derived.mvpa_meets_who.threshold: found nothing; allowed: with sum_at_least, and only there"),
        (WEEKLY, "    per_day: 288\n", "", "derived.sensor_coverage.per_day: found nothing; allowed: with coverage, and only there"),
        (WEEKLY, "of: [midsleep_minute, time_in_bed_minutes]", "of: [midsleep_minute]", "derived.midsleep_free_corrected_minute.of: found midsleep_minute; allowed: 2 metrics for free_corrected"),
        (WEEKLY, "of: [steps], aggregate: mean", "of: [steps], aggregate: last", "derived.steps_mean_change.aggregate: found last; allowed: of steps: mean, median, sd, min, max, sum, weekday_mean, weekend_mean, weighted_mean"),
        (WEEKLY, "own_days: [distance_m,", "own_days: [resting_hr_bpm,", f"groups.activity.own_days.0: found resting_hr_bpm; allowed: a metric of the group: {choices(ACTIVITY)}"),
        (WEEKLY, "formula: slope", "formula: slopes", 'derived.resting_hr_bpm_slope.formula: found "slopes"; allowed: slope, … (N names)'),
        (WEEKLY, "formula: slope", "formula: mean_of_best", "derived.resting_hr_bpm_slope.best_days: found nothing; allowed: with mean_of_best, and only there"),
        (WEEKLY, "formula: slope", "formula: interdaily_stability", "derived.resting_hr_bpm_slope.of.0: found resting_hr_bpm; allowed: stretches for interdaily_stability"),
        (WEEKLY, "of: [midsleep_minute, time_in_bed_minutes]", "of: [time_in_bed_minutes, midsleep_minute]", "derived.midsleep_free_corrected_minute.of.0: found time_in_bed_minutes; allowed: a time of day for free_corrected"),
        (WEEKLY, "holidays: JP\n", "", "derived.social_jetlag_minutes.formula: found work_free_distance; allowed: with `holidays`, which tells free days from work days"),
        (WEEKLY, "holidays: JP\n", "holidays: XX\n", "holidays: found XX; allowed: a country whose public holidays are known: AD, AE, AF, … (N names)"),
        (WEEKLY, "nap_minutes: [mean", "asleep_intervals: [mean", "groups.sleep.metrics.asleep_intervals: found asleep_intervals; allowed: a metric of one number a day"),
        (WEEKLY, "    - steps\n", "    - whoqol_health\n", "windows.metrics.0: found whoqol_health; allowed: a weekly metric of another group: steps, distance_m, active_kcal, … (N names)"),
        (WEEKLY, "of: survey", "of: surveys", "windows.of: found surveys; allowed: a weekly group: survey, stress, … (N names)"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(
    schemas: Path, edit: Edit, file: str, old: str, new: str, problem: str
) -> None:
    edit(file, old, new)

    assert f"{file}: {problem}" in map(uncounted, problems(schemas))


def test_a_field_cannot_have_a_name_that_ingest_and_merge_work_with(schemas: Path, edit: Edit) -> None:
    working = ["bucket", "object_index", "range_start", "lines_before", "line", "ok", "is_new", "person", "object"]
    working += ["week", "receipt", "group", "position"]
    fields = "".join(f"  {name}: {{path: x{name}, type: code, description: d.}}\n" for name in working)
    edit(USER, "\nfields:\n", f"\nfields:\n{fields}")

    allowed = "a name that no column of every record has, and that no step works with"
    assert problems(schemas) == [f"{USER}: fields.{name}: found {name}; allowed: {allowed}" for name in sorted(working)]


def test_a_file_that_is_no_yaml_is_told_by_its_line(schemas: Path, edit: Edit) -> None:
    edit(HRV, "record: hrv", "record: [hrv")

    assert "".join(problems(schemas)) == (
        f"{HRV}: line 4: found no valid YAML (did not find expected ',' or ']'); allowed: valid YAML; "
        "a text with a colon and a blank, or with a comma or bracket inside {} or [], stands in quotes"
    )


def test_an_empty_file_is_no_contract(schemas: Path) -> None:
    (schemas / HRV).write_text("", encoding="utf-8")

    assert problems(schemas) == [f"{HRV}: (top): found null; allowed: a mapping"]


def test_a_missing_vocabulary_and_a_file_in_the_wrong_place_are_told(schemas: Path) -> None:
    (schemas / DAILY).unlink()
    (schemas / HRV).rename(schemas / "sources/hrv.yaml")

    assert problems(schemas) == [
        "metrics/daily.yaml: (top): found no file; allowed: a contract file",
        "sources/hrv.yaml: (top): found a file; allowed: sources/<source>/<record>.yaml",
    ]


def test_two_weekly_columns_of_one_name_are_told(schemas: Path, edit: Edit) -> None:
    edit(WEEKLY, "hrv_ln_rmssd_mean:", "steps_mean:")

    assert problems(schemas) == [
        f"{WEEKLY}: (top): found column steps_mean 2 times in weekly_metrics; allowed: each column name once"
    ]
