import os
from collections.abc import Iterator

import pytest

#: pytest says here which test runs.
_OF_PYTEST = "PYTEST_CURRENT_TEST"


@pytest.fixture(scope="module", autouse=True)
def _same_environment() -> Iterator[None]:
    """A module leaves the environment as it found it: a variable that leads AWS clients astray broke others before."""
    before = dict(os.environ)
    yield
    after = dict(os.environ)
    names = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert names - {_OF_PYTEST} == set()
