"""The language of contracts is its models: what no word says is refused, and every word says what it means."""

import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qol.contracts.json_schemas import json_schemas
from qol.contracts.model import Contracts
from tests.contracts.conftest import Edit, problems

HRV, DAILY = "sources/garmin/hrv.yaml", "metrics/daily.yaml"
AVERAGE = "range: [5, 250]"


@pytest.mark.parametrize("word", ["name: x", "paths: [x]", "low: 5", "high: 250"])
def test_names_that_only_our_code_has_for_a_value_are_no_words(schemas: Path, edit: Edit, word: str) -> None:
    edit(HRV, AVERAGE, f"{AVERAGE}, {word}")

    place = f"{HRV}: fields.last_night_avg.{word.partition(':')[0]}"
    assert [told for told in problems(schemas) if told.startswith(f"{place}: found an unknown key; allowed: ")]


def test_a_word_is_written_as_the_language_has_it(schemas: Path, edit: Edit) -> None:
    edit(HRV, "last_night_avg: {path: lastNightAvg", "last_night_avg: {paths: [lastNightAvg]")

    assert [told.split("; ")[0] for told in problems(schemas)] == [
        f"{HRV}: fields.last_night_avg.path: found nothing",
        f"{HRV}: fields.last_night_avg.paths: found an unknown key",
    ]


def test_a_word_of_a_model_is_no_word_of_another(schemas: Path, edit: Edit) -> None:
    edit(HRV, "samples: {reduce: count", "samples: {path: x, reduce: count")

    allowed = "range, reduce, states, within, seconds_each, of, keys, only, start, end, characters, from"
    assert problems(schemas) == [
        f"{HRV}: fields.hrv_value_count.samples.path: found an unknown key; allowed: {allowed}"
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (AVERAGE, f"{AVERAGE}, namespace: null", "fields.last_night_avg.namespace: found null; allowed: string"),
        (AVERAGE, "range: ['5', 250]", 'fields.last_night_avg.range.0: found "5"; allowed: number'),
        (AVERAGE, "range: [true, 250]", "fields.last_night_avg.range.0: found true; allowed: number"),
        (AVERAGE, "range: [5, .inf]", "fields.last_night_avg.range.1: found Infinity; allowed: a finite number"),
        (AVERAGE, f"{AVERAGE}, uppercase: 1", "fields.last_night_avg.uppercase: found 1; allowed: boolean"),
        (AVERAGE, f"{AVERAGE}, classes: {{A: [b, b]}}", 'fields.last_night_avg.classes.A: found ["b", "b"]; allowed: each entry once'),
        ("paths: [raw/garmin/hrv]", "paths: []", "paths: found []; allowed: at least 1 item after validation, not 0"),
        (AVERAGE, f"{AVERAGE}, units: 'a b'", 'fields.last_night_avg.units.0: found "a b"; allowed: dotted keys such as a.b'),
        ("paths: [raw/garmin/hrv]", "paths: [raw/a b]", 'paths.0: found "raw/a b"; allowed: pattern \'^raw(/[A-Za-z0-9_.-]+)+$\''),
        ("person: [userId]", "person: userId", 'person: found "userId"; allowed: a list, such as [a, b]'),
        ("fields:\n", "fields:\n  empty:\n", "fields.empty: found null; allowed: a mapping"),
        ("key: [", "priority: -1\nkey: [", "priority: found -1; allowed: greater than or equal to 0"),
        ("key: [", "quality: {severity: {days: info}}\nkey: [", "quality.severity.days: found the name \"days\"; allowed: 'people', 'rows_per_person', 'fields' or 'fresh'"),
        ("daily:\n", "daily:\n  steps: {value: 1}\n", "daily.steps.over: found nothing; allowed: required: How the parts of the day's records become one value; first and last by source_timestamp, then by the end that `overlaps` or `episodes` names."),
        ("daily:\n", "daily:\n  steps: []\n", "daily.steps: found []; allowed: string"),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_told(schemas: Path, edit: Edit, old: str, new: str, problem: str) -> None:
    edit(HRV, old, new)

    assert problems(schemas) == [f"{HRV}: {problem}"]


def test_a_wrong_number_of_days_is_told_once(schemas: Path) -> None:
    (schemas / "retention.yaml").write_text("raw: 5\nbodies: soon\n")

    assert problems(schemas) == [
        'retention.yaml: bodies: found "soon"; allowed: keep, or a whole number of days',
        "retention.yaml: raw: found 5; allowed: keep, or a whole number of days from 35 on",
    ]


def test_words_that_do_not_go_together_are_all_told_at_once(schemas: Path, edit: Edit) -> None:
    edit(HRV, AVERAGE, f"{AVERAGE}, uppercase: true, classes: {{A: [b]}}, decimals: 1")
    edit(HRV, "source_timestamp: start_time_seconds", "source_timestamp: start\nversion: [changed]\nbest: [rank]")
    edit(HRV, "best: [hrv_value_count, duration_seconds]\n", "")

    assert [told.split(": ")[1] for told in problems(schemas)] == [
        "best.0", "fields.last_night_avg.classes", "fields.last_night_avg.decimals", "fields.last_night_avg.uppercase",
        "source_timestamp", "version.0",
    ]  # fmt: skip


def test_a_number_stays_as_it_is_written(contracts: Contracts) -> None:
    least = contracts.by_name["survey_whoqol26"].parameters[0].value

    assert (least, type(least)) == (21, int)


def test_a_missing_source_is_told_and_not_what_follows_from_it(schemas: Path, edit: Edit) -> None:
    edit(HRV, "source: garmin\n", "")
    edit(HRV, "paths: [raw/garmin/hrv]\n", "")

    assert problems(schemas) == [
        f"{HRV}: source: found nothing; allowed: required: The vendor; the same as the folder."
    ]


def test_every_word_has_a_description() -> None:
    for text in json_schemas().values():
        schema = json.loads(text)
        described = {name: model["description"] for name, model in schema.get("$defs", {}).items()}
        for name, word in words(schema):
            assert word.get("description") or described.get(word.get("$ref", "").rpartition("/")[2]), name


def words(schema: Any) -> Iterator[tuple[str, Any]]:
    for model in (schema, *schema.get("$defs", {}).values()):
        yield from model["properties"].items()


def test_a_copy_with_another_value_forgets_what_was_computed_of_the_old_one(contracts: Contracts) -> None:
    sleeps = contracts.by_name["garmin_sleeps"]
    assert "overall_score" in sleeps.by_name

    assert sleeps.model_copy(update={"fields": sleeps.fields[:1]}).by_name.keys() == {sleeps.fields[0].name}
    assert sleeps.fields[1].changed(range=(1, 2)).high == 2


def test_contracts_travel_to_workers(contracts: Contracts) -> None:
    assert pickle.loads(pickle.dumps(contracts)) == contracts


def test_to_import_the_loader_loads_no_engine() -> None:
    heavy = "{'duckdb', 'pandas', 'pyspark', 'jinja2', 'jsonschema', 'holidays', 'great_expectations'}"
    code = f"import sys, qol.contracts.load; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout == "[]\n"
