"""A raw folder: its source and record type, and what reads the items of its objects."""

from qol.contracts.model import Contracts
from qol.contracts.source import SourceContract
from qol.ingest.departures import Departures
from qol.ingest.items import Exploder
from qol.ingest.results import ResultBuilder


class RawFolder:
    """What the objects of a raw folder share: made once for thousands of small ones."""

    def __init__(self, results: ResultBuilder, name: str) -> None:
        contracts = results.context.contracts
        self.source, self.record, self.contract = record_of_folder(contracts, name)
        self.departures = Departures(results, self.source)
        self.exploder = Exploder(contracts, self.source, self.contract)
        #: Whether lines are read in columns: the columnar reader cannot decide which of several contracts a line belongs to.
        self.is_columnar = (
            self.contract is not None
            and results.columnar_reader(self.contract).usable
            and not contracts.sharing(self.contract)
        )


def record_of_folder(contracts: Contracts, name: str) -> tuple[str, str, SourceContract | None]:
    """Source, record and contract of a folder of `<source>_<record>`; a folder of control messages has no contract."""
    contract = contracts.by_name.get(name)
    return (contract.source, contract.record, contract) if contract else (*_control_folder(contracts, name), None)


def _control_folder(contracts: Contracts, name: str) -> tuple[str, str]:
    """Source and record of a folder of control messages; both names may contain an underscore."""
    for source, rules in contracts.source_rules.items():
        record = name.removeprefix(f"{source}_")
        if record != name and record in rules.control_keys:
            return source, record
    source, _, record = name.partition("_")
    return source, record
