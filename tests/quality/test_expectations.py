"""How Great Expectations is loaded."""

import subprocess
import sys

import pytest

from qol.quality.expectations import _loaded_when_used

SCRIPT = """
import sys
from qol.quality.expectations import LOADED_WHEN_USED, NOT_NEEDED, load
load()
print(*sorted(sys.modules.keys() & {*LOADED_WHEN_USED, *NOT_NEEDED, "great_expectations"}))
"""
DRAWING = (
    SCRIPT
    + """
from great_expectations.expectations.core import expect_column_kl_divergence_to_be_less_than as drawing
print(drawing.alt.Chart.__name__, *sorted(sys.modules.keys() & {"altair"}))
"""
)


def _printed(script: str) -> list[str]:
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return run.stdout.splitlines()


def test_it_is_loaded_without_packages_that_no_check_needs_which_can_be_imported_afterwards() -> None:
    assert _printed(SCRIPT) == ["great_expectations"]


def test_what_it_draws_with_is_loaded_when_it_draws() -> None:
    assert _printed(DRAWING) == ["great_expectations", "Chart altair"]


def test_what_stands_for_a_module_has_nothing_while_it_stands_there(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = _loaded_when_used("colorsys")
    with monkeypatch.context() as loading:
        loading.setitem(sys.modules, "colorsys", stand_in)
        assert not hasattr(stand_in, "rgb_to_hsv")
    assert stand_in.rgb_to_hsv(1.0, 1.0, 1.0) == (0.0, 0.0, 1.0)
