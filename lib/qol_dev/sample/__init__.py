"""A lake to try things on: made-up users, their days, and the untidy way their devices deliver them."""

from qol_dev.sample.sample_options import CORE, SOURCES, SampleOptions
from qol_dev.sample.write_sample import SampleSummary, write_sample

__all__ = ["CORE", "SOURCES", "SampleOptions", "SampleSummary", "write_sample"]
