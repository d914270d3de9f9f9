"""What worker processes import once, before they are forked."""

import qol.publish.assemble
import qol.run.steps  # noqa: F401
import holidays.countries  # noqa: F401
