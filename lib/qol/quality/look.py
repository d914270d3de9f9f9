"""All that the gate looks at, gathered from the candidates, what is published, the clock and the run's manifest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from qol.contracts.model import Contracts
from qol.lake.base import Lake
from qol.quality.between_weeks import compare_weeks
from qol.quality.facts import partition_facts
from qol.quality.freshness import compare_clock
from qol.quality.gate import GateInput
from qol.quality.new_names import unknown_fields
from qol.tables.footers import Footers, WeekFiles
from qol.tables.layout import Candidate, Published
from qol.tables.manifest import Manifest

#: Runs about old days, which say nothing of today.
OF_OLD_DAYS = ("backfill", "rebuild")


def look(
    lake: Lake,
    contracts: Contracts,
    manifest: Manifest,
    published: Published,
    candidates: list[Candidate],
    expected: Mapping[tuple[str, str], int],
) -> GateInput:
    """What the gate is given; `expected`: rows the run computed by table and date."""
    now = datetime.fromisoformat(manifest.now)
    footers, weeks = Footers(lake), WeekFiles(candidates, published)
    unknown = unknown_fields(manifest.field_issues)
    comparisons = compare_weeks(contracts, footers, weeks, candidates, unknown, now)
    if manifest.trigger not in OF_OLD_DAYS:
        comparisons += compare_clock(contracts, footers, weeks, now)
    facts = partition_facts(lake, contracts, candidates, expected, published, footers)
    totals = manifest.totals
    return GateInput(facts, candidates, totals.get("rejected", 0), totals.get("lines", 0), comparisons)
