"""`qol doctor`: whether this machine and the lake have everything a run needs, and what to do if not."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import typer

from qol.cli.options import LakeOption, open_existing
from qol.cli.show import table
from qol.errors import ContractError, LockedError, QolError
from qol.identity.key_lookup import KEY_FILE, KEY_VARIABLE

if TYPE_CHECKING:
    from qol.lake import Lake

_DISTRIBUTION = "qol-lake"
_JAVA = "Java (only for --engine spark)"
#: Damaged and foreign files that are named before the rest is only counted.
MAX_DAMAGED = 5
#: Error codes of S3 and KMS for a role without the right to do it.
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403"})
_PIN = re.compile(r"([A-Za-z0-9_.-]+)==([^;\s]+)(.*)")


@dataclass(frozen=True)
class Finding:
    """The result of one check; `next_step` is empty if nothing is wrong. A remark is no failure."""

    subject: str
    found: str
    next_step: str = ""
    is_remark: bool = False

    @property
    def mark(self) -> str:
        """✓ nothing to do, ! good to know, ✗ to repair."""
        return "✓" if not self.next_step else "!" if self.is_remark else "✗"


def doctor(lake: LakeOption = None) -> None:
    """Check Python, packages, Java, the key, the contracts and the lake, and say how to repair what is wrong."""
    findings = [*_machine(), _or_error("contracts", "none", _contracts), *_lake(lake)]
    table("", ("", "what", "found", "what to do"), [(f.mark, f.subject, f.found, f.next_step) for f in findings])
    if any(finding.mark == "✗" for finding in findings):
        raise typer.Exit(1)


def _or_error(subject: str, found: str, check: Callable[[], Finding]) -> Finding:
    """The finding of a check; its error as next step if it raises one."""
    try:
        return check()
    except QolError as err:
        return Finding(subject, found, str(err))


def _is_denied(err: QolError) -> bool:
    from qol.aws.requests import RequestError

    return isinstance(err, RequestError) and err.code in _DENIED


def _machine() -> Iterator[Finding]:
    is_pinned_python = platform.python_version_tuple()[:2] == ("3", "11")
    advice = "" if is_pinned_python else "use Python 3.11: packages are pinned for it"
    yield Finding("Python", platform.python_version(), advice)
    differing = list(_differing())
    install = "install the pinned versions: `make setup`, or pip install of this project"
    yield Finding("packages", "; ".join(differing) or "as pinned", install if differing else "")
    yield _or_error(_JAVA, "none", _java)


def _differing() -> Iterator[str]:
    for requirement in _requirements():
        pin = _PIN.match(requirement)
        if pin is None or "extra" in pin.group(3):
            continue
        try:
            found = importlib.metadata.version(pin.group(1))
        except importlib.metadata.PackageNotFoundError:
            found = "missing"
        if found != pin.group(2):
            yield f"{pin.group(1)} {found}, pinned {pin.group(2)}"


def _requirements() -> list[str]:
    """The requirements of the installed distribution; none of a checkout that is not installed."""
    with suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.requires(_DISTRIBUTION) or []
    return []


def _java() -> Finding:
    from qol.run.java import find_java, java_version

    home = find_java()
    version = java_version(home)
    advice = "" if version else "this Java does not start; set JAVA_HOME to one of version 8, 11 or 17"
    return Finding(_JAVA, f"{version or 'broken'} in {home}", advice)


def _contracts() -> Finding:
    from qol.contracts.load import load_contracts

    try:
        contracts = load_contracts()
    except ContractError as err:
        return Finding("contracts", f"{len(err.problems)} problems", "`qol contracts check` names them")
    return Finding("contracts", f"{len(contracts.sources)} sources in {contracts.root}")


def _lake(uri: str | None) -> Iterator[Finding]:
    try:
        lake = open_existing(uri)
    except QolError as err:
        yield _key(None)
        yield Finding("lake", uri or "not given", str(err))
        return
    yield _key(lake)
    yield _access(lake)
    yield _lock(lake)
    yield from _published(lake)
    yield _or_error("last run", "not known", partial(_last_run, lake))


def _key(lake: Lake | None) -> Finding:
    """The length of the key, never the key."""
    from qol.identity.pseudonym_key import MIN_KEY_BYTES

    key, place = os.environ.get(KEY_VARIABLE, "").encode(), KEY_VARIABLE
    if not key and lake is not None:
        place = f"the lake's {KEY_FILE}"
        with suppress(QolError):  # only a sample lake has a key, and this role may be denied reading it
            key = b"" if lake.stat(KEY_FILE) is None else lake.read(KEY_FILE).strip()
    if not key and _is_bucket(lake):
        advice = f"only for runs on this machine: set {KEY_VARIABLE}; a run on Glue has the key of Secrets Manager"
        return Finding("pseudonym key", "not set", advice, is_remark=True)
    advice = f"set {KEY_VARIABLE} to a secret of at least {MIN_KEY_BYTES} bytes, and keep it"
    found = f"{len(key)} bytes in {place}" if key else "not set"
    return Finding("pseudonym key", found, "" if len(key) >= MIN_KEY_BYTES else advice)


def _is_bucket(lake: Lake | None) -> bool:
    return lake is not None and lake.uri.startswith("s3://")


def _access(lake: Lake) -> Finding:
    """Whether the lake can be read, and written by a probe; a role without the right to write gets a remark."""
    probe, readable = f"_staging/doctor-{os.getpid()}", ""
    try:
        no_raw = "" if lake.children("raw/").folders else ", no raw/ folder yet"
        readable = f"{lake.uri}: readable{no_raw}"
        lake.put(probe, b"")
        lake.delete(probe)
    except QolError as err:
        if readable and _is_denied(err):
            advice = "nothing for reading; this role may not write: runs need the job's role"
            return Finding("lake", readable, advice, is_remark=True)
        advice = f"give this {'role' if _is_bucket(lake) else 'user'} read and write access there"
        return Finding("lake", str(err), advice)
    return Finding("lake", f"{lake.uri}: readable, writable{no_raw}")


def _lock(lake: Lake) -> Finding:
    try:
        with lake.lock("doctor"):
            return Finding("lock", "free")
    except LockedError as err:
        return Finding("lock", str(err), "wait until that run has ended, or end it")
    except QolError as err:
        if _is_denied(err):
            advice = "nothing for reading; runs and `qol restore` need a role that may take the lock"
            return Finding("lock", "this role may not take it", advice, is_remark=True)
        return Finding("lock", str(err), "make _locks/ writable for runs: they need the lock")


def _published(lake: Lake) -> Iterator[Finding]:
    """Whether `processed/` has only files of runs, and the footers of all can be read, in a bucket several at a time."""
    from qol.tables.published_files import check_published_files

    subject = "published files"
    try:
        files = check_published_files(lake)
    except QolError as err:
        yield Finding(subject, "not known", str(err), is_remark=_is_denied(err))
        return
    for problem in files.problems[:MAX_DAMAGED]:
        yield Finding(subject, f"{problem.key}: {problem.wrong}", problem.next_step)
    if len(files.problems) > MAX_DAMAGED:
        yield Finding(subject, f"{len(files.problems) - MAX_DAMAGED} more are wrong", "repair these first")
    if not files.problems:
        yield Finding(subject, f"{files.partitions}, each with a readable footer")


def _last_run(lake: Lake) -> Finding:
    from qol.tables.manifest import read_heads

    head = next(read_heads(lake), None)
    if head is None:
        return Finding("last run", "none yet")
    again = "`qol run`" if head.trigger in ("schedule", "manual") else f"the same `qol {head.trigger}`"
    advice = {
        "refused": f"`qol runs {head.run_id}` names the checks: repair the data, or {again[:-1]} --accept CHECK`",
        "failed": f"`qol runs {head.run_id}` says why; repair that, then {again}",
        "locked": f"another run held the lock: wait, then {again}",
    }
    return Finding("last run", f"{head.run_id}: {head.status}", advice.get(head.status, ""))
