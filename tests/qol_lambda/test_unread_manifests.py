"""A manifest that the watchdog's role may not read keeps it from no other, and from no week that is known to be good."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from qol.errors import QolError
from qol_lambda import watchdog
from tests.qol_lambda.conftest import Cloud, case
from tests.qol_lambda.notices import refuse_to_read

GOOD, OTHER = str(case("manifest.json")["run_id"]), "20261118T010000Z-9-manual-0009"


def watch() -> dict[str, Any]:
    return watchdog.watch(case("scheduler_watchdog.json"), datetime(2026, 11, 18, 2, 30, 4, tzinfo=UTC))


def test_a_good_week_is_found_behind_a_manifest_that_may_not_be_read(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.put_manifest()
    cloud.put_manifest(run_id=OTHER, status="failed")
    refuse_to_read(monkeypatch, OTHER)
    assert watch()["notified"] is False
    assert cloud.mails() == []


def test_a_week_whose_only_manifest_may_not_be_read_is_not_called_unpublished(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.put_manifest()
    refuse_to_read(monkeypatch, GOOD)
    with pytest.raises(QolError, match="a manifest could not be read"):
        watch()
    [(subject, text)] = cloud.mails()
    assert subject == "[prod] QoL Lake: whether 2026-W46 is published is not known"
    assert "Reason     a manifest could not be read (GetObject answered AccessDenied)\n" in text
