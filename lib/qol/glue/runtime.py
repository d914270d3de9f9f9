"""What a job finds where it runs: versions, the S3 client, the committer and the region, as the first lines of its log."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from qol import __version__

if TYPE_CHECKING:
    from pyspark import SparkContext

_PACKAGES = ("pyspark", "pyarrow", "polars", "boto3", "great-expectations")
_COMMITTER = "spark.sql.sources.commitProtocolClass"
_REGION = "fs.s3a.endpoint.region"
_ENDPOINT = "fs.s3a.endpoint"
#: What Hadoop has without a setting; neither says which region.
_NO_ENDPOINT = {None, "", "s3.amazonaws.com"}


def describe_python() -> str:
    """Versions of Python and of the packages that decide what a run does."""
    found = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)
    return f"qol {__version__}, Python {platform.python_version()}, {found}"


def describe_spark(spark: SparkContext) -> Iterator[str]:
    """Spark's own versions, its S3 client and committer, and a warning when S3A would guess its region."""
    context: Any = spark
    machine, hadoop = context._jvm, context._jsc.hadoopConfiguration()  # noqa: SLF001 (the only way to Hadoop's settings)
    java = machine.java.lang.System.getProperty("java.version")
    yield f"Spark {context.version}, Hadoop {machine.org.apache.hadoop.util.VersionInfo.getVersion()}, Java {java}"
    clients = ", ".join(f"{key}={hadoop.get(key) or 'not set'}" for key in ("fs.s3.impl", "fs.s3a.impl"))
    yield f"S3 client: {clients}"
    committer = hadoop.get("fs.s3a.committer.name") or "not set"
    protocol = context.getConf().get(_COMMITTER) or "not set"
    yield f"Committer: {_COMMITTER}={protocol}, fs.s3a.committer.name={committer}"
    region = hadoop.get(_REGION)
    if region:
        yield f"S3A region: {region}"
    elif hadoop.get(_ENDPOINT) not in _NO_ENDPOINT:
        yield f"S3A region: of {_ENDPOINT}"
    else:
        yield (
            f"WARNING: neither {_REGION} nor {_ENDPOINT} is set, so S3A takes us-east-2 and hangs elsewhere; set"
            f" --conf spark.hadoop.{_REGION}=<region of the bucket>"
        )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
