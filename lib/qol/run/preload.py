"""What worker processes import once, before they are forked."""

import holidays.countries  # noqa: F401

import qol.publish.assemble
import qol.run.steps  # noqa: F401
