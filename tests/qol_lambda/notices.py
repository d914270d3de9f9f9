"""What the notifier's tests share: ends of job runs as Glue reports them, and manifests of runs that ended badly."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from qol_lambda import notifier
from qol_lambda.clients import client
from tests.qol_lambda.conftest import NOW, Cloud, case

FIRST = case("glue_failed_first_attempt.json")
LAST = case("glue_failed_last_attempt.json")
SUCCEEDED = case("glue_succeeded.json")
RUN = str(FIRST["detail"]["jobRunId"])
SECOND = f"{RUN}_attempt_1"
FAILED = {"status": "failed", "job_run_id": SECOND, "weeks": [], "error": "raw/daily: the request failed with SlowDown"}
REFUSED = case("manifest_refused.json")


def notify(event: dict[str, Any] = LAST, minutes: float = 0, **detail: str) -> dict[str, Any]:
    """What the notifier makes of an event some minutes later, with other details where asked."""
    return notifier.notify({**event, "detail": {**event["detail"], **detail}}, NOW + timedelta(minutes=minutes))


def last_week(cloud: Cloud) -> None:
    """The good run of the week before."""
    cloud.put_manifest(
        run_id="20261111T000500Z-1876e9a1b2c3d4e5-schedule-1b2c", job_run_id="jr_before", now="2026-11-11T00:05:00Z",
        week="2026-W45", weeks=["2026-W44", "2026-W45"],
    )  # fmt: skip


def refuse_to_read(monkeypatch: pytest.MonkeyPatch, run_id: str, code: str = "AccessDenied") -> None:
    """Let the bucket refuse a manifest, as it does to a role that lacks the key it was encrypted with."""
    real = client("s3").get_object

    def get_object(**asked: Any) -> Any:
        if run_id in asked["Key"]:
            raise ClientError({"Error": {"Code": code, "Message": "CANARY"}}, "GetObject")
        return real(**asked)

    monkeypatch.setattr(client("s3"), "get_object", get_object)
