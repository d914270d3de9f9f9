"""Formulas of weekly columns: small functions, each registered once with what it reads, what it gives and what it says.

The contracts take their words from the registrations, the transform its expressions, `qol why` its reasons.
"""

from qol.formulas import sleep_rhythm, two_weeks, valid_days, work_and_free
from qol.formulas.registry import FORMULAS

__all__ = ["FORMULAS", "sleep_rhythm", "two_weeks", "valid_days", "work_and_free"]
