"""What a job logs of the versions and settings it runs with."""

from types import SimpleNamespace
from typing import Any

import pytest

from qol.glue.runtime import describe_spark


class Settings(dict[str, str]):
    """Settings of Spark and of Hadoop, as far as they are asked."""


def spark(**hadoop: str) -> Any:
    system = SimpleNamespace(getProperty=lambda _: "17.0.15")
    versions = SimpleNamespace(getVersion=lambda: "3.4.1")
    machine = SimpleNamespace(
        java=SimpleNamespace(lang=SimpleNamespace(System=system)),
        org=SimpleNamespace(apache=SimpleNamespace(hadoop=SimpleNamespace(util=SimpleNamespace(VersionInfo=versions)))),
    )
    found = Settings({name.replace("_", "."): value for name, value in hadoop.items()})
    conf = Settings({"spark.sql.sources.commitProtocolClass": "org.example.Protocol"})
    return SimpleNamespace(
        _jvm=machine, _jsc=SimpleNamespace(hadoopConfiguration=lambda: found), version="3.5.6", getConf=lambda: conf
    )


def test_spark_says_its_versions_client_committer_and_region() -> None:
    lines = list(describe_spark(spark(fs_s3_impl="S3A", fs_s3a_endpoint_region="ap-northeast-1")))
    assert lines == [
        "Spark 3.5.6, Hadoop 3.4.1, Java 17.0.15",
        "S3 client: fs.s3.impl=S3A, fs.s3a.impl=not set",
        "Committer: spark.sql.sources.commitProtocolClass=org.example.Protocol, fs.s3a.committer.name=not set",
        "S3A region: ap-northeast-1",
    ]


@pytest.mark.parametrize("hadoop", [{}, {"fs_s3a_endpoint": "s3.amazonaws.com"}])
def test_a_region_that_s3a_would_guess_is_warned_of(hadoop: dict[str, str]) -> None:
    *_, warning = describe_spark(spark(**hadoop))
    assert warning == (
        "WARNING: neither fs.s3a.endpoint.region nor fs.s3a.endpoint is set, so S3A takes us-east-2 and hangs elsewhere;"
        " set --conf spark.hadoop.fs.s3a.endpoint.region=<region of the bucket>"
    )


def test_an_endpoint_of_ones_own_is_not_shown() -> None:
    *_, said = describe_spark(spark(fs_s3a_endpoint="http://127.0.0.1:5000"))
    assert said == "S3A region: of fs.s3a.endpoint"
