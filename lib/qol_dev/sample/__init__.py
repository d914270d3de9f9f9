"""A lake to try things on: seeded people, their days, and the untidy way their devices deliver them."""

from qol_dev.sample.options import CORE, SOURCES, SampleOptions, SampleSummary
from qol_dev.sample.write import write_sample

__all__ = ["CORE", "SOURCES", "SampleOptions", "SampleSummary", "write_sample"]
