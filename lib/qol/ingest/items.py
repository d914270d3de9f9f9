"""A line to its items: bare record, push envelope, page or array; each item with the contract it belongs to."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from qol.contracts.model import Contracts
from qol.contracts.raw_path import path_text
from qol.contracts.raw_values import SPACING, safe_get
from qol.contracts.rules import SourceRules
from qol.contracts.source import SourceContract
from qol.contracts.wording import choices
from qol.ingest.parse import PAGE_KEY, RECEIVED_AT, Reason, RejectedError, parse_line
from qol.ingest.spacing import spacings

PAGE_KEYS = frozenset({PAGE_KEY, "next_token", RECEIVED_AT})


class Item(NamedTuple):
    """One item of a line: a raw record with its contract, a control message (no contract), or a reject."""

    raw: Any
    contract: SourceContract | None
    received_at: object
    reject: RejectedError | None = None


class _EnvelopeContext(NamedTuple):
    """What a record has from the envelope around it: the stamp of its receipt, and values it inherits."""

    received_at: object
    values: Mapping[str, Any]


class Exploder:
    """Explodes the lines of one raw folder into items."""

    def __init__(self, contracts: Contracts, source: str, folder: SourceContract | None) -> None:
        self._contracts = contracts
        self._source = source
        self._folder = folder
        self._rules = contracts.source_rules.get(source) or SourceRules(source=source)
        self._anywhere = contracts.anywhere(source)
        self._inherited = self._rules.inherit | self._rules.inherit_nested
        self._page_keys = PAGE_KEYS | self._inherited
        self._no_records = self._inherited | {RECEIVED_AT}
        self._fields = frozenset(path[0] for spec in folder.fields for path in spec.paths) if folder else frozenset()
        # All digits of a number are kept only for sources that have decimals: it takes longer.
        self._exact = any(spec.type == "decimal" for c in contracts.sources if c.source == source for spec in c.fields)

    def items(self, line: bytes) -> Iterator[Item]:
        """The items of a line, in order, each made when it is asked for: a line of brackets has millions.

        RejectedError when the whole line is rejected: not_utf8, not_json, too_deep.
        """
        return self.explode(parse_line(line, exact=self._exact))

    def explode(self, document: Any) -> Iterator[Item]:
        """The items of the document on a line; its objects may be of a subclass, whose `copy` and `|` keep the class."""
        if self._rules.typed_values == "dynamodb":
            document = plain_dynamodb(document)
        return self._explode(document, None)

    def _explode(self, node: Any, received: object) -> Iterator[Item]:
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
            node = node.copy()
            content = node.pop(wrapper)
            node = node | content
        return node

    def _explode_object(self, node: dict[str, Any], received: object) -> Iterator[Item]:
        context = self._context(node, _EnvelopeContext(received, {}), self._rules.inherit)
        if isinstance(node.get(PAGE_KEY), list) and node.keys() <= self._page_keys:
            yield from self._elements(node[PAGE_KEY], self._folder, context)
        elif self._is_envelope(node):
            for key, value in node.items():
                if key not in self._no_records:
                    yield from self._envelope_key(key, value, context)
        else:
            yield self._record(node, self._folder, _EnvelopeContext(context.received_at, {}))

    @staticmethod
    def _context(node: dict[str, Any], outer: _EnvelopeContext, keys: frozenset[str]) -> _EnvelopeContext:
        """What the records inside an object have under these keys from it and from what is around it."""
        own = {key: node[key] for key in keys if node.get(key) is not None}
        return _EnvelopeContext(node.get(RECEIVED_AT, outer.received_at), {**outer.values, **own})

    def _envelope_key(self, key: str, value: Any, context: _EnvelopeContext) -> Iterator[Item]:
        """Items under a key of an envelope."""
        contract = self._contracts.for_envelope(self._source, key)
        if contract is None and key not in self._rules.control_keys:
            reject = RejectedError(Reason.UNKNOWN_RECORD, "an envelope key without a contract")
            yield from (Item(element, None, context.received_at, reject) for element in _as_list(value))
        elif key in self._rules.nested:
            for element in _as_list(value):
                yield from self._nested(element, self._rules.nested[key], contract, context)
        else:
            yield from self._elements(value, contract, context)

    def _nested(
        self, node: Any, key: str, contract: SourceContract | None, context: _EnvelopeContext
    ) -> Iterator[Item]:
        """Items of the list that an element of an envelope has under a key."""
        if not isinstance(node, dict):
            yield _not_an_object(node, "an element of the envelope", context.received_at)
        elif key not in node:
            reject = RejectedError(Reason.UNKNOWN_RECORD, "an element of the envelope without its list of records")
            yield Item(node, None, context.received_at, reject)
        elif node[key] is not None:
            yield from self._elements(node[key], contract, self._context(node, context, self._inherited))

    def _elements(self, value: Any, contract: SourceContract | None, context: _EnvelopeContext) -> Iterator[Item]:
        elements = _as_list(value)
        spaced = spacings(contract, elements) if contract is not None and contract.spacing is not None else {}
        for number, element in enumerate(elements):
            if isinstance(element, dict):
                yield self._record(element, contract, context, spaced.get(number))
            else:
                yield _not_an_object(element, "an element of the envelope", context.received_at)

    def _record(
        self,
        node: dict[str, Any],
        contract: SourceContract | None,
        context: _EnvelopeContext,
        spacing: int | None = None,
    ) -> Item:
        inherited = {key: value for key, value in context.values.items() if node.get(key) is None}
        node = node | inherited if inherited else node
        found = self._contract_of(node, contract)
        if found is not None and not found.allows(node):
            return Item(node, None, context.received_at)
        if found is not None and (types := self._contracts.sharing(found)) and _lacks_type(node, found):
            return Item(node, None, context.received_at, _unknown_type(types))
        if spacing is not None and found is not None and found.spacing is not None:
            node = node | {SPACING: spacing}
        return Item(node, found, node.get(RECEIVED_AT, context.received_at))

    def _contract_of(self, node: dict[str, Any], contract: SourceContract | None) -> SourceContract | None:
        """The contract of a record that stands where records of `contract` do; None for a ping."""
        found = _by_discriminator(node, self._anywhere)
        if found is not None or contract is None or self._is_ping(node):
            return found
        return _by_discriminator(node, self._contracts.sharing(contract)) or contract

    def _is_ping(self, node: dict[str, Any]) -> bool:
        ping = self._rules.ping
        return ping is not None and ping.has in node and ping.lacks not in node

    def _is_envelope(self, node: dict[str, Any]) -> bool:
        """Lists under any keys, or a list or object under a key that the source's envelopes have.

        An object that names its user is one only where records inherit that name, and not by a key its folder reads.
        """
        keys = node.keys() - self._no_records
        has_user = self._folder is not None and safe_get(node, self._folder.person) is not None
        if self._folder is not None and has_user:
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
    """The contract whose `only` a record matches."""
    for contract in contracts:
        only = contract.only
        value = safe_get(node, only.path) if only else None
        if only and isinstance(value, str) and value in only.values:
            return contract
    return None


def _lacks_type(node: dict[str, Any], contract: SourceContract) -> bool:
    """Whether a contract's `only` leaves a record out."""
    return contract.shares_places and _by_discriminator(node, (contract,)) is None


