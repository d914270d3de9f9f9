"""A parsed line to its items: bare record, push envelope, page or array; each item with the contract it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from qol.contracts.model import Contracts, SourceContract
from qol.ingest.convert import safe_get
from qol.ingest.parse import Reason, RejectedError

RECEIVED_AT = "_received_at"
PAGE_KEY = "data"
PAGE_FURNITURE = frozenset({PAGE_KEY, "next_token", RECEIVED_AT})


@dataclass(frozen=True)
class Item:
    """One item of a line: a raw record with its contract, a control message (no contract), or a reject."""

    position: int
    raw: Any = None
    contract: SourceContract | None = None
    received_at: object = None
    reject: RejectedError | None = None


class Exploder:
    """Takes lines of one raw folder apart."""

    def __init__(self, contracts: Contracts, source: str, folder: SourceContract | None) -> None:
        self._contracts = contracts
        self._source = source
        self._folder = folder
        rules = contracts.source_rules.get(source)
        self._control_keys = rules.control_keys if rules else frozenset()
        self._ping = rules.ping if rules else None

    def items(self, document: Any) -> list[Item]:
        """The items of a parsed line, in order; a line that holds none is one control item."""
        found = [
            Item(position, raw, contract, received, reject)
            for position, (raw, contract, received, reject) in enumerate(self._explode(document, None))
        ]
        return found or [Item(0)]

    def _explode(self, node: Any, received: object) -> Iterator[tuple[Any, Any, object, RejectedError | None]]:
        if isinstance(node, list):
            for element in node:
                if isinstance(element, dict):
                    yield from self._explode(element, received)
                else:
                    yield element, None, received, _not_an_object("an element of the list")
        elif not isinstance(node, dict):
            yield node, None, received, _not_an_object("the line")
        else:
            yield from self._explode_object(node, node.get(RECEIVED_AT, received))

    def _explode_object(
        self, node: dict[str, Any], received: object
    ) -> Iterator[tuple[Any, Any, object, RejectedError | None]]:
        if self._is_page(node):
            yield from self._elements(node[PAGE_KEY], self._folder, received, None)
        elif self._is_envelope(node):
            for key, value in node.items():
                if key == RECEIVED_AT:
                    continue
                contract = self._contracts.for_envelope(self._source, key)
                known = contract is not None or key in self._control_keys
                reject = None if known else RejectedError(Reason.UNKNOWN_RECORD, "an envelope key without a contract")
                yield from self._elements(value, contract, received, reject)
        else:
            yield self._record(node, self._folder, received)

    def _elements(
        self, value: Any, contract: SourceContract | None, received: object, reject: RejectedError | None
    ) -> Iterator[tuple[Any, Any, object, RejectedError | None]]:
        for element in value if isinstance(value, list) else [value]:
            if reject is not None:
                yield element, None, received, reject
            elif isinstance(element, dict):
                yield self._record(element, contract, element.get(RECEIVED_AT, received))
            else:
                yield element, None, received, _not_an_object("an element of the envelope")

    def _record(
        self, node: dict[str, Any], contract: SourceContract | None, received: object
    ) -> tuple[Any, Any, object, RejectedError | None]:
        is_ping = self._ping is not None and self._ping[0] in node and self._ping[1] not in node
        return node, None if is_ping else self._told_apart(node, contract), received, None

    def _told_apart(self, node: dict[str, Any], contract: SourceContract | None) -> SourceContract | None:
        """Of contracts that share a place the one that takes the record."""
        for other in () if contract is None else self._contracts.sharing(contract):
            value = safe_get(node, other.only_path)
            if isinstance(value, str) and value in other.only_values:
                return other
        return contract

    def _is_page(self, node: dict[str, Any]) -> bool:
        return isinstance(node.get(PAGE_KEY), list) and node.keys() <= PAGE_FURNITURE

    def _is_envelope(self, node: dict[str, Any]) -> bool:
        keys = node.keys() - {RECEIVED_AT}
        if not keys or (self._folder is not None and safe_get(node, self._folder.person) is not None):
            return False
        if all(isinstance(node[key], list) for key in keys):
            return True
        return any(
            isinstance(node[key], list | dict)
            and (key in self._control_keys or self._contracts.for_envelope(self._source, key) is not None)
            for key in keys
        )


def _not_an_object(what: str) -> RejectedError:
    return RejectedError(Reason.NOT_AN_OBJECT, f"{what} is not a JSON object")
