"""Which raw object a hash stands for: the table `raw_objects`, a file of JSON lines per arrival day, for operators only."""

from collections.abc import Container, Iterable, Sequence
from contextlib import suppress
from datetime import date

import msgspec
import polars as pl

from qol.contracts.columns import table_folder
from qol.identity.pseudonyms import Identities
from qol.ingest.listing import Skipped
from qol.lake.base import Lake, read_many

TABLE = "raw_objects"
#: The file of skipped objects whose place has no day.
NO_DATE = "no_date"


class RawKey(msgspec.Struct):
    """The keyed hash of a raw object's key, and the key."""

    raw_object: str
    key: str


def write_raw_keys(lake: Lake, identities: Identities, listed: pl.DataFrame, skipped: Sequence[Skipped]) -> None:
    """Write the keys of objects that are read (`date`, `raw_object`, `key`) and of skipped ones, a file per arrival day.

    Skipped ones go by the last folder of their place: `date=<day>`, else they are without a day.
    """
    others = {"date": [_day(one) for one in skipped], "key": [one.stored.key for one in skipped]}
    hashes = [identities.object_hash(key) for key in others["key"]]
    of_skipped = pl.DataFrame({**others, "raw_object": hashes}, dict.fromkeys([*others, "raw_object"], pl.String))
    names = ["date", "raw_object", "key"]
    keys = pl.concat([listed.select(names), of_skipped.select(names)])

    def write(day: str) -> None:
        lines = keys.filter(date=day).drop("date").write_ndjson()
        lake.put(f"{table_folder(TABLE)}{day}.json", lines.encode())

    read_many(lake, write, keys["date"].unique(maintain_order=True))


def forget_raw_keys(lake: Lake, days: Iterable[str], removed: Container[str]) -> list[str]:
    """Take the keys of removed raw objects, which may name users, out of the files of their arrival days; the files' keys."""
    changed: list[str] = []
    for place in (f"{table_folder(TABLE)}{day}.json" for day in sorted({*days, NO_DATE})):
        found = msgspec.json.Decoder(RawKey).decode_lines(lake.read(place)) if lake.stat(place) is not None else []
        left = [one for one in found if one.key not in removed]
        if len(left) < len(found):
            lake.put(place, msgspec.json.Encoder().encode_lines(left))
            changed.append(place)
    return changed


def _day(skipped: Skipped) -> str:
    _, has_day, day = skipped.place.rpartition("/date=")
    return day if has_day else NO_DATE


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
