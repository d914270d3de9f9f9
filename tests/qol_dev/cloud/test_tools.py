"""Tools are found where machines have them; what is missing is said in plain words."""

import os
from pathlib import Path

import pytest

from qol.errors import QolError
from qol_dev.cloud import maven, tools
from qol_dev.cloud.tools import MissingToolError


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nothing is installed."""
    javas = [name for name in os.environ if name.startswith("JAVA_HOME")]
    for name in ("QOL_TERRAFORM_PLUGINS", "QOL_TRINO_JAVA_HOME", "TF_CLI_CONFIG_FILE", "XDG_CACHE_HOME", *javas):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tools, "_OPT", tmp_path / "opt")
    monkeypatch.setattr(tools, "_SHARED_PROVIDERS", tmp_path / "shared")
    monkeypatch.setattr(tools, "_JAVAS", tmp_path / "jvm")


def command(path: Path, body: str = "exit 0") -> Path:
    """An executable at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def provider(folder: Path) -> Path:
    """A folder that holds the AWS provider."""
    (folder / "registry.terraform.io" / "hashicorp" / "aws" / "5.100.0").mkdir(parents=True)
    return folder


def java(home: Path, version: int) -> Path:
    """A Java home that says it has that version."""
    command(home / "bin" / "java", f"echo 'openjdk version \"{version}.0.1\"' >&2")
    return home


def test_terraform_and_maven_are_those_of_the_path(tmp_path: Path) -> None:
    for name, find in (("terraform", tools.find_terraform), ("mvn", tools.find_maven)):
        made = command(tmp_path / "bin" / name)
        assert find() == made


def test_a_missing_command_is_named_with_what_to_install() -> None:
    with pytest.raises(MissingToolError, match=r"^terraform: not on the PATH; install Terraform 1.11 or newer$"):
        tools.find_terraform()
    with pytest.raises(MissingToolError, match=r"^mvn: not on the PATH; install Maven 3$"):
        tools.find_maven()


def test_providers_are_found_in_the_setting_then_at_home_then_shared_then_below_opt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [tmp_path / "opt" / "mirror", tmp_path / "shared", tmp_path / "home" / ".terraform.d" / "plugins"]
    for folder in folders:
        provider(folder)
        assert tools.find_provider_folder() == folder
    monkeypatch.setenv("QOL_TERRAFORM_PLUGINS", str(provider(tmp_path / "own")))
    assert tools.find_provider_folder() == tmp_path / "own"


def test_a_folder_without_the_aws_provider_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "opt" / "other" / "registry.terraform.io" / "hashicorp" / "random").mkdir(parents=True)
    with pytest.raises(MissingToolError, match=r"no folder with registry.terraform.io/hashicorp/aws; looked in: QOL_"):
        tools.find_provider_folder()


def test_trino_gets_the_first_java_that_is_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java(tmp_path / "old", 17)))
    java(tmp_path / "jvm" / "java-17", 17)
    newest = java(tmp_path / "jvm" / "java-25", 25)
    assert tools.find_trino_java() == newest
    monkeypatch.setenv("QOL_TRINO_JAVA_HOME", str(java(tmp_path / "chosen", 24)))
    assert tools.find_trino_java() == tmp_path / "chosen"


def test_a_java_that_is_too_old_for_trino_is_none(tmp_path: Path) -> None:
    java(tmp_path / "jvm" / "java-23", 23)
    with pytest.raises(MissingToolError, match=r"^no Java 24 or newer for Trino; looked in: QOL_TRINO_JAVA_HOME, "):
        tools.find_trino_java()


def test_only_init_is_given_the_provider_folder(tmp_path: Path) -> None:
    folder = provider(tmp_path / "opt" / "mirror")
    assert tools.terraform_arguments(["-chdir=terraform", "init"]) == [
        "-chdir=terraform", "init", f"-plugin-dir={folder}",
    ]  # fmt: skip
    assert tools.terraform_arguments(["plan", "-out=file"]) == ["plan", "-out=file"]
    assert tools.terraform_arguments(["init", "-plugin-dir=mine"]) == ["init", "-plugin-dir=mine"]


def test_without_a_provider_folder_init_asks_the_registry() -> None:
    assert tools.terraform_arguments(["init"]) == ["init"]


def test_a_configuration_file_that_is_not_there_is_forgotten(tmp_path: Path) -> None:
    there = tmp_path / "rc"
    there.touch()
    assert tools.terraform_environment({"A": "1", "TF_CLI_CONFIG_FILE": str(tmp_path / "no")}) == {"A": "1"}
    assert tools.terraform_environment({"TF_CLI_CONFIG_FILE": str(there)}) == {"TF_CLI_CONFIG_FILE": str(there)}


def test_the_module_becomes_terraform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terraform = command(tmp_path / "bin" / "terraform")
    became: list[object] = []
    monkeypatch.setattr(os, "execve", lambda *what: became.extend(what[:2]))
    tools.main(["terraform", "validate"])
    assert became == [terraform, [str(terraform), "validate"]]


def test_another_tool_is_refused_by_name() -> None:
    with pytest.raises(SystemExit, match=r"tool: found terragrunt; allowed: terraform"):
        tools.main(["terragrunt"])
    with pytest.raises(SystemExit, match=r"tool: found nothing; allowed: terraform"):
        tools.main([])


def test_trinos_java_is_found_where_a_ci_service_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command(tmp_path / "jdk" / "bin" / "java", """echo 'openjdk version "25.0.1"' >&2""")
    monkeypatch.setenv("JAVA_HOME_25_X64", str(tmp_path / "jdk"))
    assert tools.find_trino_java() == tmp_path / "jdk"


#: Maven with a file whose checksum is wrong: an error with -C, else a warning and the file.
WRONG_CHECKSUM = """
case " $* " in *" -C "*) echo "[ERROR] Checksum validation failed"; exit 1;; esac
: > a-1.jar"""


def test_a_file_whose_checksum_is_wrong_is_not_kept(tmp_path: Path) -> None:
    command(tmp_path / "bin" / "mvn", WRONG_CHECKSUM)
    with pytest.raises(QolError, match=r"^g:a:1: not fetched by Maven: \[ERROR\] Checksum validation failed$"):
        maven.artifact("g:a:1")
    assert not list((tmp_path / "home").rglob("*.jar"))
