"""What `--to` takes, and that no message holds a password."""

from pathlib import Path

import pytest

from tests.command_line import Qol

SECRET = "correct-horse"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            f"postgresql+psycopg://ann:{SECRET}@127.0.0.1:1/qol?password={SECRET}",
            "postgresql+psycopg://ann:***@127.0.0.1:1/qol",
        ),
        (f"postgres://ann:{SECRET}@127.0.0.1:1/qol", "cannot be reached"),
        (f"mysql://ann:{SECRET}@127.0.0.1:1/qol", "mysql+pymysql://ann:***@127.0.0.1:1/qol: cannot be reached"),
        (f"oracle://ann:{SECRET}@h/qol", "not the URL of a database that can be loaded"),
        (f"mysql://ann:{SECRET}@h", "names no database"),
        (f"mysql://ann:half@{SECRET}@h/qol", "an @ stands in the password"),
        (f"{SECRET}", "not the URL"),
        ("@nowhere", "--to @nowhere: cannot be read; allowed: a file whose only line is the URL"),
    ],
)
def test_a_database_that_cannot_be_used_is_reported_without_its_password(
    qol: Qol, week_lake: Path, given: str, says: str
) -> None:
    ended = qol("load", "--lake", week_lake, "--to", given)
    assert ended.code in (1, 2)
    assert (says in ended.err, SECRET in ended.out + ended.err) == (True, False), ended.err


def test_the_url_also_comes_from_a_file_the_environment_or_a_secret(
    qol: Qol, week_lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    (tmp_path / "url").write_text(f"{url}\n")
    words = ("load", "--lake", week_lake, "--tables", "weekly_metrics")
    assert qol(*words, "--to", f"@{tmp_path / 'url'}").code == 0
    assert qol(*words, QOL_DATABASE_URL=url).code == 0
    monkeypatch.setattr("qol.sinks.database.secret_text", lambda *_: url)
    assert qol(*words, QOL_DATABASE_SECRET="arn").code == 0
    fields = f'{{"username": "ann", "password": "{SECRET}", "host": "127.0.0.1", "port": 1}}'
    monkeypatch.setattr("qol.sinks.database.secret_text", lambda *_: fields)
    ended = qol(*words, "--to", "postgresql:///qol", QOL_DATABASE_SECRET="arn")
    assert (ended.code, "//ann:***@127.0.0.1:1/qol: cannot be reached" in ended.err) == (1, True), ended.err
    ended = qol(*words)
    assert (ended.code, "--to: not given, and QOL_DATABASE_URL is not set" in ended.err) == (2, True)


def test_a_missing_library_is_named_with_the_line_that_installs_it(
    qol: Qol, week_lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ModuleNotFoundError(name="psycopg")

    monkeypatch.setattr("sqlalchemy.create_engine", missing)
    ended = qol("load", "--lake", week_lake, "--to", "postgresql://h/qol")
    assert ended.err == "qol load: psycopg is not installed; in the clone, run pip install '.[load]'\n"
