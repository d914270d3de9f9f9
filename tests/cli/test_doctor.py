"""`qol doctor` checks everything a run needs and says what to do."""

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from qol.cli import doctor
from qol.lake import LocalLake
from qol.lake.s3 import S3Lake
from tests.command_line import Qol
from tests.edges import ENVIRONMENT, make_bucket

#: As it is before `healthy_machine` replaces it.
_requirements = doctor._requirements


@pytest.fixture(autouse=True)
def healthy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions and Java of the machine that runs the tests are not what these tests are about."""
    monkeypatch.setattr(doctor, "_requirements", lambda: ["pytest>=1", 'moto==1; extra == "dev"'])
    monkeypatch.setattr(doctor, "_java", lambda: doctor.Finding("Java", "17"))


def findings(out: str) -> dict[str, str]:
    """Mark of every line by the subject of the check."""
    lines = [line.split() for line in out.splitlines()]
    return {words[1]: words[0] for words in lines if len(words) > 1 and words[0] in "✓✗!"}


def test_a_healthy_lake_exits_0(qol: Qol, own_week: Path) -> None:
    ended = qol("doctor", "--lake", own_week)
    assert ended.code == 0, ended.out
    assert findings(ended.out) == dict.fromkeys(
        ["Python", "packages", "Java", "contracts", "pseudonym", "lake", "lock", "published", "last"], "✓"
    )
    assert "34 bytes in QOL_PSEUDONYM_KEY" in ended.out
    assert "a key of the tests" not in ended.out


def test_a_short_key_a_held_lock_and_a_failed_run_are_found(qol: Qol, own_week: Path) -> None:
    stray = own_week / "processed/weekly/date=2026-11-09/x.parquet"
    stray.touch()
    assert qol("run", "--lake", own_week, "--now", "2026-11-19T00:00:00Z").code == 1
    with LocalLake(own_week).lock("another-run"):
        ended = qol("doctor", "--lake", own_week, QOL_PSEUDONYM_KEY="short")
    assert ended.code == 1
    assert [what for what, mark in findings(ended.out).items() if mark == "✗"] == [
        "pseudonym",
        "lock",
        "published",
        "last",
    ]
    assert "5 bytes in QOL_PSEUDONYM_KEY" in ended.out
    assert "held by run another-run" in ended.out


def test_a_package_of_another_version_is_named_with_its_pin(
    qol: Qol, monkeypatch: pytest.MonkeyPatch, own_week: Path
) -> None:
    monkeypatch.setattr(doctor, "_requirements", lambda: ["pytest==0.1", "no-such-package==2"])
    ended = qol("doctor", "--lake", own_week)
    assert ended.code == 1
    assert f"pytest {pytest.__version__}, pinned 0.1; no-such-package missing, pinned 2" in ended.out


@pytest.mark.parametrize(
    ("denied", "wrong"), [("open", ["lake", "lock", "last"]), ("mkdir", ["lake", "lock"]), ("is_dir", ["lake"])]
)
def test_a_lake_without_rights_is_reported_without_a_crash(
    qol: Qol, own_week: Path, monkeypatch: pytest.MonkeyPatch, denied: str, wrong: list[str]
) -> None:
    owner = os if denied == "open" else Path
    real = getattr(owner, denied)

    def deny(path: Path | str, *asked: Any, **how: Any) -> Any:
        if Path(path).is_relative_to(own_week):
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, *asked, **how)

    monkeypatch.setattr(owner, denied, deny)
    ended = qol("doctor", "--lake", own_week)
    assert ended.code == 1, ended.err
    assert [what for what, mark in findings(ended.out).items() if mark == "✗"] == wrong
    assert "permission denied" in " ".join(ended.out.split())


@pytest.mark.parametrize(
    ("status", "trigger", "advice"),
    [
        ("refused", "manual", "`qol runs {run}` names the checks: repair the data, or `qol run --accept CHECK`"),
        (
            "refused",
            "rebuild",
            "`qol runs {run}` names the checks: repair the data, or the same `qol rebuild --accept CHECK`",
        ),
        ("failed", "schedule", "`qol runs {run}` says why; repair that, then `qol run`"),
        ("failed", "backfill", "`qol runs {run}` says why; repair that, then the same `qol backfill`"),
        ("locked", "manual", "another run held the lock: wait, then `qol run`"),
        ("published", "manual", ""),
        ("nothing_to_do", "manual", ""),
    ],
)
def test_what_to_do_about_the_last_run_depends_on_how_it_ended(
    own_week: Path, status: str, trigger: str, advice: str
) -> None:
    manifest = next((own_week / "_runs").iterdir())
    said = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps({**said, "status": status, "trigger": trigger}), encoding="utf-8")
    found = doctor._last_run(LocalLake(own_week))
    assert (found.found, found.next_step) == (f"{said['run_id']}: {status}", advice.format(run=said["run_id"]))


def test_no_lake_and_no_contracts_are_found(qol: Qol, tmp_path: Path) -> None:
    ended = qol("doctor", QOL_SCHEMAS=str(tmp_path))
    assert ended.code == 1
    assert (findings(ended.out)["lake"], findings(ended.out)["contracts"]) == ("✗", "✗")


def test_the_pins_are_those_of_the_installed_distribution() -> None:
    assert "polars==2.1.0" in _requirements()


class Refusing:
    """A client of S3 that a role may not put with below some prefixes."""

    def __init__(self, client: Any, prefixes: tuple[str, ...], code: str) -> None:
        self._client, self._prefixes, self._code = client, prefixes, code

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_object(self, **asked: Any) -> Any:
        if asked["Key"].startswith(self._prefixes):
            raise ClientError({"Error": {"Code": self._code, "Message": ""}}, "PutObject")
        return self._client.put_object(**asked)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        make_bucket("bucket").put_object(Bucket="bucket", Key="raw/daily/date=2026-11-09/a.jsonl", Body=b"{}")
        yield "s3://bucket"


def refuse(monkeypatch: pytest.MonkeyPatch, *prefixes: str, code: str = "AccessDenied") -> None:
    real = S3Lake._s3.fget  # type: ignore[attr-defined]
    monkeypatch.setattr(S3Lake, "_s3", property(lambda lake: Refusing(real(lake), prefixes, code)))


def test_a_bucket_whose_job_has_the_key_of_secrets_manager_exits_0_without_a_key_here(qol: Qol, bucket: str) -> None:
    ended = qol("doctor", "--lake", bucket, QOL_PSEUDONYM_KEY="")
    marks = findings(ended.out)
    assert (ended.code, marks["pseudonym"], marks["lake"]) == (0, "!", "✓"), ended.out
    assert "only for runs on this machine" in " ".join(ended.out.split())


def test_a_key_that_is_set_and_too_short_is_a_failure_for_a_bucket_too(qol: Qol, bucket: str) -> None:
    ended = qol("doctor", "--lake", bucket, QOL_PSEUDONYM_KEY="short")
    assert (ended.code, findings(ended.out)["pseudonym"]) == (1, "✗")


def test_a_role_that_may_only_read_gets_a_remark_and_exits_0(
    qol: Qol, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "_staging/")
    said = " ".join(qol("doctor", "--lake", bucket).out.split())
    assert "s3://bucket: readable" in said
    assert "writable" not in said
    assert "this role may not write: runs need the job's role" in said


@pytest.mark.parametrize(
    ("prefixes", "answer", "found"),
    [
        (["_staging/"], "AccessDenied", (0, "!", "✓")),
        (["_staging/", "_locks/"], "AccessDenied", (0, "!", "!")),
        (["_staging/", "_locks/"], "NoSuchUpload", (1, "✗", "✗")),
    ],
    ids=["may only read", "may not take the lock", "another reason is a failure"],
)
def test_what_a_bucket_refuses_is_a_remark_when_the_role_may_not_and_a_failure_otherwise(
    qol: Qol,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    prefixes: list[str],
    answer: str,
    found: tuple[int, str, str],
) -> None:
    refuse(monkeypatch, *prefixes, code=answer)
    ended = qol("doctor", "--lake", bucket)
    marks = findings(ended.out)
    assert (ended.code, marks["lake"], marks["lock"]) == found, ended.out
