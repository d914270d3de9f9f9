"""`qol doctor`: is everything here that a run needs, and if not, what to do."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from qol.cli.options import LakeOption, open_existing
from qol.cli.show import table
from qol.errors import ContractError, CorruptFileError, LakeError, LockedError, QolError
from qol.identity.key_lookup import KEY_FILE, KEY_VARIABLE

if TYPE_CHECKING:
    from qol.lake import Lake

_DISTRIBUTION = "qol-lake"
#: Of more damaged files the rest is a number.
MOST_DAMAGED = 5
#: What S3 and KMS answer to a role that may not do it.
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403"})
_PIN = re.compile(r"([A-Za-z0-9_.-]+)==([^;\s]+)(.*)")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; without a next step when all is well. A remark is good to know and no failure."""

    what: str
    found: str
    next_step: str = ""
    is_remark: bool = False

    @property
    def mark(self) -> str:
        """All is well, good to know, to be mended."""
        return "✓" if not self.next_step else "!" if self.is_remark else "✗"


def doctor(lake: LakeOption = None) -> None:
    """Look at Python, packages, Java, the key, the contracts and the lake; say what to do where something is wrong."""
    findings = [*_machine(), _contracts(), *_lake(lake)]
    table("", ("", "what", "found", "what to do"), [(f.mark, f.what, f.found, f.next_step) for f in findings])
    if any(finding.mark == "✗" for finding in findings):
        raise typer.Exit(1)


def _machine() -> Iterator[Finding]:
    wrong_python = (
        "use Python 3.11: packages are pinned for it" if platform.python_version_tuple()[:2] != ("3", "11") else ""
    )
    yield Finding("Python", platform.python_version(), wrong_python)
    differing = list(_differing())
    install = "install the pinned versions: `make setup`, or pip install of this project"
    yield Finding("packages", "; ".join(differing) or "as pinned", install if differing else "")
    yield _java()


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
    """What the installed distribution asks for; of a checkout that is not installed, what its pyproject.toml says."""
    try:
        return importlib.metadata.requires(_DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        project = Path(__file__).resolve().parents[3] / "pyproject.toml"
        if not project.is_file():
            return []
        listed: list[str] = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]
        return listed


def _java() -> Finding:
    from qol.run.java import find_java, java_version

    try:
        home = find_java()
    except QolError as err:
        return Finding("Java (only for --engine spark)", "none", str(err))
    version = java_version(home)
    broken = "" if version else "this Java does not start; set JAVA_HOME to one of version 8, 11 or 17"
    return Finding("Java (only for --engine spark)", f"{version or 'broken'} in {home}", broken)


def _contracts() -> Finding:
    from qol.contracts.load import load_contracts

    try:
        contracts = load_contracts()
    except ContractError as err:
        return Finding("contracts", f"{len(err.problems)} problems", "`qol contracts check` names them")
    except QolError as err:
        return Finding("contracts", "none", str(err))
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
    yield _last_run(lake)


def _key(lake: Lake | None) -> Finding:
    """How long the key is, never what it is."""
    from qol.identity.pseudonym_key import MIN_KEY_BYTES

    named = os.environ.get(KEY_VARIABLE, "").encode()
    place = KEY_VARIABLE
    if not named and lake is not None:
        named, place = _key_of(lake), f"the lake's {KEY_FILE}"
    advice = f"set {KEY_VARIABLE} to a secret of at least {MIN_KEY_BYTES} bytes, and keep it"
    if not named and _is_bucket(lake):
        advice = f"only for runs on this machine: set {KEY_VARIABLE}; a run on Glue has the key of Secrets Manager"
        return Finding("pseudonym key", "not set", advice, is_remark=True)
    enough = len(named) >= MIN_KEY_BYTES
    return Finding("pseudonym key", f"{len(named)} bytes in {place}" if named else "not set", "" if enough else advice)


def _key_of(lake: Lake) -> bytes:
    """The key that a sample lake brings along; nothing where there is none, or none of this role's to read."""
    try:
        return b"" if lake.stat(KEY_FILE) is None else lake.read(KEY_FILE).strip()
    except QolError:
        return b""


