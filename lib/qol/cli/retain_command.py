"""`qol retain`: remove what the lake keeps longer than `schemas/retention.yaml` says."""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated

import typer

from qol.cli.options import LakeOption, SchemasOption, open_existing
from qol.cli.people_commands import KeyOption, MapOption
from qol.cli.show import say, table
from qol.errors import UsageError
from qol.run.request import OPTIONS, parse_now

#: Keys that a dry run lists of each place.
SHOWN = 20


def retain(
    lake: LakeOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be removed; write nothing.")] = False,
    now: Annotated[str | None, typer.Option("--now", help=OPTIONS["now"].help)] = None,
    user_map: MapOption = None,
    key_secret: KeyOption = None,
    schemas: SchemasOption = None,
) -> None:
    """Remove what the lake keeps longer than schemas/retention.yaml says; with --user-map where entries of the map expire too."""
    from qol.contracts.load import load_contracts
    from qol.people.person import open_people
    from qol.people.retain import MAP_ENTRIES, Expiry

    contracts, opened = load_contracts(schemas), open_existing(lake)
    clock = parse_now("--now", now) if now is not None else datetime.now(UTC)
    if contracts.retention.map_entries != "keep" and user_map is None:
        raise UsageError("--user-map: not given, and retention.yaml has days for map_entries; allowed: the map of runs")
    people = open_people(opened, contracts, user_map, key_secret) if user_map is not None else None
    expiry = Expiry(opened, contracts.retention, clock, people, user_map)
    found = expiry.find()
    for place, number in sorted(Counter(place for place, _ in found).items()):
        keys = [key for of, key in found if of == place]
        more = [f"and {number - SHOWN} more"] if number > SHOWN else []
        table(f"{place}: {getattr(contracts.retention, place)} days", ("object",), [(k,) for k in keys[:SHOWN] + more])
    if dry_run:
        removed = Counter(place for place, _ in found) + Counter({MAP_ENTRIES: expiry.map_entries(acts=False)})
    else:
        removed = expiry.run()
    if not removed:
        say("Nothing is older than schemas/retention.yaml allows.")
        return
    table("Would remove" if dry_run else "Removed", ("place", "number"), sorted(removed.items()))
