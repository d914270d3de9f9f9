"""Names in raw records whose values say whose the record is, and records without those values."""

import re
from collections.abc import Collection, Iterable
from typing import Any

from qol.contracts.source import SourceContract

MASK = "***"
#: What stands for names that no contract has and that may say something of a user.
OTHER_NAMES = "(other)"
_SECRET = re.compile("token|secret|authorization|signature|password|mail|latitude|longitude", re.IGNORECASE)


def hidden_names(contracts: Iterable[SourceContract], contract: SourceContract | None) -> frozenset[str]:
    """Names, in one spelling, that `contract` drops or takes for ids, and those of others that it reads no value of.

    Without a contract those of all.
    """
    of_any = frozenset[str]().union(*map(_hidden, contracts))
    if contract is None:
        return of_any
    values = [field for field in contract.fields if field.type != "document_id"]
    read = {_plain(path[-1]) for field in values for path in (*field.paths, *field.units)}
    return (of_any - read) | _hidden(contract)


def is_hidden(name: str, hidden: Collection[str]) -> bool:
    """Whether values of a name are not shown: it is one of `hidden` in any spelling, or one of a secret."""
    return _plain(name) in hidden or _SECRET.search(name) is not None


def masked(node: Any, hidden: Collection[str]) -> Any:
    """A JSON document with `***` for what stands under hidden names; null and other empty values stay."""
    if isinstance(node, list):
        return [masked(element, hidden) for element in node]
    if not isinstance(node, dict):
        return node
    return {name: MASK if value and is_hidden(name, hidden) else masked(value, hidden) for name, value in node.items()}


def _hidden(contract: SourceContract) -> frozenset[str]:
    documents = [path[-1] for field in contract.fields if field.type == "document_id" for path in field.paths]
    return frozenset(map(_plain, (*contract.drop, contract.person[-1], *documents)))


def _plain(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "")
