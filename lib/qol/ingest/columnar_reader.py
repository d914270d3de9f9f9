"""The columnar path: a typed decoder per contract takes clean lines; every other line goes to the record reader.

The decoder accepts only lines that the record reader would read without any issue, so both give the same rows. It refuses
unknown fields as well; a scalar unknown field that recurs is then learned: it is still counted and no longer slow.
"""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import msgspec
import polars as pl
from msgspec import UNSET

from qol.contracts.fields import Field, SampleRule
from qol.contracts.frames import normalize_negative_zero
from qol.identity.pseudonyms import keyed_hash
from qol.ingest.column_values import (
    COLUMN_TYPES,
    UNCLEAN,
    UNCLEAN_INTERVALS,
    UNCLEAN_MARKS,
    Column,
    at_path,
    coalesce,
    instants,
    received_stamps,
    reduce_column,
    text_cache,
    utc_offsets,
)
from qol.ingest.decoder_types import head_types, is_usable, reads_raw
from qol.ingest.interval_minutes import interval_minutes
from qol.ingest.items import RECEIVED_AT
from qol.ingest.local_day import DAY_SECONDS, FIRST_DAY, offset_of_field, shift_seconds, zone_offset
from qol.ingest.record_reader import MICROSECONDS, RecordReader, required_keys
from qol.ingest.sample_reduction import by_offset

#: What a decoder raises for a line it refuses; TypeError for a LongLine.
DECODE_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, TypeError)
LEARN_AFTER = 32
MAX_LEARNED = 64
#: Field types whose texts `convert` reads, once per distinct text.
CONVERTED_TEXTS = ("date", "code", "time_zone", "instant", "utc_offset")


