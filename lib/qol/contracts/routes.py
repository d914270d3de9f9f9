"""What the webhook knows of Garmin, as a module of plain values: the functions on AWS have no YAML and no contracts."""

from qol.contracts.model import Contracts
from qol.contracts.rules import SourceRules
from qol.contracts.templates import render

ROUTES = "lib/qol/webhooks/garmin_routes.py"
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
