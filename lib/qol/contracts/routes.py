"""What the webhooks know of their vendors, as modules of plain values: the functions on AWS have no YAML and no contracts."""

from qol.contracts.model import Contracts
from qol.contracts.rules import SourceRules
from qol.contracts.templates import render

ROUTES = "lib/qol/webhooks/garmin_routes.py"
ANNOUNCED = "lib/qol_lambda/announced_sources.py"
SOURCE = "garmin"


def garmin_routes(contracts: Contracts) -> str:
    """Text of the generated module: record types by envelope key, and names of dropped fields, people, pings."""
    sources = [contract for contract in contracts.sources if contract.source == SOURCE]
    rules = contracts.source_rules.get(SOURCE) or SourceRules(source=SOURCE)
    types = {key: key for key in rules.control_keys - rules.never_store}
    types |= {key: contract.record for contract in sources for key in contract.envelope_keys}
    return render(
        "garmin_routes.py.j2",
        types=types,
        drop={name for contract in sources for name in contract.drop} | rules.never_store,
        user_ids={contract.person for contract in sources},
        ping=rules.ping.has if rules.ping else None,
    )


def announced_sources(contracts: Contracts) -> str:
    """Text of the generated module: by source, how its announcements look, and the record types that are collected."""
    found = {}
    for source, rules in contracts.source_rules.items():
        if announce := rules.announce:
            collected = contracts.collected.get(source, {})
            names = {record: name for name, record in announce.types.items()}
            records = {names.get(record, record): record for record in collected}
            path = contracts.by_name[f"{source}_{announce.deletions}"].paths[0]
            found[source] = {"announce": announce, "records": records, "deletions": path}
    return render("announced_sources.py.j2", sources=found)
