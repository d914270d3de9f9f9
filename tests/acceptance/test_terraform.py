"""The deployment as its own tools see it: formatted, valid, as its tests say, without a finding that lacks a reason."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from qol.contracts.load import load_contracts
from qol.contracts.retention import PLACES
from qol_dev.cloud.tools import MissingToolError, find_terraform
from qol_dev.policies import BUCKET, LAYERS, USER_MAP, Policies, rendered, resources, statements
from tests.acceptance.processes import ROOT, missing

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("terraform")]
TERRAFORM = ROOT / "terraform"
CHECKOV = ROOT / ".venv-checkov" / "bin" / "checkov"
SKIP = re.compile(r"#checkov:skip=(\w+):(.*)")


def ended(command: Sequence[str | Path], data: Path, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """The command when it has ended, whatever its exit code."""
    environment = {**os.environ, "TF_DATA_DIR": str(data), "PYTHONPATH": str(ROOT / "lib"), "TF_IN_AUTOMATION": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def terraform(data: Path, *arguments: str, folder: Path = TERRAFORM) -> subprocess.CompletedProcess[str]:
    """Terraform on the deployment."""
    return ended([sys.executable, "-m", "qol_dev.cloud.tools", "terraform", f"-chdir={folder}", *arguments], data)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Terraform's own folder, with the provider in it."""
    try:
        find_terraform()
    except MissingToolError as err:
        missing(err)
    folder = tmp_path_factory.mktemp("terraform")
    made = terraform(folder, "init", "-backend=false", "-input=false", "-no-color", "-lockfile=readonly")
    if made.returncode != 0:
        missing(f"terraform init: {made.stderr.strip()[-600:]}")
    return folder


@pytest.fixture(scope="module")
def policies(data: Path) -> Policies:
    """The policies of production, as Terraform renders them."""
    printed = terraform(data, "test", "-json", "-verbose", "-filter=tests/policies.tftest.hcl")
    assert printed.returncode == 0, printed.stdout[-4000:]
    return rendered(printed.stdout)


def checkov(folder: Path, data: Path) -> subprocess.CompletedProcess[str]:
    """Checkov on a tree that has terraform/ and schemas/."""
    if not CHECKOV.is_file():
        missing("checkov: not in .venv-checkov; make terraform-check installs it")
    return ended([CHECKOV, "--config-file", "terraform/.checkov.yaml", "-o", "json"], data, folder)


def test_every_file_is_formatted(data: Path) -> None:
    found = terraform(data, "fmt", "-check", "-recursive", "-no-color")
    assert (found.returncode, found.stdout) == (0, "")


def test_the_configuration_is_valid(data: Path) -> None:
    found = terraform(data, "validate", "-json")
    assert json.loads(found.stdout)["diagnostics"] == []


def test_names_schedules_columns_and_the_actions_of_every_role_are_as_written_down(data: Path) -> None:
    found = terraform(data, "test", "-no-color")
    assert found.returncode == 0, found.stdout[-4000:]
    assert "0 failed" in found.stdout


def test_checkov_finds_nothing_that_is_not_argued(tmp_path: Path) -> None:
    found = checkov(ROOT, tmp_path)
    summary = json.loads(found.stdout)["summary"]
    assert (summary["failed"], summary["parsing_errors"]) == (0, 0), found.stdout[-4000:]
    assert summary["passed"] > 80


def test_every_skip_of_checkov_is_needed_and_has_its_reason(tmp_path: Path) -> None:
    shutil.copytree(TERRAFORM, tmp_path / "terraform", ignore=shutil.ignore_patterns(".terraform"))
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    argued: set[tuple[str, str]] = set()
    for file in sorted((tmp_path / "terraform").rglob("*.tf")):
        text = file.read_text()
        for check, reason in SKIP.findall(text):
            assert len(reason) > 30, f"{file.name}: {check} says too little"
            argued.add((check, file.name))
        file.write_text(SKIP.sub("", text))
    found = json.loads(checkov(tmp_path, tmp_path).stdout)
    fired = {(finding["check_id"], Path(finding["file_path"]).name) for finding in found["results"]["failed_checks"]}
    assert fired == argued


