from pathlib import Path

import pytest

from qol.identity.user_map import read_user_map
from tests.builders import KEY, daily_record, run_lake, without_gate, write_lines
from tests.serve.phones import Api

ENTRIES = (
    '{"source": "healthkit", "vendor_user_id": "v-anna", "user_id": "P-anna", "timezone": "Asia/Tokyo"}\n'
    '{"source": "garmin", "vendor_user_id": "g-anna", "user_id": "P-anna", "timezone": "Asia/Tokyo"}\n'
    '{"source": "garmin", "vendor_user_id": "g-ben", "user_id": "P-ben", "timezone": "Asia/Tokyo"}\n'
)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake after a run: Anna and Ben with a Garmin each, and seven days of 1000 steps."""
    lake = tmp_path_factory.mktemp("serve") / "lake"
    days = [daily_record(f"g-{who}", day) for who in ("anna", "ben") for day in range(7)]
    write_lines(lake, "2026-11-17", days)
    (lake / "user_map.jsonl").write_text(ENTRIES)
    with without_gate():
        run_lake(lake, user_map=read_user_map(lake / "user_map.jsonl"))
    return lake


@pytest.fixture
def api(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The API over a copy of the lake."""
    monkeypatch.setenv("QOL_PSEUDONYM_KEY", KEY.decode())
    return Api.over(published, tmp_path / "lake")
