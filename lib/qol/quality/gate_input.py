"""What the gate checks, collected from the candidates, what is published, the clock and the run's manifest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from qol.contracts.model import Contracts
from qol.quality.between_weeks import compare_weeks
from qol.quality.comparison import Comparison
from qol.quality.freshness import compare_clock
from qol.quality.partition_checks import Computed, compare_candidates, compare_old_weeks, compare_readable
from qol.quality.renamed_fields import unknown_fields
from qol.quality.row_facts import RowFacts
from qol.tables.footers import Footers, WeekFiles
from qol.tables.layout import Candidate, Published
from qol.tables.manifest import Manifest

#: Triggers of runs about old days, which are meant to change old weeks and say nothing about the freshness of today's data.
OLD_DAYS = ("backfill", "rebuild")


@dataclass(frozen=True)
class GateInput:
    """Comparisons of files, rejected and all items of the run's arrival days, and what the rows of candidates say.

    `two_ids`: users whom a new entry of the map would have given a second id.
    """

    comparisons: Sequence[Comparison]
    rejected: int
    items: int
    two_ids: int = 0
    rows: Sequence[RowFacts] = ()


def collect_gate_input(
    footers: Footers,
    contracts: Contracts,
    manifest: Manifest,
    published: Published,
    candidates: Sequence[Candidate],
    computed: Computed,
) -> GateInput:
    """The gate's input, without what the rows of candidates say."""
    now = datetime.fromisoformat(manifest.now)
    lake, weeks = footers.lake, WeekFiles(candidates, published)
    comparisons = [*compare_candidates(lake, contracts, candidates, computed, published, footers)]
    comparisons += compare_readable(footers, candidates, published)
    unknown = unknown_fields(manifest.field_issues)
    comparisons += compare_weeks(contracts, footers, weeks, candidates, unknown, now)
    if manifest.trigger not in OLD_DAYS:
        comparisons += compare_old_weeks(lake, candidates, published, now)
        comparisons += compare_clock(contracts, footers, weeks, now)
    totals = manifest.totals
    two_ids = (manifest.user_map or {}).get("new_hashes_kept", 0)
    return GateInput(comparisons, totals.get("rejected", 0), totals.get("lines", 0), two_ids)