def test_only_the_jobs_read_raw_lines_unparsable_bodies_who_is_who_and_the_pseudonym_key(policies: Policies) -> None:
    identifying = ("raw", "quarantine/bodies", "_staging", "user map: vendor id and user id", "pseudonym key")
    readers = {layer: [role for role in policies.roles if "read" in policies.access(role, layer)] for layer in LAYERS}
    assert {reader for layer in identifying for reader in readers[layer]} == {"job", "eraser", "api"}
    assert [layer for layer in identifying if "api" in readers[layer]] == [
        "user map: vendor id and user id",
        "pseudonym key",
    ]
    assert sorted(readers["raw, posted"]) == ["api", "eraser", "job"]
    assert (readers["API state"], readers["API secret"]) == (["api"], ["api"])
    assert sorted(readers["user map: user id and status"]) == ["api", "eraser", "job", "raw_gap"]
    assert sorted(readers["quarantine/rows"]) == ["eraser", "job", "operator"]
    assert sorted(readers["quarantine/objects"]) == ["eraser", "operator"]
    assert readers["webhook secret"] == ["receiver"]
    assert (readers["tokens"], readers["client secret"]) == (
        ["collect_oura"],
        ["announcement_receiver", "collect_oura"],
    )


def test_no_role_but_the_kick_function_and_the_eraser_runs_anything_with_the_rights_of_another(
    policies: Policies,
) -> None:
    reached = {role: policies.runs_code_as(role) - {role} for role in policies.roles}
    assert {role: targets for role, targets in reached.items() if targets} == {
        "kick": {"job", "eraser"},
        "eraser": {"job"},
    }


def test_the_privacy_page_says_who_can_see_and_change_what_and_for_how_many_days(policies: Policies) -> None:
    section = (ROOT / "docs" / "privacy.md").read_text().partition("## Who can see what")[2].partition("\n## ")[0]
    cells = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]
    shown = {row[0].strip("`"): row[2:] for row in cells}
    access = {layer: {role: policies.access(role, layer) for role in policies.roles} for layer in LAYERS}
    assert shown == {
        layer: [
            ", ".join(sorted(role for role, can in roles.items() if what in can)) or "nobody"
            for what in ("read", "add", "change")
        ]
        for layer, roles in access.items()
    }
    kept = re.findall(r'prefix = "([^"]+)/", *days = (\d+)', (TERRAFORM / "lake.tf").read_text())
    retention = load_contracts().retention
    kept += [(PLACES[place][0].rstrip("/"), getattr(retention, place)) for place in ("bodies", "quarantine")]
    assert len(kept) == 5
    content = {row[0].strip("`"): row[1] for row in cells}
    assert [place for place, days in kept if f"{days} days" not in content[place]] == []


def test_operators_restore_weeks_and_put_nothing_else_among_published_files(policies: Policies) -> None:
    key = {"s3:x-amz-server-side-encryption-aws-kms-key-id": policies.named["pseudonymous"]}
    places = (
        "processed/weekly/date=2026-11-09/part-00000.parquet",
        "_objects/date=2026-11-09/part-00000.parquet",
        "processed/x.py",
        "processed/weekly/part-00001.parquet",
    )
    allowed = [place for place in places if policies.may("operator", "s3:PutObject", f"{BUCKET}/{place}", key)]
    assert allowed == list(places[:2])


