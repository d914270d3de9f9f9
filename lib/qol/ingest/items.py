"""A parsed line to its items: bare record, push envelope, page or array; each item with the contract it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from qol.contracts.model import Contracts
from qol.contracts.raw_values import safe_get
from qol.contracts.source_model import SourceContract, SourceRules
from qol.ingest.dynamodb_json import plain_dynamodb
from qol.ingest.parse import Reason, RejectedError

RECEIVED_AT = "_received_at"
PAGE_KEY = "data"
PAGE_KEYS = frozenset({PAGE_KEY, "next_token", RECEIVED_AT})


@dataclass(frozen=True)
class Item:
    """One item of a line: a raw record with its contract, a control message (no contract), or a reject."""

    position: int
    raw: Any = None
    contract: SourceContract | None = None
    received_at: object = None
    reject: RejectedError | None = None


class _Found(NamedTuple):
    """An item that has no position yet."""

    raw: Any
    contract: SourceContract | None
    received_at: object
    reject: RejectedError | None = None


class _EnvelopeContext(NamedTuple):
    """What a record has from the envelope around it: the stamp of its receipt, and values it inherits."""

    received_at: object
    values: Mapping[str, Any]


class Exploder:
    """Takes lines of one raw folder apart."""

    def __init__(self, contracts: Contracts, source: str, folder: SourceContract | None) -> None:
        self._contracts = contracts
        self._source = source
        self._folder = folder
        self._rules = contracts.source_rules.get(source) or SourceRules(source)
        self._anywhere = contracts.anywhere(source)
        self._page_keys = PAGE_KEYS | self._rules.inherit
        self._no_records = self._rules.inherit | {RECEIVED_AT}
        self._fields = frozenset(path[0] for spec in folder.fields for path in spec.paths) if folder else frozenset()

    def items(self, document: Any) -> list[Item]:
        """The items of a parsed line, in order; a line that holds none is one control item."""
        if self._rules.typed_values == "dynamodb":
            document = plain_dynamodb(document)
        return [Item(place, *found) for place, found in enumerate(self._explode(document, None))] or [Item(0)]

    def _explode(self, node: Any, received: object) -> Iterator[_Found]:
        if isinstance(node, list):
            for element in node:
                if isinstance(element, dict):
                    yield from self._explode(element, received)
                else:
                    yield _not_an_object(element, "an element of the list", received)
        elif not isinstance(node, dict):
            yield _not_an_object(node, "the line", received)
        else:
            yield from self._explode_object(self._unwrapped(node), received)

    def _unwrapped(self, node: dict[str, Any]) -> dict[str, Any]:
        """The object with the content of its wrappers in their place."""
        keys = self._rules.unwrap
        while wrapper := next((key for key in node if key in keys and isinstance(node[key], dict)), None):
            node = {**{key: value for key, value in node.items() if key != wrapper}, **node[wrapper]}
        return node

    def _explode_object(self, node: dict[str, Any], received: object) -> Iterator[_Found]:
        above = self._inherit(node, _EnvelopeContext(received, {}))
        if self._is_page(node):
            yield from self._elements(node[PAGE_KEY], self._folder, above)
        elif self._is_envelope(node):
            for key, value in node.items():
                if key not in self._no_records:
                    yield from self._under(key, value, above)
        else:
            yield self._record(node, self._folder, _EnvelopeContext(above.received_at, {}))

    def _inherit(self, node: dict[str, Any], outer: _EnvelopeContext) -> _EnvelopeContext:
        """What the records below an object have from it and from what is around it."""
        own = {key: node[key] for key in self._rules.inherit if node.get(key) is not None}
        return _EnvelopeContext(node.get(RECEIVED_AT, outer.received_at), {**outer.values, **own})

    def _under(self, key: str, value: Any, above: _EnvelopeContext) -> Iterator[_Found]:
        """Items under a key of an envelope."""
        contract = self._contracts.for_envelope(self._source, key)
        if contract is None and key not in self._rules.control_keys:
            reject = RejectedError(Reason.UNKNOWN_RECORD, "an envelope key without a contract")
            yield from (_Found(element, None, above.received_at, reject) for element in _listed(value))
        elif key in self._rules.nested:
            for element in _listed(value):
                yield from self._nested(element, self._rules.nested[key], contract, above)
        else:
            yield from self._elements(value, contract, above)

    def _nested(
        self, node: Any, key: str, contract: SourceContract | None, above: _EnvelopeContext
    ) -> Iterator[_Found]:
        """Items of the list that an element of an envelope holds under a key."""
        if not isinstance(node, dict):
            yield _not_an_object(node, "an element of the envelope", above.received_at)
        elif key not in node:
            reject = RejectedError(Reason.UNKNOWN_RECORD, "an element of the envelope without its list of records")
            yield _Found(node, None, above.received_at, reject)
        elif node[key] is not None:
            yield from self._elements(node[key], contract, self._inherit(node, above))

    def _elements(self, value: Any, contract: SourceContract | None, above: _EnvelopeContext) -> Iterator[_Found]:
        for element in _listed(value):
            if isinstance(element, dict):
                yield self._record(element, contract, above)
            else:
                yield _not_an_object(element, "an element of the envelope", above.received_at)

    def _record(self, node: dict[str, Any], contract: SourceContract | None, above: _EnvelopeContext) -> _Found:
        handed = {key: value for key, value in above.values.items() if node.get(key) is None}
        node = {**node, **handed} if handed else node
        found = None if self._is_ignored(node) else self._contract_of(node, contract)
        return _Found(node, found, node.get(RECEIVED_AT, above.received_at))

    def _is_ignored(self, node: dict[str, Any]) -> bool:
        """Whether a record is of a kind that is never read."""
        never = self._rules.never
        return any(node.get(key) in texts for key, texts in never.items() if isinstance(node.get(key), str))

    def _contract_of(self, node: dict[str, Any], contract: SourceContract | None) -> SourceContract | None:
        """The contract that takes a record found at a place of another; None for what only announces data."""
        found = _by_discriminator(node, self._anywhere)
        if found is not None or contract is None or self._is_ping(node):
            return found
        return _by_discriminator(node, self._contracts.sharing(contract)) or contract

    def _is_ping(self, node: dict[str, Any]) -> bool:
        ping = self._rules.ping
        return ping is not None and ping[0] in node and ping[1] not in node

    def _is_page(self, node: dict[str, Any]) -> bool:
        return isinstance(node.get(PAGE_KEY), list) and node.keys() <= self._page_keys

    def _is_envelope(self, node: dict[str, Any]) -> bool:
        """Lists under any keys, or anything but plain values under a known one.

        An object that names its person is one only where records inherit that name, and not by a key its folder reads.
        """
        keys = node.keys() - self._no_records
        has_person = self._folder is not None and safe_get(node, self._folder.person) is not None
        if self._folder is not None and has_person:
            if self._folder.person[0] not in self._rules.inherit:
                return False
            keys -= self._fields
        elif keys and all(isinstance(node[key], list) for key in keys):
            return True
        return any(
            isinstance(node[key], list | dict)
            and (key in self._rules.control_keys or self._contracts.for_envelope(self._source, key) is not None)
            for key in keys
        )


def _by_discriminator(node: dict[str, Any], contracts: tuple[SourceContract, ...]) -> SourceContract | None:
    """The contract whose `only` a record fits."""
    for contract in contracts:
        value = safe_get(node, contract.only_path)
        if isinstance(value, str) and value in contract.only_values:
            return contract
    return None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _not_an_object(raw: Any, what: str, received: object) -> _Found:
    return _Found(raw, None, received, RejectedError(Reason.NOT_AN_OBJECT, f"{what} is not a JSON object"))
