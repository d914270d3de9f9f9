"""The parent of Spark's Python workers (`spark.python.daemon.module`): what every worker needs is imported once, here.

Spark puts its own jar on Python's path and has Python read again, before each task, the directory of every archive there:
thousands of entries, 50 ms. No module of ours is in a jar, so workers are forked without it.
"""

import os
import sys

from pyspark.daemon import manager

# As many workers as cores: one thread each is enough.
os.environ["POLARS_MAX_THREADS"] = "1"
import qol.run.preload  # noqa: F401

if __name__ == "__main__":
    sys.path[:] = [entry for entry in sys.path if not entry.endswith(".jar")]
    sys.path_importer_cache.clear()
    manager()  # type: ignore[no-untyped-call]