class ColumnarReader:
    """Reads lines that are one clean bare record of a contract; made once per task and contract."""

    def __init__(self, record_reader: RecordReader, discriminator_fields: Collection[str] = ()) -> None:
        """`discriminator_fields` make a record a control message or another contract's; they are never learned."""
        self._record_reader = record_reader
        self._contract = record_reader.contract
        self._discriminators = frozenset(discriminator_fields)
        self._learned: list[str] = []
        self._missed: Counter[str] = Counter()
        self._texts = {f.name: text_cache(f) for f in self._contract.fields if f.type in CONVERTED_TEXTS}
        self._samples: dict[tuple[tuple[str, ...], bool], list[list[Any] | None]] = {}
        # Dropped and inherited names are in every struct, so a discriminator among them would pass for a record's field.
        is_safe = self._discriminators.isdisjoint((*self._contract.drop, *record_reader.inherited))
        self.usable = is_safe and is_usable(self._contract, discriminator_fields) and not record_reader.by_day
        if self.usable:
            self._build()

    def _build(self) -> None:
        self._heads = head_types(self._contract, self._learned, self._record_reader.inherited)
        names = [f"f{i}" for i in range(len(self._heads))]
        struct = msgspec.defstruct(
            "CleanLine",
            [(name, kind, default) for name, (kind, default) in zip(names, self._heads.values(), strict=True)],
            rename=dict(zip(names, self._heads, strict=True)),
            forbid_unknown_fields=True,
            gc=False,
        )
        self._decoder = msgspec.json.Decoder(struct)

    def read(self, lines: Sequence[Any], arrival_day: int) -> tuple[pl.DataFrame | None, list[int]]:
        """Rows of the clean lines (with `line`, their index), and the indexes of all other lines."""
        structs, clean, other = self._decode(lines)
        learned = [name for name, times in self._missed.items() if times >= LEARN_AFTER and self._may_learn(name)]
        if learned := learned[: MAX_LEARNED - len(self._learned)]:
            self._learned += learned
            self._build()
            return self.read(lines, arrival_day)
        if not structs:
            return None, other
        columns: dict[str, Column] = dict(
            zip(self._heads, zip(*map(msgspec.structs.astuple, structs), strict=True), strict=True)
        )
        frame = self._frame(columns, clean, arrival_day)
        unclean = frame.filter(~pl.col("ok"))["line"].to_list()
        self._count_learned(columns, set(unclean), clean)
        return frame.filter("ok").drop("ok"), sorted([*other, *unclean])

    def _decode(self, lines: Sequence[Any]) -> tuple[list[msgspec.Struct], list[int], list[int]]:
        """Structs of the lines that the decoder accepts, their indexes, and those of the other lines."""
        structs: list[msgspec.Struct] = []
        clean: list[int] = []
        other: list[int] = []
        decode = self._decoder.decode
        for place, line in enumerate(lines):
            try:
                structs.append(decode(line))
                clean.append(place)
            except DECODE_ERRORS as err:
                other.append(place)
                self._missed[str(err).partition("unknown field `")[2].removesuffix("`")] += 1
        return structs, clean, other

    def _may_learn(self, name: str) -> bool:
        """Whether a name is that of a field at the top of a record, which tells neither the contract nor an envelope."""
        never = (*self._discriminators, *self._contract.envelope_keys, *self._learned)
        return name not in never and bool(name) and "` - at" not in name

    def _count_learned(self, columns: dict[str, Column], unclean: set[int], clean: list[int]) -> None:
        for name in self._learned:
            sent = zip(clean, columns[name], columns[self._contract.person[0]], strict=True)
            ids = [vendor_id.strip() for i, v, vendor_id in sent if v is not UNSET and i not in unclean]
            if ids:
                users = self._record_reader.users
                self._record_reader.count_unknown("", name, [users[one].user_id for one in ids])

    def _frame(self, columns: dict[str, Column], clean: list[int], arrival_day: int) -> pl.DataFrame:
        contract, ok = self._contract, pl.lit(value=True)
        self._samples.clear()
        series = [pl.Series("line", clean, pl.Int64), *self._user_columns(columns)]
        for spec in contract.fields:
            if spec.type == "intervals":
                continue
            dtype = COLUMN_TYPES[spec.type]
            series.append(pl.Series(spec.name, self._values(spec, columns), dtype))
            if spec.type in UNCLEAN_MARKS or spec.samples is not None:
                ok &= pl.col(spec.name).ne_missing(pl.lit(UNCLEAN_MARKS.get(spec.type, UNCLEAN), dtype))
            if spec.type == "instant":
                ok &= _in_range(spec)
        series.append(received_stamps(columns[RECEIVED_AT]))
        frame = normalize_negative_zero(pl.DataFrame(series))
        ok &= pl.col("user_id") != ""
        ok &= pl.col("received_at").ne_missing(pl.lit(UNCLEAN))
        frame = self._with_day(frame, columns, arrival_day)
        frame = frame.with_columns([self._offsets_at(spec, frame, columns) for spec in contract.fields if spec.at])
        for spec in contract.fields:
            if spec.type == "intervals":
                frame = frame.with_columns(self._minutes(spec, frame, columns))
                ok &= pl.col(spec.name).list.len().fill_null(0) != len(UNCLEAN_INTERVALS)
        for name in required_keys(contract):
            ok &= pl.col(name).is_not_null()
        ok &= pl.col("arrival_date") <= arrival_day + 1
        ok &= pl.col("day").is_between(FIRST_DAY, pl.col("arrival_date") + 1)
        if self._record_reader.max_age is not None:
            ok &= pl.col("arrival_date") - pl.col("day") <= self._record_reader.max_age
        return frame.with_columns(ok=ok.fill_null(value=False))

    def _user_columns(self, columns: dict[str, Column]) -> list[pl.Series]:
        codes: dict[str, int] = {}
        rows = [codes.setdefault(v.strip(), len(codes)) for v in columns[self._contract.person[0]]]
        users = [self._record_reader.users[v] for v in codes]
        names = [user.user_id if v else "" for v, user in zip(codes, users, strict=True)]
        buckets = [user.bucket for user in users]
        zoned = [user.timezone is not None for user in users]
        return [
            pl.Series("user_id", names, pl.String).gather(rows),
            pl.Series("bucket", buckets, pl.Int64).gather(rows),
            pl.Series("has_zone", zoned, pl.Boolean).gather(rows),
        ]

    def _values(self, spec: Field, columns: dict[str, Column]) -> Column:
        values = self._one_path(spec, spec.paths[0], columns)
        for path in spec.paths[1:]:
            values = coalesce(values, self._one_path(spec, path, columns))
        return values

    def _one_path(self, spec: Field, path: tuple[str, ...], columns: dict[str, Column]) -> Column:
        values = at_path(path, columns)
        if spec.samples is not None:
            samples = values if reads_raw(spec) else self._valid_samples(path, spec.samples, values)
            return reduce_column(spec, spec.samples, samples)
        if spec.type == "document_id":
            return self._document_hashes(spec, values)
        texts = self._texts.get(spec.name)
        if texts is None:
            return values
        if spec.type == "instant":
            return instants(values, texts)
        if spec.type == "utc_offset":
            return utc_offsets(values, texts)
        return [None if v is None else texts[v] for v in values]

    def _valid_samples(self, path: tuple[str, ...], rule: SampleRule, values: Column) -> Column:
        """Samples without states, taken out of their maps once for all fields that read the same path."""
        key = path, rule.reduce == "last"
        in_order: Callable[[dict[str, Any]], Iterable[Any]] = by_offset if key[1] else dict.values
        if key not in self._samples:
            low = -math.inf if rule.states_low is None or rule.low is None else rule.low
            self._samples[key] = [
                None if not samples else [v for v in in_order(samples) if v >= low] for samples in values
            ]
        return self._samples[key]

    def _minutes(self, spec: Field, frame: pl.DataFrame, columns: dict[str, Column]) -> pl.Series:
        """The values of an intervals field in rows whose day is known; a mark where the value is not clean."""
        needed = ["day", "utc_offset_seconds"]
        if spec.samples is not None and spec.samples.start_field is not None:
            needed.append(spec.samples.start_field)
        rows, ids = frame.select(needed).to_dicts(), columns[self._contract.person[0]]
        minutes: list[list[int] | None] = [None] * frame.height
        for path in spec.paths:
            for place, value in enumerate(at_path(path, columns)):
                if value is None or minutes[place] is not None or UNCLEAN in rows[place].values():
                    continue
                home = self._home_zone(ids[place])
                found, issue = interval_minutes(spec, value, rows[place], home)
                minutes[place] = UNCLEAN_INTERVALS if issue else found
        return pl.Series(spec.name, minutes, pl.List(pl.Int32))

    def _document_hashes(self, spec: Field, values: Column) -> list[str | None]:
        """As `Identities.document_hash`, without work per id that is the same for all."""
        key = self._record_reader.identities.document_key
        prefix = f"{self._contract.source}:{spec.namespace or self._contract.record}:".encode()
        texts = [None if v is None else v.strip() for v in values]
        return [keyed_hash(key, prefix + text.encode()) if text else text for text in texts]

    def _with_day(self, frame: pl.DataFrame, columns: dict[str, Column], arrival_day: int) -> pl.DataFrame:
        rule = self._contract.day
        arrival = pl.coalesce(pl.col("received_at") // MICROSECONDS // DAY_SECONDS, pl.lit(arrival_day))
        start = pl.col(rule.start) if rule.start else pl.lit(None, pl.Int64)
        own = pl.col(rule.offset) if rule.offset else pl.lit(None, pl.Int64)
        provider = pl.col(rule.date) if rule.date else pl.lit(None, pl.Int64)
        if rule.utc_midnight:
            provider = pl.coalesce(provider, pl.when(start % DAY_SECONDS == 0).then(start // DAY_SECONDS))
        frame = frame.with_columns(self._meant_offsets())
        frame = frame.with_columns(arrival_date=arrival, utc_offset_seconds=self._offsets(frame, columns))
        local = (start + pl.col("utc_offset_seconds") + shift_seconds(rule)) // DAY_SECONDS
        rule_name = (
            pl.when(provider.is_not_null()).then(pl.lit("provider"))
            .when(start.is_null()).then(pl.lit("arrival"))
            .when(own.is_not_null()).then(pl.lit("offset"))
            .otherwise(pl.lit("zone"))
        )  # fmt: skip
        stamp = self._contract.source_timestamp
        return frame.with_columns(
            day=pl.coalesce(provider, local, pl.col("arrival_date")),
            day_rule=rule_name,
            source_timestamp=(pl.col(stamp) * MICROSECONDS) if stamp else pl.lit(None, pl.Int64),
        )

    def _meant_offsets(self) -> list[pl.Expr]:
        """Offsets as `RecordReader.read` stores them: zero beside a named zone is null."""
        zone = self._contract.day.zone
        named = pl.col("has_zone") | pl.col(zone).is_not_null() if zone else pl.col("has_zone")
        names = [spec.name for spec in self._contract.fields if spec.type == "utc_offset"]
        return [pl.when(~(named & (pl.col(name) == 0))).then(pl.col(name)).alias(name) for name in names]

    def _offsets(self, frame: pl.DataFrame, columns: dict[str, Column]) -> pl.Series:
        """Seconds local time is ahead of UTC, as `offset_of` gives them."""
        rule = self._contract.day
        if rule.offset is not None and (rule.start is None or frame[rule.offset].null_count() == 0):
            return frame[rule.offset]
        nothing: list[Any] = [None] * frame.height
        own, starts, zones = (
            frame[name].to_list() if name else nothing for name in (rule.offset, rule.start, rule.zone)
        )
        filled = [
            offset
            if offset is not None or start is None or start == UNCLEAN
            else zone_offset(zone or self._home_zone(vendor_user_id), start)
            for offset, start, zone, vendor_user_id in zip(
                own, starts, zones, columns[self._contract.person[0]], strict=True
            )
        ]
        return pl.Series(filled, dtype=pl.Int64)

    def _offsets_at(self, spec: Field, frame: pl.DataFrame, columns: dict[str, Column]) -> pl.Series:
        """An offset field's values, where none is written as `offset_of_field` gives them."""
        written = frame[spec.name]
        if not written.null_count():
            return written
        rule = self._contract.day
        needed = [name for name in (spec.name, *spec.at, rule.start, rule.zone, "utc_offset_seconds") if name]
        ids = columns[self._contract.person[0]]
        filled = [
            row[spec.name]
            if UNCLEAN in row.values()
            else offset_of_field(spec, rule, row, self._home_zone(vendor_user_id))
            for row, vendor_user_id in zip(
                frame.select(list(dict.fromkeys(needed))).iter_rows(named=True), ids, strict=True
            )
        ]
        return pl.Series(spec.name, filled, pl.Int64)

    def _home_zone(self, vendor_user_id: str) -> str:
        return self._record_reader.users[vendor_user_id.strip()].timezone or self._record_reader.zone


def _in_range(spec: Field) -> pl.Expr:
    """Whether an instant is null or in the field's range."""
    low, high = -(2**62) if spec.low is None else spec.low, 2**62 if spec.high is None else spec.high
    return pl.col(spec.name).is_between(low, high).fill_null(value=True)
