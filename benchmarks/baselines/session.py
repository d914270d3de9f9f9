"""The Spark session of the baselines: two cores and 4 GiB, like the machine."""

import os
import sys
from collections.abc import Mapping

from pyspark.sql import SparkSession

from qol.run.java import find_java


def spark_session(settings: Mapping[str, str]) -> SparkSession:
    """A local session; `settings` is what a variant tunes."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ["JAVA_HOME"] = str(find_java())
    builder = SparkSession.builder.master("local[2]").config("spark.driver.memory", "4g")
    builder = builder.config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
