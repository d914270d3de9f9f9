"""Zeros that may mean unknown are warned of, in anybody's contract."""

from pathlib import Path

from qol.contracts.load import load_contracts
from qol.contracts.zero_warnings import zero_warnings

from .conftest import Edit

SLEEPS = "sources/garmin/sleeps.yaml"
GUARDED = "CASE WHEN has_stages THEN {0}_seconds / 60 END"


def warnings(schemas: Path) -> list[str]:
    return [f"{found.file}: {found.path}: {found.value}" for found in zero_warnings(load_contracts(schemas))]


def test_stages_of_a_night_that_may_all_be_0_are_warned_of(schemas: Path, edit: Edit) -> None:
    assert warnings(schemas) == []
    for stage in ("deep", "light"):
        edit(SLEEPS, GUARDED.format(stage), f"{stage}_seconds / 60")
    (warning,) = warnings(schemas)
    assert warning.startswith(
        "sources/garmin/sleeps.yaml: daily.deep_minutes: deep_seconds / 60, which is 0 also where "
    )
    assert warning.endswith(" deep_minutes, light_minutes, awake_minutes are all 0")
