import functools
import os
import sys
from collections.abc import Iterator

import botocore.session
import pytest
from hypothesis import HealthCheck, settings
from typer.main import get_command
from typer.testing import CliRunner

from qol.cli.app import app
from qol.contracts.load import load_contracts
from qol.contracts.model import Contracts


def _check_contracts() -> None:
    """End the session with what `qol contracts check` prints, before a wrong contract fails hundreds of tests."""
    checked = CliRunner().invoke(app, ["contracts", "check"])
    if checked.exit_code:
        sys.stderr.write(f"No test was run: `qol contracts check` found mistakes.\n{checked.stderr}")
        sys.exit(checked.exit_code)


# Here and in no hook: modules that the plugins, other conftests and tests import load the contracts.
if "PYTEST_XDIST_WORKER" not in os.environ:
    _check_contracts()

pytest_plugins = ["tests.command_line", "tests.spark_fixtures"]

# The same examples on every machine, and no folder of remembered ones.
settings.register_profile(
    "project", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("project")


@pytest.fixture(scope="session")
def contracts() -> Contracts:
    """The shipped contracts."""
    return load_contracts()


@pytest.fixture
def no_gate() -> Iterator[None]:
    """`without_gate` for a whole test."""
    from tests.builders import without_gate  # reads the contracts, which not every test needs

    with without_gate():
        yield


def pytest_configure() -> None:
    _read_descriptions_of_aws_once()
    _build_commands_once()


def _read_descriptions_of_aws_once() -> None:
    """Sessions of botocore share what they read of services; each parsed megabytes of JSON for its first client."""
    shared = functools.cache(botocore.session.create_loader)
    pytest.MonkeyPatch().setattr(botocore.session, "create_loader", shared)


def _build_commands_once() -> None:
    """Runners of commands share what typer makes of the parameters of all of them, as one process of `qol` does."""
    pytest.MonkeyPatch().setattr("typer.testing._get_command", functools.cache(get_command))
