"""Terraform on the local cloud: the real configuration, with its state in the cloud's folder."""

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qol.errors import QolError
from qol_dev.cloud.state import PROJECT, Cloud, process_environment
from qol_dev.cloud.tools import find_terraform, terraform_arguments, terraform_environment
from qol_dev.package.build import build

#: What stands in place of the state's bucket.
_LOCAL_STATE = 'terraform {\n  backend "local" {}\n}\n'
_APPLY_SECONDS = 900
_STATE = "terraform.tfstate"
#: On a busy machine Terraform now and then sends a request twice; why, is not known. AWS knows such a request again; the
#: simulated one has made the thing by then and says so.
_SENT_TWICE = re.compile(r"already ?exists", re.IGNORECASE)
_COPIED = ("*.tf", "*.hcl", "*.asl.json", "queries", "env")


def build_package(cloud: Cloud) -> dict[str, str]:
    """What `make package` makes, in the cloud's own folder; hashes by path."""
    return build(PROJECT, package_folder(cloud))


def package_folder(cloud: Cloud) -> Path:
    """Where the package of this cloud is."""
    return cloud.folder / "dist"


def apply(cloud: Cloud) -> dict[str, Any]:
    """Apply the configuration; what its outputs say. MissingToolError when there is no Terraform."""
    _lay_out(cloud)
    _terraform(cloud, "init", "-input=false", "-upgrade=false")
    is_first = not (_folder(cloud) / _STATE).exists()
    command = ("apply", "-input=false", "-auto-approve", *_variables())
    try:
        _terraform(cloud, *command)
    except QolError as failed:
        if not (is_first and _SENT_TWICE.search(str(failed))):
            raise
        _begin_again(cloud)
        _terraform(cloud, *command)
    found = json.loads(_terraform(cloud, "output", "-json"))
    return {name: output["value"] for name, output in found.items()}


def _begin_again(cloud: Cloud) -> None:
    """Nothing is there any more, neither in the simulated AWS nor in Terraform's state."""
    reset = urllib.request.Request(f"{cloud.server('moto').url}/moto-api/reset", method="POST")  # noqa: S310 (loopback)
    urllib.request.urlopen(reset, timeout=60).close()  # noqa: S310 (loopback)
    (_folder(cloud) / _STATE).unlink(missing_ok=True)


def planned_changes(cloud: Cloud) -> list[str]:
    """What another apply would change, as `<action> <address>`; empty when nothing."""
    plan = cloud.folder / "again.tfplan"
    _terraform(cloud, "plan", "-input=false", f"-out={plan}", *_variables())
    changes = json.loads(_terraform(cloud, "show", "-json", str(plan))).get("resource_changes", [])
    return [
        f"{'+'.join(change['change']['actions'])} {change['address']}"
        for change in changes
        if change["mode"] == "managed" and change["change"]["actions"] != ["no-op"]
    ]


def _variables() -> list[str]:
    return ["-var-file=env/local.tfvars"]


def _folder(cloud: Cloud) -> Path:
    return cloud.folder / "terraform"


def _lay_out(cloud: Cloud) -> None:
    """A copy of the configuration beside what it refers to, with a state of its own, so that no checkout is touched."""
    folder = _folder(cloud)
    folder.mkdir(parents=True, exist_ok=True)
    for pattern in _COPIED:
        for source in (PROJECT / "terraform").glob(pattern):
            if source.is_dir():
                shutil.copytree(source, folder / source.name, dirs_exist_ok=True)
            else:
                shutil.copy2(source, folder / source.name)
    lock = PROJECT / "terraform" / ".terraform.lock.hcl"
    shutil.copy2(lock, folder / lock.name)
    (folder / "backend_override.tf").write_text(_LOCAL_STATE, encoding="utf-8")
    for name in ("schemas", "lib"):  # contracts, and the page
        beside = cloud.folder / name
        if not beside.exists():
            beside.symlink_to(PROJECT / name)


def _terraform(cloud: Cloud, *arguments: str) -> str:
    """Run Terraform; its output. QolError names the log of what it said when it failed."""
    command = [str(find_terraform()), f"-chdir={_folder(cloud)}", *terraform_arguments(arguments)]
    environment = terraform_environment(process_environment(cloud, TF_IN_AUTOMATION="1", TF_INPUT="0"))
    done = _run(command, environment)
    log = cloud.folder / "logs" / "terraform.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as out:
        out.write(f"$ terraform {' '.join(arguments)}\n{done.stdout if arguments[0] != 'show' else ''}{done.stderr}\n")
    if done.returncode:
        first = next((line.strip() for line in done.stderr.splitlines() if "Error:" in line), "no error named")
        raise QolError(f"terraform {arguments[0]}: failed: {first.strip('│ ')}; its log: {log}")
    return done.stdout


def _run(command: Sequence[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 (Terraform of this machine)
        [*command[:3], *(["-no-color"] if command[2] not in {"output", "show"} else []), *command[3:]],
        env=environment, capture_output=True, text=True, timeout=_APPLY_SECONDS, check=False,
    )  # fmt: skip
