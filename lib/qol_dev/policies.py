"""The policies of an installation as Terraform renders them: what each role may do, and as which roles it can run code.

The evaluator knows the part of IAM's language that `terraform/` uses: policies of roles, of the bucket and of the keys,
denials first. A condition operator that it does not know is an error, so that no policy is judged by half.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_PLACE = "ap-northeast-1:123456789012"
BUCKET = "arn:aws:s3:::qol-lake-123456789012"
#: Jobs by their roles, and the prefixes from which each takes what a role may run in its place.
JOBS = {
    "job": (f"arn:aws:glue:{_PLACE}:job/qol-weekly-etl", ("artifacts", "_staging")),
    "eraser": (f"arn:aws:glue:{_PLACE}:job/qol-eraser", ("artifacts", "_erasures")),
}
STREAM = f"arn:aws:firehose:{_PLACE}:deliverystream/qol-garmin"
USER_MAP = f"arn:aws:dynamodb:{_PLACE}:table/user_id_map"
#: A table of the API's state, as are all others but that of keys, which operators manage.
STATE = f"arn:aws:dynamodb:{_PLACE}:table/qol-api-goals"
TOKENS = f"arn:aws:dynamodb:{_PLACE}:table/qol_collect_tokens"

#: Layers of the bucket: the key they are encrypted with, and an object.
OBJECTS = {
    "raw": ("identified", "raw/daily/date=2026-11-10/0.jsonl"),
    "raw, gathered": ("identified", "raw/daily/date=2026-11-10/qol-garmin-1-2026-11-10-00-00-00-0.jsonl.gz"),
    "raw, collected": ("identified", "raw/oura/daily_sleep/date=2026-11-10/0.jsonl"),
    "raw, posted": ("identified", "raw/healthkit/measurements/date=2026-11-10/u_1/0.jsonl"),
    "quarantine/bodies": ("identified", "quarantine/bodies/date=2026-11-10/0.bin"),
    "quarantine/rows": ("identified", "quarantine/rows/date=2026-11-10/part-00000.parquet"),
    "quarantine/objects": ("identified", "quarantine/objects/2026-11-10.json"),
    "quarantine/collect": ("identified", "quarantine/collect/oura.json"),
    "_staging": ("identified", "_staging/run/0"),
    "_locks": ("identified", "_locks/lake.json"),
    "_erasures": ("identified", "_erasures/0123456789abcdef0123456789abcdef.json"),
    "_erasures/requests": ("identified", "_erasures/requests/1.json"),
    "_reports": ("identified", "_reports/raw_gaps/date=2026-11-18/raw_gaps.csv"),
    "athena-results-operators": ("identified", "athena-results-operators/0.csv"),
    "processed": ("pseudonymous", "processed/weekly/date=2026-11-09/part-00000.parquet"),
    "_objects": ("pseudonymous", "_objects/date=2026-11-10/part-00000.parquet"),
    "_docs": ("pseudonymous", "_docs/index.html"),
    "_receiver": ("pseudonymous", "_receiver/erased.json"),
    "_runs": ("pseudonymous", "_runs/20261118T000500Z-0-schedule-0.json"),
    "_collects": ("pseudonymous", "_collects/20261118T000500Z-0-collect-0.json"),
    "athena-results": ("pseudonymous", "athena-results/0.csv"),
    "artifacts": ("pseudonymous", "artifacts/0/weekly_etl.py"),
}
#: Layers of the user map: attributes that one request names.
ATTRIBUTES = {
    "user map: vendor id and user id": ("garmin_user_id", "user_id"),
    "user map: vendor id and status": ("garmin_user_id", "status"),
    "user map: user id and status": ("user_id", "status"),
}
SECRETS = {
    "pseudonym key": "pseudonym_key",
    "webhook secret": "garmin_webhook",
    "client secret": "oura",
    "API secret": "api",
}
#: The stream that gathers pushes.
_STREAM_LAYER = "stream"
#: Tokens of people at the vendors that are asked.
_TOKENS_LAYER = "tokens"
#: What the API keeps beside the lake.
_STATE_LAYER = "API state"
#: Every place that holds data of users or leads to it.
LAYERS = (*OBJECTS, _STREAM_LAYER, *ATTRIBUTES, _TOKENS_LAYER, _STATE_LAYER, *SECRETS)

_AS_JOB = ("glue:StartJobRun", "glue:UpdateJob", "glue:CreateJob")
_AS_FUNCTION = ("lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration")
_AS_ROLE = ("iam:PassRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy", "sts:AssumeRole")

Statement = Mapping[str, Any]
Context = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Policies:
    """Statements and ARN of each role, statements of the bucket and the keys by ARN, ARNs of keys and secrets by name."""

    roles: Mapping[str, Sequence[Statement]]
    arns: Mapping[str, str]
    of_resources: Mapping[str, Sequence[Statement]]
    named: Mapping[str, str]

    def may(self, role: str, action: str, resource: str, context: Context | None = None) -> bool:
        """Whether a role's own request is allowed: by its policy or the resource's, and denied by neither.

        `context` has the request's condition keys, such as `kms:ViaService`, beside those that every request has.
        """
        known: dict[str, str | Sequence[str]] = {
            "aws:PrincipalArn": self.arns[role], "aws:PrincipalIsAWSService": "false", "aws:SecureTransport": "true"
        }  # fmt: skip
        known |= context or {}
        of_resource = [s for arn, found in self.of_resources.items() if resource.startswith(arn) for s in found]
        statements = [*self.roles[role], *(s for s in of_resource if _names(s["Principal"], self.arns[role]))]
        return {s["Effect"] for s in statements if _applies(s, action, resource, known)} == {"Allow"}

    def access(self, role: str, layer: str) -> list[str]:
        """What a role's own requests may do in one of `LAYERS`: `read`, `add` what was not there, `change` what was."""
        if layer in OBJECTS:
            can = self._in_the_bucket(role, *OBJECTS[layer])
        elif layer == _STREAM_LAYER:
            can = self._through_the_stream(role)
        elif layer in ATTRIBUTES:
            can = self._in_the_table(role, USER_MAP, {"dynamodb:Attributes": ATTRIBUTES[layer]})
        elif layer == _TOKENS_LAYER:
            can = self._in_the_table(role, TOKENS, {"dynamodb:LeadingKeys": ("oura",)})
        elif layer == _STATE_LAYER:
            can = self._in_the_table(role, STATE, {})
        else:
            can = self._with_the_secret(role, self.named[SECRETS[layer]])
        return [name for name, is_allowed in zip(("read", "add", "change"), can, strict=True) if is_allowed]

    def runs_code_as(self, role: str) -> set[str]:
        """Roles whose rights a role can use by code of its own: itself, and those it can start, change or feed with code."""
        reached, before = {role}, set[str]()
        while reached != before:
            before = set(reached)
            reached |= {target for target in self.roles for by in before if self._commands(by, target)}
        return reached

    def _commands(self, role: str, target: str) -> bool:
        name = self.arns[target].rpartition("/")[2]
        if any(self.may(role, action, self.arns[target]) for action in _AS_ROLE):
            return True
        if target not in JOBS:
            function = f"arn:aws:lambda:{_PLACE}:function:{name}"
            return any(self.may(role, action, function) for action in _AS_FUNCTION)
        job, layers = JOBS[target]
        can_write = any(set(self.access(role, layer)) - {"read"} for layer in layers)
        return can_write or any(self.may(role, action, job) for action in _AS_JOB)

    def _in_the_bucket(self, role: str, key: str, path: str) -> tuple[bool, bool, bool]:
        def may(*actions: str, **context: str) -> bool:
            known = {f"s3:{name.replace('_', '-')}": text for name, text in context.items()}
            return any(self.may(role, f"s3:{action}", f"{BUCKET}/{path}", known) for action in actions)

        put = {"x_amz_server_side_encryption_aws_kms_key_id": self.named[key], "ObjectCreationOperation": "true"}
        can_encrypt = self._has_key(role, "GenerateDataKey", key, "s3")
        can_read = may("GetObject", "GetObjectVersion") and self._has_key(role, "Decrypt", key, "s3")
        can_add = can_encrypt and may("PutObject", if_none_match="*", **put)
        can_change = (can_encrypt and may("PutObject", **put)) or may("DeleteObject", "DeleteObjectVersion")
        return can_read, can_add, can_change

    def _through_the_stream(self, role: str) -> tuple[bool, bool, bool]:
        """No role reads a stream's records; a role that may change its destination can redirect new ones."""
        put, lead = (
            any(self.may(role, f"firehose:{action}", STREAM) for action in actions)
            for actions in (("PutRecord", "PutRecordBatch"), ("UpdateDestination", "DeleteDeliveryStream"))
        )
        return False, put, lead

    def _in_the_table(self, role: str, table: str, asked: Mapping[str, tuple[str, ...]]) -> tuple[bool, bool, bool]:
        def may(*actions: str, **context: str) -> bool:
            known: Context = {**asked, **{f"dynamodb:{name}": text for name, text in context.items()}}
            return any(self.may(role, f"dynamodb:{action}", table, known) for action in actions)

        has_key = self._has_key(role, "Decrypt", "identified", "dynamodb")
        reads = may("Scan", "Query", "GetItem", "BatchGetItem", "PartiQLSelect", Select="SPECIFIC_ATTRIBUTES")
        writes = may("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "PartiQLUpdate", ReturnValues="NONE")
        return (
            has_key and (reads or self.may(role, "dynamodb:ExportTableToPointInTime", table)),
            has_key and writes,
            has_key and writes,
        )

    def _with_the_secret(self, role: str, secret: str) -> tuple[bool, bool, bool]:
        has_key = self._has_key(role, "Decrypt", "identified", "secretsmanager")
        can_put = has_key and self.may(role, "secretsmanager:PutSecretValue", secret)
        return has_key and self.may(role, "secretsmanager:GetSecretValue", secret), can_put, can_put

    def _has_key(self, role: str, action: str, key: str, service: str) -> bool:
        via = {"kms:ViaService": f"{service}.{_PLACE.partition(':')[0]}.amazonaws.com"}
        return self.may(role, f"kms:{action}", self.named[key], via)


def rendered(output: str) -> Policies:
    """The policies in what `terraform test -json -verbose -filter=tests/policies.tftest.hcl` prints."""
    found = resources(output)
    keys = found["aws_kms_key"]
    policies = found["aws_kms_key"] | found.get("aws_kms_key_policy", {})
    return Policies(
        roles={name: statements(values) for name, values in found["aws_iam_role_policy"].items()},
        arns={
            name: f"arn:aws:iam::123456789012:role/{values['name']}" for name, values in found["aws_iam_role"].items()
        },
        of_resources={keys[name]["arn"]: statements(policies[name]) for name in keys}
        | {BUCKET: [s for values in found["aws_s3_bucket_policy"].values() for s in statements(values)]},
        named={name: values["arn"] for name, values in (keys | found["aws_secretsmanager_secret"]).items()},
    )


def resources(output: str) -> dict[str, dict[str, Any]]:
    """Values of the resources in what `terraform test -json -verbose` prints of one run, by type, by key or name."""
    lines = (json.loads(line) for line in output.splitlines())
    [state] = [line["test_state"] for line in lines if line["type"] == "test_state"]
    found: dict[str, dict[str, Any]] = {}
    for resource in state["root_module"]["resources"]:
        found.setdefault(resource["type"], {})[resource.get("index") or resource["name"]] = resource["values"]
    return found


def statements(values: Mapping[str, Any]) -> list[Statement]:
    """The statements of a resource that has a policy."""
    found: list[Statement] = json.loads(values["policy"])["Statement"]
    return found


def _names(principal: str | Mapping[str, Any], arn: str) -> bool:
    """Whether a resource's statement is about a role; one about the account only says that roles' policies decide."""
    return principal == "*" or (isinstance(principal, Mapping) and arn in _texts(principal.get("AWS", [])))


def _applies(statement: Statement, action: str, resource: str, known: Context) -> bool:
    is_named = _is_like(resource, _texts(statement.get("Resource", statement.get("NotResource", []))))
    return (
        _is_like(action.lower(), [text.lower() for text in _texts(statement["Action"])])
        and is_named == ("Resource" in statement)
        and all(
            _holds(operator, _texts(wanted), known.get(key))
            for operator, pairs in statement.get("Condition", {}).items()
            for key, wanted in pairs.items()
        )
    )


def _holds(operator: str, wanted: list[str], found: str | Sequence[str] | None) -> bool:
    """Whether a condition holds for a key's value or values; None for a request without the key."""
    quantifier, _, rest = operator.rpartition(":")
    name = rest.removesuffix("IfExists")
    if name == "Null":
        return wanted == ["true" if found is None else "false"]
    is_negated, compare = _OPERATORS[name]
    if found is None:
        return is_negated or rest != name or quantifier == "ForAllValues"
    matches = [compare(value, wanted) != is_negated for value in _texts(found)]
    return all(matches) if quantifier != "ForAnyValue" else any(matches)


def _texts(found: str | Sequence[str]) -> list[str]:
    return [found] if isinstance(found, str) else list(found)


def _is_like(value: str, patterns: Iterable[str]) -> bool:
    return any(re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), value) for pattern in patterns)


def _is_one_of(value: str, texts: Iterable[str]) -> bool:
    return value in texts


_OPERATORS: dict[str, tuple[bool, Callable[[str, Iterable[str]], bool]]] = {
    "StringEquals": (False, _is_one_of), "StringNotEquals": (True, _is_one_of), "Bool": (False, _is_one_of),
    "StringLike": (False, _is_like), "StringNotLike": (True, _is_like), "ArnEquals": (False, _is_like),
    "ArnLike": (False, _is_like), "ArnNotEquals": (True, _is_like), "ArnNotLike": (True, _is_like),
}  # fmt: skip
