"""Where the webhook puts what, as a module of plain values: the functions on AWS have no YAML and no contracts."""

from qol.contracts.model import Contracts
from qol.contracts.rules import SourceRules
from qol.contracts.templates import render

ROUTES = "lib/qol_lambda/garmin_routes.py"
SOURCE = "garmin"


def garmin_routes(contracts: Contracts) -> str:
    """Text of the generated module: folders by envelope key, control keys, and names of dropped fields, people, pings."""
    sources = [contract for contract in contracts.sources if contract.source == SOURCE]
    rules = contracts.source_rules.get(SOURCE) or SourceRules(source=SOURCE)
    folders = {key: contract.paths[0] for contract in sources for key in contract.envelope_keys}
    folders |= {key: f"raw/{SOURCE}/{key}" for key in rules.control_keys - rules.never_store if key not in folders}
    return render(
        "garmin_routes.py.j2",
        folders=folders,
        drop={name for contract in sources for name in contract.drop} | rules.never_store,
        user_ids={contract.person for contract in sources},
        ping=rules.ping.has if rules.ping else None,
    )
