"""How Great Expectations is loaded."""

import subprocess
import sys

SCRIPT = """
import sys
from qol.quality.expectations import NOT_NEEDED, _expectations
_expectations()
print(*sorted(sys.modules.keys() & {*NOT_NEEDED, "great_expectations"}))
"""


def test_it_is_loaded_without_packages_that_no_check_needs_which_can_be_imported_afterwards() -> None:
    loaded = subprocess.run([sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True)
    assert loaded.stdout.split() == ["great_expectations"]
