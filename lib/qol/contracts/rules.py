"""What holds for all records of one source: schemas/sources/<source>/_rules.yaml; optional."""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Literal

from annotated_types import Ge
from pydantic import Field

from qol.contracts.announce import Announce
from qol.contracts.collect import Collect
from qol.contracts.language import Flag, Maybe, Mistake, Model, Text, Texts, Token, Whole
from qol.contracts.wording import choices


class Ping(Model):
    """How an announcement of data differs from data."""

    has: Text
    """A key that pings have."""
    lacks: Text
    """A key that pings lack."""


class SourceRules(Model):
    """What holds for all records of one source: schemas/sources/<source>/_rules.yaml; optional."""

    source: Token
    """The vendor; the same as the folder."""
    control_keys: Texts = frozenset()
    """Envelope keys of messages that are no data: counted and handled, never quarantined."""
    unwrap: Texts = frozenset()
    """Keys of objects whose content stands for the envelope, such as `data` in {"data": {"metrics": []}}."""
    inherit: Texts = frozenset()
    """Keys of an envelope, or of an element of a `nested` list, that each of its records has unless it says otherwise; never records themselves."""
    inherit_nested: Texts = frozenset()
    """The same for keys that only an element of a `nested` list gives to its records, such as the name of a metric: beside the lists of an envelope they may name a user."""
    nested: dict[str, Text] = Field(default_factory=dict)
    """Envelope keys whose elements hold their records in a list under this key."""
    typed_values: Maybe[Literal["dynamodb"]] = None
    """dynamodb: values may be written {"N": "21.5"}, {"S": "x"}, {"BOOL": true}, {"NULL": true}."""
    never_store: Texts = frozenset()
    """Those of the control keys whose messages are of a special category: the receiver stores nothing of them, and the job never reads them."""
    people_by_day: Flag = False
    """The person is a device that belongs to different users from one day to another: only entries of the user map with `from` and `to` say to whom; a record of another day is rejected, no_person."""
    permissions: dict[Text, Texts] = Field(default_factory=dict)
    """Permissions that the source's users give and take back one by one, with the record types of each: what arrives of a type after its permission was taken back is counted, withdrawn, and never kept."""
    ping: Maybe[Ping] = None
    max_age_days: Maybe[Annotated[Whole, Ge(1)]] = None
    """A record whose day lies more days before its arrival is rejected, day_too_old, until `qol backfill --old` publishes it: for pushes, whose sender proves no more than that it knows one shared token. By default none, for sources that are fetched or exported."""
    collect: Maybe[Collect] = None
    """How `qol collect` asks the vendor for all record types of the source, but for those with `collect: false`."""
    announce: Maybe[Announce] = None
    """How the vendor's webhook announces documents to be collected."""

    def permission_of(self, record: str) -> str | None:
        """The permission that a record type needs; None for one that needs none."""
        return next((name for name, records in self.permissions.items() if record in records), None)


def permission_mistakes(permissions: Mapping[str, Collection[str]], records: Collection[str]) -> Iterator[Mistake]:
    """Names that no record type has while one has no permission, so that its withdrawal had no effect; types named twice."""
    first: dict[str, str] = {}
    named = {record for found in permissions.values() for record in found}
    without = [record for record in records if record not in named]
    for name, found in permissions.items():
        for record in sorted(found):
            if without and record not in records:
                allowed = f"a record type of the source that has no permission: {choices(without, record)}"
                yield Mistake(f"permissions.{name}", record, allowed)
            elif first.setdefault(record, name) != name:
                yield Mistake(f"permissions.{name}", record, f"a record type that {first[record]} does not have")
