"""What worker processes import once, before they are forked: also what Polars and Arrow would load later, in each of them."""

import holidays.countries  # noqa: F401
import numpy.ma  # noqa: F401
import pyarrow.compute  # noqa: F401

import qol.publish.assemble
import qol.run.steps  # noqa: F401
