"""Without credentials nothing is asked of AWS, and what to give is said by the option that needs them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from qol.aws.requests import _client
from qol.cli.app import app
from qol.errors import UsageError
from qol.identity.dynamodb_user_map import read_user_table
from qol.identity.pseudonym_key import read_secret_key
from qol.lake import open_lake

SAID = "no AWS credentials were found; give them by aws configure, AWS_PROFILE or a role"


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A machine that nobody told who is asking; clients that were made before are forgotten."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-1")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    _client.cache_clear()
    yield
    _client.cache_clear()


@pytest.mark.parametrize(
    ("act", "option"),
    [
        (lambda: open_lake("s3://bucket/lake"), "--lake s3://bucket/lake"),
        (lambda: read_secret_key("qol/key"), "--key-secret qol/key"),
        (lambda: read_user_table("people"), "--user-map dynamodb:people"),
    ],
)
@pytest.mark.parametrize("given", [{}, {"AWS_ACCESS_KEY_ID": "half"}, {"AWS_PROFILE": "nobody"}])
def test_credentials_that_are_not_there_are_asked_for_by_the_option(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], act: Callable[[], object], option: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError) as raised:
        act()
    assert str(raised.value) == f"{option}: {SAID}"


def test_a_run_on_a_bucket_without_credentials_exits_2() -> None:
    ended = CliRunner().invoke(app, ["run", "--lake", "s3://bucket"])
    assert (ended.exit_code, ended.stderr) == (2, f"--lake s3://bucket: {SAID}\n")
