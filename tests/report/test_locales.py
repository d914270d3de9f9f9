"""Both languages say everything, and say it with the same blanks."""

import re
from dataclasses import replace

import pytest

from qol.contracts.reasons import ISSUE_REASONS, REJECT_REASONS
from qol.report.locales import (
    MAX_LABEL,
    clock_text,
    load_locale,
    plain_number,
    short_label,
    signed,
    texts_of,
    unnamed,
    unreadable_labels,
)
from qol.report.shown_columns import all_columns
from tests.builders import CONTRACTS

EN, JA = texts_of("en"), texts_of("ja")
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
#: Names that are the same in both languages.
SAME = {"bmi", "BMI"}


def test_both_languages_have_the_same_words() -> None:
    assert set(EN) == set(JA)
    assert set(EN["sentences"]) == set(JA["sentences"])
    for kind in ("groups", "sources", "records", "aggregates", "metric_units"):
        assert set(EN[kind]) == set(JA[kind]), kind


def test_both_languages_have_the_same_blanks() -> None:
    for key, text in EN["sentences"].items():
        assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", JA["sentences"][key])), key


def test_every_japanese_label_is_japanese_and_every_reason_has_a_text() -> None:
    unreadable = [name for name, label in JA["labels"].items() if not JAPANESE.search(label) and name not in SAME]
    assert unreadable == []
    assert sorted({*ISSUE_REASONS, *REJECT_REASONS} - set(JA["reasons"])) == []


def test_what_has_no_japanese_name_is_told_and_shown_as_the_contracts_have_it() -> None:
    steps = CONTRACTS.metric["steps"].model_copy(update={"name": "hops", "group": "play", "unit": "hops/min"})
    more = replace(CONTRACTS, metrics=(*CONTRACTS.metrics, steps))
    told = [name for name in unnamed(more, "ja") if name not in unnamed(CONTRACTS, "ja")]
    assert told == [("labels", "hops"), ("groups", "play"), ("units", "hops/min")]
    assert load_locale("ja", more).metric("hops") == "Steps"


def test_every_aggregate_that_is_shown_has_a_word() -> None:
    used = {column.aggregate for column in all_columns(CONTRACTS) if column.metric}
    assert sorted(used - set(EN["aggregates"])) == []


def test_a_label_that_is_long_or_a_column_name_is_told() -> None:
    long = "Steps of a day that was long enough to be counted by all of the devices together"
    changed = {"steps": long, "floors": "Floors of floors_up, climbed."}
    metrics = [m.model_copy(update={"description": changed.get(m.name, m.description)}) for m in CONTRACTS.metrics]
    told = unreadable_labels(replace(CONTRACTS, metrics=tuple(metrics)))
    assert told == [("steps", long), ("floors", "Floors of floors_up"), *unreadable_labels(CONTRACTS)]
    assert [label for label in JA["labels"].values() if "_" in label or len(label) > MAX_LABEL] == []


@pytest.mark.parametrize(
    ("description", "label"),
    [
        ("Steps.", "Steps"),
        ("Resting heart rate, each vendor by its own definition.", "Resting heart rate"),
        ("Nightly variability as RMSSD; never mixed with SDNN.", "Nightly variability as RMSSD"),
        ("Moderate activity (WHO 2020); null when unknown.", "Moderate activity"),
        ("Resilience: 1 limited, 5 exceptional.", "Resilience"),
    ],
)
def test_an_english_label_is_the_start_of_the_description(description: str, label: str) -> None:
    assert short_label(description) == label


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.0, "0"), (12345, "12,345"), (12345.6, "12,346"), (61.44, "61.4"), (6.123, "6.12"), (0.0456, "0.046")],
)
def test_numbers_have_as_many_decimals_as_their_size_deserves(value: float, text: str) -> None:
    assert plain_number(value) == text


def test_a_change_has_its_sign_and_the_decimals_of_what_changed() -> None:
    assert [signed(x) for x in (2.5, -2.5, 0, 7)] == ["+2.50", "\N{MINUS SIGN}2.50", "0", "+7"]
    assert signed(0.8600001, 65.4) == "+0.9"
    assert signed(-0.001, 65.4) == "0.0"


def test_a_time_of_the_day_is_rounded_across_midnight() -> None:
    assert [clock_text(x) for x in (0, 66.12, 1439.6, 1440)] == ["00:00", "01:06", "00:00", "00:00"]
