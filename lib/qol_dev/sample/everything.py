"""Everything: the lines of all sources asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qol_dev.sample import healthkit, oura, sensors, surveys
from qol_dev.sample.channels import Channel
from qol_dev.sample.deliveries import make_deliveries
from qol_dev.sample.lines import Lines, garmin_lines, plain_lines
from qol_dev.sample.syncs import Deliveries
from qol_dev.sample.world import World

#: By source: a number for its chance, its channels, and what decides when what arrives.
_OTHERS: dict[str, tuple[int, Mapping[int, Channel], Callable[[World], Deliveries]]] = {
    "oura": (1, oura.CHANNELS, oura.make_deliveries),
    "healthkit": (2, healthkit.CHANNELS, healthkit.make_deliveries),
    "sensor": (3, sensors.CHANNELS, sensors.make_deliveries),
    "survey": (4, surveys.CHANNELS, surveys.make_deliveries),
}


def all_lines(world: World) -> dict[str, Lines]:
    """By source what arrived; a source from which nobody sent anything is not there."""
    sent = {}
    if world.options.has_garmin:
        sent["garmin"] = garmin_lines(world, make_deliveries(world))
    for source, (number, channels, deliver) in _OTHERS.items():
        if source in world.options.sources:
            sent[source] = plain_lines(world, number, channels, deliver(world))
    return {source: lines for source, lines in sent.items() if len(lines.deliveries)}
