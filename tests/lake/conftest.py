from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from qol.lake import Lake, LocalLake
from qol.lake.s3 import S3Lake
from tests.edges import ENVIRONMENT, QUICK, make_bucket


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Lake]:
    """An empty lake below a prefix of a bucket of a simulated cloud."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        make_bucket("bucket")
        yield S3Lake("bucket", "lake/", policy=QUICK)


@pytest.fixture(params=["folder", "bucket"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    """An empty lake, on either edge."""
    return LocalLake(tmp_path) if request.param == "folder" else request.getfixturevalue("bucket")
