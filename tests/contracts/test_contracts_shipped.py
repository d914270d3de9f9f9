"""The contracts of this project: their examples are whole, their expressions give known answers."""

import json
from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest

from qol.contracts.columns import arrow_schema, record_columns
from qol.contracts.fields import Field
from qol.contracts.model import Contracts
from qol.contracts.raw_values import safe_get
from qol.contracts.reasons import REJECT_REASONS
from qol.ingest.parse import Reason

START = 1794231000  # 2026-11-09 22:30 in Japan
JAPAN = 32400


def stands_in(field: Field, raw: str) -> bool:
    """Whether one of the field's paths leads somewhere in a raw line."""
    record = json.loads(raw) if raw.endswith("}") else {}
    return any(safe_get(record, path) is not None for path in field.paths)


def test_every_field_stands_in_an_example_and_every_readable_one_is_expected(contracts: Contracts) -> None:
    for contract in contracts.sources:
        expected = {name for e in contract.examples for name, value in (e.expect or {}).items() if value is not None}
        for field in contract.fields:
            assert any(stands_in(field, e.raw) for e in contract.examples), field.name
            assert field.name in expected or field.type == "document_id", field.name


def test_every_alias_stands_in_an_example(contracts: Contracts) -> None:
    for contract in contracts.sources:
        lines = " ".join(e.raw for e in contract.examples)
        assert [path for f in contract.fields for path in f.paths if f'"{path[-1]}":' not in lines] == []


def test_every_record_type_shows_a_rejected_record(contracts: Contracts) -> None:
    assert all(any(e.reject for e in contract.examples) for contract in contracts.sources)


def test_no_raw_line_of_an_example_is_secret_in_what_is_expected(contracts: Contracts) -> None:
    for contract in contracts.sources:
        assert not set(contract.drop) & {path[0] for f in contract.fields for path in f.paths}


def test_reject_reasons_are_those_of_ingest() -> None:
    assert set(REJECT_REASONS) == {reason.value for reason in Reason}


def daily(contracts: Contracts, name: str, **record: object) -> Mapping[str, Any]:
    """Daily values of one record, straight from the contract's expressions."""
    contract = contracts.by_name[name]
    empty = pl.from_arrow(arrow_schema(record_columns(contract)).empty_table())
    assert isinstance(empty, pl.DataFrame)
    rows = pl.DataFrame([{column: record.get(column) for column in empty.columns}], schema=empty.schema)
    for helper, sql in contract.derived.items():
        rows = rows.with_columns(pl.sql_expr(sql).alias(helper))
    return rows.select(pl.sql_expr(sql).alias(metric) for metric, sql in contract.daily.items()).row(0, named=True)


def test_a_real_night_gives_the_times_and_the_efficiency_published_with_it(contracts: Contracts) -> None:
    night = daily(
        contracts, "garmin_sleeps", start_time_seconds=1675481400, utc_offset_seconds=-18000, duration_seconds=32100,
        unmeasurable_seconds=0, deep_seconds=3840, light_seconds=22980, rem_seconds=5280, awake_seconds=3060,
        total_nap_seconds=5882,
    )  # fmt: skip

    assert night["bedtime_minute"] == 22 * 60 + 30
    assert night["wake_minute"] == 8 * 60 + 16
    assert night["midsleep_minute"] == 3 * 60 + 23
    assert (night["sleep_minutes"], night["time_in_bed_minutes"], night["awake_minutes"]) == (535, 586, 51)
    assert night["sleep_efficiency_pct"] == pytest.approx(91.30, abs=0.005)
    assert night["nap_minutes"] == pytest.approx(98.03, abs=0.005)


@pytest.mark.parametrize(
    ("levels_end", "minutes"),
    [(None, 150), (START + 100, 150), (START + 10_200, 170), (START + 90_000, 150)],
    ids=["no stages map", "an end before the counted one", "a later end", "an end more than a day later"],
)
def test_the_night_ends_with_the_latest_stage_or_the_time_counted(
    contracts: Contracts, levels_end: int | None, minutes: int
) -> None:
    night = daily(
        contracts, "garmin_sleeps", start_time_seconds=START, utc_offset_seconds=JAPAN, duration_seconds=7200,
        light_seconds=7200, awake_seconds=1800, levels_end_seconds=levels_end,
    )  # fmt: skip

    assert night["time_in_bed_minutes"] == minutes


def test_without_stages_the_duration_is_the_sleep_and_the_efficiency_is_not_known(contracts: Contracts) -> None:
    night = daily(contracts, "garmin_sleeps", start_time_seconds=START, utc_offset_seconds=JAPAN, duration_seconds=7200)

    assert night["sleep_minutes"] == 120
    assert (night["deep_minutes"], night["sleep_efficiency_pct"], night["nap_minutes"]) == (None, None, None)


def test_a_night_without_sleep_has_no_efficiency(contracts: Contracts) -> None:
    night = daily(
        contracts, "garmin_sleeps", start_time_seconds=START, utc_offset_seconds=JAPAN, duration_seconds=0,
        awake_seconds=0,
    )  # fmt: skip

    assert (night["sleep_minutes"], night["sleep_efficiency_pct"]) == (0, None)


@pytest.mark.parametrize(("samples", "minutes"), [(239, None), (240, 60), (4000, 1000), (5760, 1440)])
def test_wear_time_is_known_from_240_heart_rate_samples_on(
    contracts: Contracts, samples: int, minutes: int | None
) -> None:
    day = daily(contracts, "garmin_dailies", hr_sample_count=samples, duration_seconds=86400)

    assert day["wear_minutes"] == minutes


def test_days_of_another_makers_device_stay_out(contracts: Contracts) -> None:
    assert daily(contracts, "garmin_dailies", third_party_source="FITBIT")["where"] is False
    assert daily(contracts, "garmin_dailies")["where"] is True
