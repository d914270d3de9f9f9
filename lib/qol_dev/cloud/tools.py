"""Find what deploying and the local cloud need, and run Terraform with the providers this machine has.

`python -m qol_dev.cloud.tools terraform <arguments>` runs Terraform; see `terraform_arguments` for what it adds.
"""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from qol.errors import QolError
from qol.run.java import java_version

PROVIDERS_SETTING = "QOL_TERRAFORM_PLUGINS"
JAVA_SETTING = "QOL_TRINO_JAVA_HOME"
#: Trino 476 refuses anything older.
TRINO_JAVA = 24
_PROVIDER = Path("registry.terraform.io", "hashicorp", "aws")
_OPT = Path("/opt")
_SHARED_PROVIDERS = Path("/usr/local/share/terraform/plugins")
_JAVAS = Path("/usr/lib/jvm")


class MissingToolError(QolError):
    """When a tool is not on this machine; the text says which, and where it was looked for."""


def find_terraform() -> Path:
    """The Terraform command. MissingToolError when it is not on the PATH."""
    return _on_path("terraform", "install Terraform 1.11 or newer")


def find_maven() -> Path:
    """The Maven command. MissingToolError when it is not on the PATH."""
    return _on_path("mvn", "install Maven 3")


def find_provider_folder() -> Path:
    """A folder that `terraform init -plugin-dir` takes the AWS provider from, without a network.

    MissingToolError without one; Terraform then asks its registry.
    """
    for folder in _provider_folders():
        if (folder / _PROVIDER).is_dir():
            return folder
    places = f"{PROVIDERS_SETTING}, ~/.terraform.d/plugins, {_SHARED_PROVIDERS}, folders of {_OPT}"
    raise MissingToolError(f"no folder with {_PROVIDER}; looked in: {places}")


def find_trino_java() -> Path:
    """A Java home that Trino runs on. MissingToolError when none is new enough."""
    for home in _java_homes():
        version = java_version(home)
        if version is not None and version >= TRINO_JAVA:
            return home
    places = f"{JAVA_SETTING}, JAVA_HOME, the PATH, JAVA_HOME_*, {_JAVAS}"
    raise MissingToolError(f"no Java {TRINO_JAVA} or newer for Trino; looked in: {places}")


def terraform_arguments(arguments: Sequence[str]) -> list[str]:
    """The arguments, where `init` also gets this machine's provider folder, if it has one and none is named."""
    is_init = any(argument == "init" for argument in arguments)
    if not is_init or any(argument.startswith("-plugin-dir") for argument in arguments):
        return list(arguments)
    try:
        return [*arguments, f"-plugin-dir={find_provider_folder()}"]
    except MissingToolError:
        return list(arguments)


def terraform_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without a TF_CLI_CONFIG_FILE that names no file, of which Terraform would complain each time."""
    config = environment.get("TF_CLI_CONFIG_FILE")
    is_stale = config is not None and not Path(config).is_file()
    return {name: value for name, value in environment.items() if not (is_stale and name == "TF_CLI_CONFIG_FILE")}


def main(arguments: Sequence[str]) -> None:
    """Become Terraform. Exit code 1 for any other tool, and when Terraform is missing."""
    if not arguments or arguments[0] != "terraform":
        sys.exit(f"tool: found {' '.join(arguments[:1]) or 'nothing'}; allowed: terraform")
    try:
        terraform = find_terraform()
    except MissingToolError as err:
        sys.exit(str(err))
    command = [str(terraform), *terraform_arguments(arguments[1:])]
    os.execve(terraform, command, terraform_environment(os.environ))  # noqa: S606 (the command is the user's own)


def _on_path(name: str, advice: str) -> Path:
    found = shutil.which(name)
    if found is None:
        raise MissingToolError(f"{name}: not on the PATH; {advice}")
    return Path(found)


def _provider_folders() -> Iterator[Path]:
    setting = os.environ.get(PROVIDERS_SETTING)
    if setting:
        yield Path(setting)
    yield Path.home() / ".terraform.d" / "plugins"
    yield _SHARED_PROVIDERS
    yield from (found.parent for found in sorted(_OPT.glob("*/registry.terraform.io")))


def _java_homes() -> Iterator[Path]:
    for setting in (JAVA_SETTING, "JAVA_HOME"):
        if os.environ.get(setting):
            yield Path(os.environ[setting])
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path).resolve().parents[1]
    # Machines of CI services have several, each in a variable such as JAVA_HOME_25_X64.
    yield from (Path(os.environ[name]) for name in sorted(os.environ) if name.startswith("JAVA_HOME_"))
    yield from sorted(_JAVAS.glob("*"))


if __name__ == "__main__":
    main(sys.argv[1:])
