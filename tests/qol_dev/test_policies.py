"""The evaluator of policies judges as AWS does: denials first, conditions by their operators, nothing by default."""

from typing import Any

import pytest

from qol_dev.policies import Context, Policies

KEY = "arn:aws:kms:r:1:key/k"
OBJECT = "arn:aws:s3:::b/raw/x"


def may(
    *statements: dict[str, Any], context: Context | None = None, of_bucket: tuple[dict[str, Any], ...] = ()
) -> bool:
    """Whether a role with these statements may put an object."""
    everywhere = {"Resource": "arn:aws:s3:::b/*"}
    found = [
        {"Effect": "Allow", "Action": "s3:PutObject", **({} if "NotResource" in s else everywhere), **s}
        for s in statements
    ]
    bucket = [{"Action": "s3:*", "Resource": "arn:aws:s3:::b/*", "Principal": "*", **s} for s in of_bucket]
    arns = {"job": "arn:aws:iam::1:role/job"}
    return Policies({"job": found}, arns, {"arn:aws:s3:::b": bucket}, {}).may("job", "s3:PutObject", OBJECT, context)


def test_what_no_statement_allows_is_denied() -> None:
    assert not may()
    assert not may({"Action": "s3:GetObject"})
    assert not may({"Resource": "arn:aws:s3:::b/processed/*"})
    assert may({"Action": ["s3:GetObject", "S3:Put*"], "Resource": ["arn:aws:s3:::b/ra?/*"]})


def test_a_denial_overrides_a_permission_wherever_it_is() -> None:
    assert not may({}, {"Effect": "Deny"})
    assert not may({}, of_bucket=({"Effect": "Deny"},))
    assert may({}, of_bucket=({"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::1:role/other"}},))


def test_a_statement_may_name_what_it_is_not_about() -> None:
    assert may({}, {"Effect": "Deny", "NotResource": "arn:aws:s3:::b/raw/*"})
    assert not may({}, {"Effect": "Deny", "NotResource": "arn:aws:s3:::b/processed/*"})


def test_a_resource_may_allow_a_role_by_name_and_leaves_the_account_to_its_own_policies() -> None:
    assert may(of_bucket=({"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::1:role/job"]}},))
    assert not may(of_bucket=({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:root"}},))
    assert not may(of_bucket=({"Effect": "Allow", "Principal": {"Service": "logs.amazonaws.com"}},))


@pytest.mark.parametrize(
    ("condition", "context", "expected"),
    [
        ({"StringEquals": {"k": ["a", "b"]}}, {"k": "b"}, True),
        ({"StringEquals": {"k": "a*"}}, {"k": "ab"}, False),
        ({"StringEquals": {"k": "a"}}, {}, False),
        ({"StringEqualsIfExists": {"k": "a"}}, {}, True),
        ({"StringEqualsIfExists": {"k": "a"}}, {"k": "b"}, False),
        ({"StringNotEquals": {"k": "a"}}, {}, True),
        ({"StringNotEquals": {"k": ["a", "b"]}}, {"k": "b"}, False),
        ({"StringLike": {"k": "a*"}}, {"k": "ab"}, True),
        ({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::1:role/j*"}}, {}, False),
        ({"ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam::1:role/other"}}, {}, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, {}, False),
        ({"Null": {"k": "false"}}, {}, False),
        ({"Null": {"k": "true"}}, {"k": "x"}, False),
        ({"ForAllValues:StringEquals": {"k": ["a", "b"]}}, {"k": ["a", "b"]}, True),
        ({"ForAllValues:StringEquals": {"k": ["a", "b"]}}, {"k": ["a", "c"]}, False),
        ({"ForAllValues:StringEquals": {"k": "a"}}, {}, True),
        ({"ForAnyValue:StringLike": {"k": "a*"}}, {"k": ["x", "ab"]}, True),
        ({"StringEquals": {"k": "a"}, "Null": {"m": "true"}}, {"k": "a", "m": "x"}, False),
    ],
)
def test_a_condition_holds_as_its_operator_says(condition: Any, context: Context, expected: bool) -> None:
    assert may({"Condition": condition}, context=context) is expected


def test_an_unknown_operator_is_an_error() -> None:
    with pytest.raises(KeyError, match="NumericLessThan"):
        may({"Condition": {"NumericLessThan": {"k": "1"}}}, context={"k": "0"})
