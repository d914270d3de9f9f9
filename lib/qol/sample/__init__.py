"""A lake to try things on: seeded people, their days, and the untidy way their devices deliver them."""

from qol.sample.options import CORE, SOURCES, SampleOptions, SampleSummary
from qol.sample.write import write_sample

__all__ = ["CORE", "SOURCES", "SampleOptions", "SampleSummary", "write_sample"]
