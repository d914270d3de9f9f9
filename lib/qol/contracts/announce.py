"""How a vendor's webhook announces documents: `announce` of the source's rules."""

from collections.abc import Collection, Iterator
from typing import Annotated

from annotated_types import Ge
from pydantic import Field

from qol.contracts.language import Mistake, Model, Text, Whole
from qol.contracts.wording import choices


class Verification(Model):
    """The request (GET) by which a vendor verifies the address before it announces anything there."""

    token: Text
    """Parameter with the token that both sides agreed on."""
    challenge: Text
    """Parameter with a text that the answer has to repeat, as `{<parameter>: <text>}`."""


class Signature(Model):
    """How an announcement is signed: HMAC-SHA256 of its time and body with the client's secret, in hex."""

    header: Text
    """Header with the signature."""
    timestamp: Text
    """Header with the time that is signed before the body: Unix time in seconds or milliseconds, or ISO 8601."""
    fresh_seconds: Annotated[Whole, Ge(1)] = 300
    """An announcement whose time is further away than that is refused."""


class Announce(Model):
    """How the vendor's webhook announces documents: a checked message has its document collected, or is stored as a deletion."""

    verify: Verification
    signature: Signature
    person: Text
    """Key of a message with the vendor's id of the person."""
    type: Text
    """Key with the record type."""
    types: dict[Text, Text] = Field(default_factory=dict)
    """Record types by the vendor's name in messages, where it differs from the endpoint's."""
    document: Text
    """Key with the document's id."""
    event: Text
    """Key that says what happened to the document."""
    deleted: Text
    """Value of `event` for a deleted document."""
    deletions: Text
    """Record type that takes messages of deletions, unchanged."""


def announce_mistakes(announce: Announce, records: Collection[str]) -> Iterator[Mistake]:
    """Record types of the rules that have no contract in the source."""
    named = {"deletions": announce.deletions} | {f"types.{name}": record for name, record in announce.types.items()}
    for place, record in named.items():
        if record not in records:
            yield Mistake(place, record, f"a record type of the source: {choices(records, record)}")
