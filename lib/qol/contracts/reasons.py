"""Reason codes with their meaning: why a value became null, why an item was rejected."""

from collections.abc import Mapping

from qol.contracts.fixed_tables import FIXED

ISSUE_REASONS: Mapping[str, str] = FIXED["issue_reasons"]
REJECT_REASONS: Mapping[str, str] = FIXED["reject_reasons"]
