"""Which raw object a hash stands for: the table `raw_objects`, a file of JSON lines per arrival day, for operators only."""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from datetime import date

import msgspec

from qol.contracts.columns import table_folder
from qol.identity.pseudonyms import Identities
from qol.ingest.listing import RawListing, RawObject, Skipped
from qol.lake.base import Lake, read_many

TABLE = "raw_objects"


class RawKey(msgspec.Struct):
    """The keyed hash of a raw object's key, and the key."""

    raw_object: str
    key: str


def write_raw_keys(lake: Lake, identities: Identities, listing: RawListing) -> None:
    """Write the keys of a listing, by the last folder of their place: `date=<day>`, else that of objects without a day."""
    days: defaultdict[str, list[RawKey]] = defaultdict(list)
    listed: list[RawObject | Skipped] = [*listing.objects, *listing.skipped]
    for one in listed:
        _, has_day, day = one.place.rpartition("/date=")
        days[day if has_day else "no_date"].append(RawKey(identities.object_hash(one.stored.key), one.stored.key))
    encode = msgspec.json.Encoder().encode_lines

    def write(day: str) -> None:
        lake.put(f"{table_folder(TABLE)}{day}.json", encode(days[day]))

    read_many(lake, write, days)


def listed_days(lake: Lake) -> set[date]:
    """Arrival days with objects that a run has listed; a dry run does not count."""
    days: set[date] = set()
    for stored in lake.children(table_folder(TABLE)).objects:
        with suppress(ValueError):  # the file of objects without a day
            days.add(date.fromisoformat(stored.key.rpartition("/")[2].removesuffix(".json")))
    return days


def find_raw_keys(lake: Lake, hashes: Iterable[str]) -> dict[str, str]:
    """Keys of raw objects by their hashes; those of objects that no run has listed, or that left `raw/`, are missing."""
    wanted, found = set(hashes), dict[str, str]()
    decode = msgspec.json.Decoder(RawKey).decode_lines
    for stored in reversed(lake.children(table_folder(TABLE)).objects if wanted else ()):
        found.update((one.raw_object, one.key) for one in decode(lake.read(stored.key)) if one.raw_object in wanted)
        if len(found) == len(wanted):
            break
    return found