def _is_bucket(lake: Lake | None) -> bool:
    return lake is not None and lake.uri.startswith("s3://")


def _access(lake: Lake) -> Finding:
    try:
        found = f"{lake.uri}: readable"
        nothing = "" if lake.children("raw/").folders else ", no raw/ folder yet"
        why_not = _refusal(lake)
    except QolError as err:
        who = "role" if _is_bucket(lake) else "user"
        return Finding("lake", str(err), f"give this {who} the right to read and write there")
    if why_not:
        return Finding("lake", found + nothing, why_not, is_remark=True)
    return Finding("lake", f"{found}, writable{nothing}")


def _refusal(lake: Lake) -> str:
    """Why nothing can be written when only this role may not; empty when a probe could be put and removed."""
    from qol.aws.requests import RequestError

    probe = f"_staging/doctor-{os.getpid()}"
    try:
        with lake.create(probe):
            pass
        lake.delete(probe)
    except RequestError as err:
        if err.code not in _DENIED:
            raise
        return "nothing, to look at it; this role may not write: runs need the job's role"
    return ""


def _lock(lake: Lake) -> Finding:
    from qol.aws.requests import RequestError

    try:
        with lake.lock("doctor"):
            return Finding("lock", "free")
    except LockedError as err:
        return Finding("lock", str(err), "wait until that run has ended, or end it")
    except RequestError as err:
        if err.code not in _DENIED:
            return Finding("lock", str(err), "see why the bucket does not take it; runs need the lock")
        advice = "nothing, to look at the lake; runs and `qol restore` need a role that may take the lock"
        return Finding("lock", "not this role's to take", advice, is_remark=True)
    except LakeError as err:
        return Finding("lock", str(err), "give this user the right to write below _locks/")


def _published(lake: Lake) -> Iterator[Finding]:
    """Whether the footers of published files can be read, in a bucket several at a time."""
    from qol.aws.requests import RequestError
    from qol.contracts.columns import table_folder
    from qol.tables.corruption import recovery_hint
    from qol.tables.layout import PART_FILE, PROCESSED

    try:
        folders = (PROCESSED, table_folder("rejects"))
        keys = [o.key for folder in folders for o in lake.walk(folder) if o.key.endswith(f"/{PART_FILE}")]
        with ThreadPoolExecutor(lake.reads_at_once) as pool:
            damaged = [key for key in pool.map(partial(_if_damaged, lake), keys) if key]
    except QolError as err:
        denied = isinstance(err, RequestError) and err.code in _DENIED
        yield Finding("published files", "not known", str(err), is_remark=denied)
        return
    for key in damaged[:MOST_DAMAGED]:
        yield Finding("published files", f"{key}: damaged, cannot be read", recovery_hint(key))
    if len(damaged) > MOST_DAMAGED:
        yield Finding("published files", f"{len(damaged) - MOST_DAMAGED} more are damaged", "mend these first")
    if not damaged:
        yield Finding("published files", f"{len(keys)}, each with a whole end")


def _if_damaged(lake: Lake, key: str) -> str | None:
    """The key of a file whose footer cannot be read."""
    from qol.tables.corruption import require_readable

    try:
        require_readable(lake, key)
    except CorruptFileError:
        return key
    return None


def _last_run(lake: Lake) -> Finding:
    from qol.tables.manifest import read_heads

    try:
        head = next(read_heads(lake), None)
    except QolError as err:
        return Finding("last run", "not known", str(err))
    if head is None:
        return Finding("last run", "none yet")
    again = "`qol run`" if head.trigger in ("schedule", "manual") else f"the same `qol {head.trigger}`"
    advice = {
        "refused": f"`qol runs {head.run_id}` names the checks: mend the data, or {again[:-1]} --accept CHECK`",
        "failed": f"`qol runs {head.run_id}` says why; mend that, then {again}",
        "locked": f"another run was at work: wait, then {again}",
    }
    return Finding("last run", f"{head.run_id}: {head.status}", advice.get(head.status, ""))
