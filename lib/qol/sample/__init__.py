"""A lake to try things on: seeded people, their days, and the untidy way their devices deliver them."""

from qol.sample.options import SampleOptions, SampleSummary
from qol.sample.write import write_sample

__all__ = ["SampleOptions", "SampleSummary", "write_sample"]