def test_the_gap_check_gets_no_attribute_of_the_user_map_that_it_does_not_name(policies: Policies) -> None:
    named = {"dynamodb:Select": "SPECIFIC_ATTRIBUTES", "dynamodb:Attributes": ["user_id", "status", "registered_at"]}
    assert policies.may("raw_gap", "dynamodb:Scan", USER_MAP, named)
    for more in ({"dynamodb:Select": "ALL_ATTRIBUTES"}, {"dynamodb:Attributes": ["user_id", "garmin_user_id"]}):
        assert not policies.may("raw_gap", "dynamodb:Scan", USER_MAP, named | more)
    assert not policies.may("raw_gap", "dynamodb:Scan", USER_MAP, {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"})


def test_a_leaked_receiver_learns_no_user_id_and_gives_none(policies: Policies) -> None:
    named = {"dynamodb:ReturnValues": "NONE", "dynamodb:Attributes": ["garmin_user_id", "status", "registered_at"]}
    assert policies.may("receiver", "dynamodb:UpdateItem", USER_MAP, named)
    for more in ({"dynamodb:ReturnValues": "ALL_OLD"}, {"dynamodb:Attributes": ["garmin_user_id", "user_id"]}):
        assert not policies.may("receiver", "dynamodb:UpdateItem", USER_MAP, named | more)
    assert not policies.may("receiver", "dynamodb:PutItem", USER_MAP, named)
    assigned = {"dynamodb:Attributes": ["garmin_user_id", "user_id", "assigned_at"]}
    assert policies.may("job", "dynamodb:UpdateItem", USER_MAP, assigned)
    assert not policies.may(
        "job", "dynamodb:UpdateItem", USER_MAP, {"dynamodb:Attributes": ["garmin_user_id", "status"]}
    )
    changing = {role for role in policies.roles if "change" in policies.access(role, "user map: vendor id and user id")}
    assert changing == {"job", "eraser"}
    tombstone = {"dynamodb:LeadingKeys": ["garmin:erased-0"]}
    assert policies.may("eraser", "dynamodb:PutItem", USER_MAP, tombstone)
    assert not policies.may("eraser", "dynamodb:PutItem", USER_MAP, {"dynamodb:LeadingKeys": ["somebody"]})


def test_what_was_received_is_replaced_by_erasures_alone(policies: Policies) -> None:
    access = {
        layer: [policies.access(role, layer) for role in policies.roles if role != "eraser"]
        for layer in ("raw", "raw, collected", "quarantine/bodies")
    }
    assert {layer: [can for can in found if can not in ([], ["read"])] for layer, found in access.items()} == {
        "raw": [["add"], ["add"]], "raw, collected": [["add"], ["add"]], "quarantine/bodies": [["add"], ["add"]]
    }  # fmt: skip
    assert policies.access("eraser", "raw") == ["read", "add", "change"]
    everything = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    broad = replace(policies, roles=dict.fromkeys(policies.roles, everything))
    version = ("s3:DeleteObjectVersion", f"{BUCKET}/processed/weekly/date=2026-11-09/part-00000.parquet")
    assert [role for role in broad.roles if broad.may(role, *version)] == ["eraser"]
    part_of_an_upload = {"s3:ObjectCreationOperation": "false"}
    assert policies.may("receiver", "s3:PutObject", f"{BUCKET}/raw/daily/date=2026-11-10/0.jsonl", part_of_an_upload)


def test_a_role_that_may_decrypt_with_every_key_of_the_account_cannot_with_the_identified_one(
    policies: Policies,
) -> None:
    everything = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    arns = {**policies.arns, "administrator": "arn:aws:iam::123456789012:role/administrator"}
    broad = replace(policies, roles=dict.fromkeys(arns, everything), arns=arns)
    decrypts = {role for role in arns if broad.may(role, "kms:Decrypt", policies.named["identified"])}
    assert decrypts == {
        "job",
        "eraser",
        "receiver",
        "raw_gap",
        "operator",
        "stream",
        "collect_oura",
        "announcement_receiver",
        "api",
    }
    assert broad.may("administrator", "kms:PutKeyPolicy", policies.named["identified"])
    assert broad.access("administrator", "processed") == ["read", "add", "change"]


def test_the_role_that_plans_reads_no_data_although_it_may_read_all_settings(
    policies: Policies, tmp_path: Path
) -> None:
    folder = TERRAFORM / "bootstrap"
    assert (
        terraform(tmp_path, "init", "-backend=false", "-input=false", "-lockfile=readonly", folder=folder).returncode
        == 0
    )
    printed = terraform(tmp_path, "test", "-json", "-verbose", folder=folder)
    assert printed.returncode == 0, printed.stdout[-4000:]
    own = statements(resources(printed.stdout)["aws_iam_role_policy"]["plan"])
    read_only = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]  # more than AWS's ReadOnlyAccess, which it has
    plan = replace(
        policies, roles={"plan": [*read_only, *own]}, arns={"plan": "arn:aws:iam::123456789012:role/qol-plan-prod"}
    )
    assert [layer for layer in LAYERS if "read" in plan.access("plan", layer)] == []
    assert plan.may("plan", "s3:GetObject", "arn:aws:s3:::qol-lake-terraform-123456789012/prod/terraform.tfstate")
    assert not plan.may("plan", "s3:GetObject", "arn:aws:s3:::qol-lake-terraform-123456789012/dev/terraform.tfstate")