def _unknown_type(contracts: tuple[SourceContract, ...]) -> RejectedError:
    """The reject of a record whose type no contract of its place reads; its own value may be anything."""
    known: dict[str, set[str]] = {}
    for only in filter(None, (contract.only for contract in contracts)):
        known.setdefault(path_text(only.path), set()).update(only.values)
    allowed = " and ".join(f"{place} is none of {choices(sorted(values))}" for place, values in known.items())
    return RejectedError(Reason.UNKNOWN_RECORD, f"a record type without a contract: {allowed}")


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _not_an_object(raw: Any, what: str, received: object) -> Item:
    return Item(raw, None, received, RejectedError(Reason.NOT_AN_OBJECT, f"{what} is not a JSON object"))


#: Types of DynamoDB JSON's values by its type keys.
_DYNAMODB: dict[str, type | tuple[type, ...]] = {"S": str, "N": (str, int, float), "BOOL": bool, "M": dict, "L": list}


def plain_dynamodb(node: Any) -> Any:
    """DynamoDB JSON, such as `{"N": "21.5"}` or `{"M": {}}`, as plain JSON.

    Numbers stay texts, so that no digit is lost; an object that is not exactly one such value is left as it is.
    """
    if isinstance(node, list):
        return [plain_dynamodb(element) for element in node]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        [(key, value)] = node.items()
        if key == "NULL" and value is True:
            return None
        if isinstance(value, _DYNAMODB.get(key, ())):
            return plain_dynamodb(value) if key in "ML" else value
    plain = node.copy()
    plain.update((name, plain_dynamodb(value)) for name, value in node.items())
    return plain
