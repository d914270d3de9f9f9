"""Spark on the local cloud: S3A for `s3://`, as Glue has it, pointed at the simulated S3."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from qol.run.java import find_java
from qol_dev.cloud.maven import S3A_JARS, artifact
from qol_dev.cloud.state import KEYS, REGION, Cloud, process_environment

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def spark_settings(cloud: Cloud) -> dict[str, str]:
    """Spark's configuration, without the libraries of S3A."""
    s3a = {
        "endpoint": cloud.server("moto").url,
        "endpoint.region": REGION,
        "path.style.access": "true",
        "connection.ssl.enabled": "false",
        "access.key": KEYS["AWS_ACCESS_KEY_ID"],
        "secret.key": KEYS["AWS_SECRET_ACCESS_KEY"],
        "aws.credentials.provider": "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
    }
    return {
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        **{f"spark.hadoop.fs.s3a.{name}": value for name, value in s3a.items()},
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": "1g",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.session.timeZone": "UTC",
    }


def s3a_libraries() -> dict[str, str]:
    """The setting that brings S3A. MissingToolError when it is neither in the cache nor can be fetched."""
    return {"spark.jars": ",".join(str(artifact(coordinates)) for coordinates in S3A_JARS)}


def submit_arguments(settings: Mapping[str, str]) -> str:
    """What PYSPARK_SUBMIT_ARGS has to say so that a plain Python process finds Spark as a cluster would offer it."""
    words = ["--master", "local[2]"]
    for name, value in settings.items():
        words += ["--conf", f"{name}={value}"]
    return shlex.join([*words, "pyspark-shell"])


def spark_environment(cloud: Cloud, settings: Mapping[str, str], **more: str) -> dict[str, str]:
    """The environment of a process in which `SparkSession.builder.getOrCreate()` is a session of those settings."""
    return process_environment(
        cloud,
        JAVA_HOME=str(find_java()),
        PYSPARK_PYTHON=sys.executable,
        SPARK_LOCAL_IP="127.0.0.1",
        PYSPARK_SUBMIT_ARGS=submit_arguments(settings),
        **more,
    )


def open_session(cloud: Cloud) -> SparkSession:
    """A Spark session of this process that reads the local cloud. MissingToolError without the libraries of S3A.

    The JVM takes over the environment when it starts; this process gets its own back, so that nothing else it does
    goes to the local cloud.
    """
    from pyspark.sql import SparkSession

    mine = dict(os.environ)
    os.environ.update(spark_environment(cloud, spark_settings(cloud) | s3a_libraries()))
    try:
        session = SparkSession.builder.appName("qol cloud").getOrCreate()
    finally:
        os.environ.clear()
        os.environ.update(mine)
    session.sparkContext.setLogLevel("ERROR")
    return session
