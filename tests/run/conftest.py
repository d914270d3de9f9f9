from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests import builders
from tests.edges import ENVIRONMENT, BucketEdge


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests that use `edge` run on a folder, and in `make acceptance` on a bucket as well."""
    if "edge" in metafunc.fixturenames:
        bucket = pytest.param("bucket", marks=pytest.mark.acceptance)
        edges = ["folder"] if metafunc.definition.get_closest_marker("folder_only") else ["folder", bucket]
        metafunc.parametrize("edge", edges, indirect=True)


@pytest.fixture
def edge(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What `run_lake` makes of a folder: a lake in that folder, or one in a bucket that mirrors it."""
    if request.param == "folder":
        yield
        return
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        monkeypatch.setattr(builders, "open_edge", BucketEdge())
        yield
