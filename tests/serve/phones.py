"""An API in this process, and what phones post to it."""

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from starlette.testclient import TestClient

from qol.lake import LocalLake
from qol.serve.access_tokens import local_key, local_token
from qol.serve.api import create_app
from qol.serve.door import new_key
from qol.serve.serve_options import ServeOptions
from qol.serve.service import Service, open_service
from tests.builders import CONTRACTS

#: Wednesday noon in Tokyo, three hours after the run.
NOON = datetime(2026, 11, 18, 3, 5, tzinfo=UTC)
BULK = "/v1/measurements/bulk"
SUMMARY = "/v1/measurements/summary"


@dataclass
class Api:
    """The service and a client of its application."""

    lake: Path
    service: Service
    client: TestClient

    @classmethod
    def over(cls, lake: Path, folder: Path, **options: Any) -> Self:
        """An API over a copy of a lake in a new folder."""
        shutil.copytree(lake, folder)
        return cls.of(folder, **options)

    @classmethod
    def of(cls, folder: Path, **options: Any) -> Self:
        service = open_service(ServeOptions(**{"lake": str(folder), "now": NOON, **options}), CONTRACTS)
        return cls(folder, service, TestClient(create_app(service), raise_server_exceptions=False))

    def token(self, subject: str) -> dict[str, str]:
        """Headers of a participant."""
        return {"Authorization": f"Bearer {local_token(local_key(self.lake), subject)}"}

    def key(self, *scopes: str) -> dict[str, str]:
        """Headers of a server or sensor with a new key."""
        return {"X-API-Key": new_key(self.service.state, scopes, "test")}

    def post(self, who: str, *samples: dict[str, Any], **batch: Any) -> Any:
        """The answer to a batch of a participant."""
        body = {"device_tz": "Asia/Tokyo", **batch, "measurements": list(samples)}
        headers = self.token(who) | {"Content-Type": "application/json"}
        return self.client.post(BULK, content=json.dumps(body).encode(), headers=headers)

    def summary(self, who: str, **query: Any) -> Any:
        """The answer to a question of a participant."""
        return self.client.get(SUMMARY, params=query, headers=self.token(who))

    @property
    def raw(self) -> list[str]:
        """Keys of the batches that are stored."""
        return [stored.key for stored in LocalLake(self.lake).walk("raw/healthkit/")]


def steps(value: int, hour: int, *, uuid: str = "", day: str = "2026-11-18", **changes: Any) -> dict[str, Any]:
    """A half hour with steps, in Tokyo."""
    start = f"{day}T{hour:02d}"
    times = {"start": f"{start}:00:00+09:00", "end": f"{start}:30:00+09:00", "zone_offset": "+09:00"}
    kind = {"type": "HKQuantityTypeIdentifierStepCount", "unit": "count"}
    return {**kind, "uuid": uuid or f"{day}-{hour}", "value": value, **times, **changes}
