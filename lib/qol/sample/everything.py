"""Everything: the lines of all sources asked for."""

from __future__ import annotations

from qol.sample.deliveries import make_deliveries
from qol.sample.lines import Lines, garmin_lines
from qol.sample.world import World


def all_lines(world: World) -> dict[str, Lines]:
    """By source what arrived; a source from which nobody sent anything is not there."""
    sent = {}
    if world.options.has_garmin:
        sent["garmin"] = garmin_lines(world, make_deliveries(world))
    return {source: lines for source, lines in sent.items() if len(lines.deliveries)}
