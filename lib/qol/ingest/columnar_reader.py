"""The columnar path: a typed decoder per contract takes clean lines; every other line goes to the record reader.

The decoder accepts only lines that the record reader would read without any issue, so both give the same rows.
"""

from collections.abc import Collection, Sequence
from functools import reduce
from typing import Any

import polars as pl
from msgspec import UNSET

from qol.contracts.fields import Field
from qol.contracts.frames import normalize_negative_zero
from qol.contracts.raw_path import path_text
from qol.ingest.clean_lines import Block, CleanLines
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
    reduce_raw,
    text_cache,
    utc_offsets,
)
from qol.ingest.decoder_types import is_usable, map_paths
from qol.ingest.envelopes import only_whole_groups
from qol.ingest.interval_minutes import interval_minutes
from qol.ingest.local_day import DAY_SECONDS, FIRST_DAY, offset_of_field, shift_seconds, zone_offset
from qol.ingest.map_reduction import MapReducer
from qol.ingest.parse import RECEIVED_AT
from qol.ingest.record_reader import MICROSECONDS, RecordReader, required_keys

#: Field types whose texts `convert` reads, once per distinct text.
CONVERTED_TEXTS = ("date", "code", "time_zone", "instant", "utc_offset")
#: Field types whose texts are read a whole column at a time.
_TIMES = {"instant": instants, "utc_offset": utc_offsets}
#: The column of users' own time zones.
_HOME = "home zone"


class ColumnarReader:
    """Reads lines that are one clean bare record of a contract; made once per task and contract."""

    def __init__(self, record_reader: RecordReader, discriminator_fields: Collection[str] = ()) -> None:
        """`discriminator_fields` make a record a control message or another contract's; they are never learned."""
        self._record_reader = record_reader
        self._contract = contract = record_reader.contract
        self._texts = {f.name: text_cache(f) for f in contract.fields if f.type in CONVERTED_TEXTS}
        self._maps = {path: MapReducer(specs) for path, specs in map_paths(contract).items()}
        intervals = [path for spec in contract.fields if spec.type == "intervals" for path in spec.paths]
        #: Paths whose values wait until all lines are read.
        self._kept = dict.fromkeys([*self._maps, *intervals])
        self._in_maps = {spec.name for specs in map_paths(contract).values() for spec in specs}
        # Dropped and inherited names are in every struct, so a discriminator among them would pass for a record's field.
        is_safe = set(discriminator_fields).isdisjoint((*contract.drop, *record_reader.inherited))
        self.usable = is_safe and is_usable(contract, discriminator_fields) and not record_reader.by_day
        if self.usable:
            self._clean_lines = CleanLines(contract, record_reader.inherited, discriminator_fields)

    def read(
        self, lines: Sequence[Any], arrival_day: int, groups: Sequence[int] = ()
    ) -> tuple[pl.DataFrame | None, list[int]]:
        """Rows of the clean lines (with `line`, their index), and the indexes of all other lines.

        `groups` has a number for each line: a line is clean only when all lines of its number are.
        """
        frames: list[pl.DataFrame] = []
        kept: dict[tuple[str, ...], list[Any]] = {path: [] for path in self._kept}
        other: list[int] = []
        for block in self._clean_lines.blocks(lines):
            other += block.other
            if block.clean:
                frames.append(self._block_frame(block))
                for path in kept:
                    kept[path] += at_path(path, block.columns) or [None] * len(block.clean)
        if not frames:
            return None, other
        frame = self._frame(pl.concat(frames, how="diagonal"), kept, arrival_day)
        if groups:
            frame = only_whole_groups(frame, other, groups)
        ok = frame["ok"]
        unclean = frame["line"].filter(~ok).to_list()
        frame = frame.filter(ok) if unclean else frame
        self._count_learned(frame)
        return frame, sorted([*other, *unclean])

    def _count_learned(self, frame: pl.DataFrame) -> None:
        for name in self._clean_lines.learned:
            if _learned(name) in frame.columns and (users := frame.filter(_learned(name))["user_id"].to_list()):
                self._record_reader.count_unknown("", name, users)

    def _block_frame(self, block: Block) -> pl.DataFrame:
        """What needs Python's values of a block as columns; those that none of its lines has are absent."""
        columns = block.columns
        series = [pl.Series("line", block.clean, pl.Int64), *self._user_columns(columns)]
        for spec in self._contract.fields:
            series += self._series(spec, columns)
        if RECEIVED_AT in columns:
            series.append(pl.Series(RECEIVED_AT, columns[RECEIVED_AT], pl.String))
        for name in self._clean_lines.learned:
            series.append(pl.Series(_learned(name), [value is not UNSET for value in columns[name]], pl.Boolean))
        return pl.DataFrame(series)

    def _user_columns(self, columns: dict[str, Column]) -> list[pl.Series]:
        sent = list(map(str.strip, columns[self._contract.person[0]]))
        names, buckets, zones = self._record_reader.users.columns(sent)
        return [
            pl.Series("user_id", names, pl.String),
            pl.Series("bucket", buckets, pl.Int64),
            pl.Series(_HOME, zones, pl.String),
        ]

    def _series(self, spec: Field, columns: dict[str, Column]) -> list[pl.Series]:
        if spec.name in self._in_maps or spec.type == "intervals":
            return []
        found = [(path, values) for path in spec.paths if (values := at_path(path, columns)) is not None]
        if _is_time(spec):
            return [pl.Series(_text(spec, path), values, pl.String) for path, values in found]
        dtype = COLUMN_TYPES[spec.type]
        converted = [pl.Series(spec.name, self._converted(spec, values), dtype) for _, values in found]
        return [reduce(coalesce, converted)] if converted else []

    def _converted(self, spec: Field, values: Column) -> Column:
        if spec.samples is not None:
            return reduce_raw(spec, values)
        if spec.type == "document_id":
            return self._document_hashes(spec, values)
        texts = self._texts.get(spec.name)
        return values if texts is None else [None if v is None else texts[v] for v in values]

    def _document_hashes(self, spec: Field, values: Column) -> list[str | None]:
        texts = [None if v is None else v.strip() for v in values]
        identities, contract = self._record_reader.identities, self._contract
        hashes = identities.document_hashes(contract.source, spec.namespace or contract.record, filter(None, texts))
        return [next(hashes) if text else text for text in texts]

    def _frame(self, frame: pl.DataFrame, kept: dict[tuple[str, ...], list[Any]], arrival_day: int) -> pl.DataFrame:
        contract = self._contract
        frame, ok = self._with_fields(frame, kept)
        frame = normalize_negative_zero(frame)
        for spec in contract.fields:
            if spec.type in UNCLEAN_MARKS or (spec.samples is not None and spec.type != "intervals"):
                mark = pl.lit(UNCLEAN_MARKS.get(spec.type, UNCLEAN), COLUMN_TYPES[spec.type])
                ok &= pl.col(spec.name).ne_missing(mark)
            if spec.type == "instant":
                ok &= _in_range(spec)
        ok &= pl.col("user_id") != ""
        ok &= pl.col("received_at").ne_missing(pl.lit(UNCLEAN))
        frame = self._with_day(frame, arrival_day)
        frame = frame.with_columns([self._offsets_at(spec, frame) for spec in contract.fields if spec.at])
        for spec in contract.fields:
            if spec.type == "intervals":
                frame = frame.with_columns(self._minutes(spec, frame, kept))
                ok &= pl.col(spec.name).list.len().fill_null(0) != len(UNCLEAN_INTERVALS)
        for name in required_keys(contract):
            ok &= pl.col(name).is_not_null()
        ok &= pl.col("arrival_date") <= arrival_day + 1
        ok &= pl.col("day").is_between(FIRST_DAY, pl.col("arrival_date") + 1)
        if self._record_reader.max_age is not None:
            ok &= pl.col("arrival_date") - pl.col("day") <= self._record_reader.max_age
        return frame.with_columns(ok=ok.fill_null(value=False))

    def _with_fields(self, frame: pl.DataFrame, kept: dict[tuple[str, ...], list[Any]]) -> tuple[pl.DataFrame, pl.Expr]:
        """All columns but those of intervals, which need the day; and in which lines all sample maps are clean."""
        maps = {path: reducer.reduce(kept[path]) for path, reducer in self._maps.items()}
        stamps = frame[RECEIVED_AT] if RECEIVED_AT in frame.columns else [None] * frame.height
        columns: list[pl.Series | pl.Expr] = [received_stamps(stamps)]
        for spec in self._contract.fields:
            if spec.name in self._in_maps:
                columns.append(reduce(coalesce, [maps[path][0][spec.name] for path in spec.paths]).alias(spec.name))
            elif _is_time(spec):
                columns.append(self._times(spec, frame))
            elif spec.type != "intervals" and spec.name not in frame.columns:
                columns.append(pl.lit(None, COLUMN_TYPES[spec.type]).alias(spec.name))
        frame = frame.with_columns(columns)
        return frame, reduce(pl.Expr.and_, [pl.lit(clean) for _, clean in maps.values()], pl.lit(value=True))

    def _times(self, spec: Field, frame: pl.DataFrame) -> pl.Series:
        read, texts = _TIMES[spec.type], self._texts[spec.name]
        named = [name for path in spec.paths if (name := _text(spec, path)) in frame.columns]
        nothing = pl.Series([None], dtype=pl.Int64).new_from_index(0, frame.height)
        return reduce(coalesce, [read(frame[name], texts) for name in named] or [nothing]).alias(spec.name)

    def _minutes(self, spec: Field, frame: pl.DataFrame, kept: dict[tuple[str, ...], list[Any]]) -> pl.Series:
        """The values of an intervals field in rows whose day is known; a mark where the value is not clean."""
        needed = ["day", "utc_offset_seconds"]
        if spec.samples is not None and spec.samples.start_field is not None:
            needed.append(spec.samples.start_field)
        rows: Sequence[Any] = frame.select(needed).to_dicts()
        homes: Sequence[Any] = self._homes(frame)
        minutes: list[list[int] | None] = [None] * frame.height
        for path in spec.paths:
            places = [
                place
                for place, value in enumerate(kept[path])
                if value is not None and minutes[place] is None and UNCLEAN not in rows[place].values()
            ]
            values, days, zones = ([column[place] for place in places] for column in (kept[path], rows, homes))
            for place, (found, issue) in zip(places, interval_minutes(spec, values, days, zones), strict=True):
                minutes[place] = UNCLEAN_INTERVALS if issue else found
        return pl.Series(spec.name, minutes, pl.List(pl.Int32))

    def _with_day(self, frame: pl.DataFrame, arrival_day: int) -> pl.DataFrame:
        rule = self._contract.day
        arrival = pl.coalesce(pl.col("received_at") // MICROSECONDS // DAY_SECONDS, pl.lit(arrival_day))
        start = pl.col(rule.start) if rule.start else pl.lit(None, pl.Int64)
        own = pl.col(rule.offset) if rule.offset else pl.lit(None, pl.Int64)
        provider = pl.col(rule.date) if rule.date else pl.lit(None, pl.Int64)
        if rule.utc_midnight:
            provider = pl.coalesce(provider, pl.when(start % DAY_SECONDS == 0).then(start // DAY_SECONDS))
        frame = frame.with_columns(self._meant_offsets())
        frame = frame.with_columns(arrival_date=arrival, utc_offset_seconds=self._offsets(frame))
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
        named = pl.col(_HOME).is_not_null()
        named = named | pl.col(zone).is_not_null() if zone else named
        names = [spec.name for spec in self._contract.fields if spec.type == "utc_offset"]
        return [pl.when(~(named & (pl.col(name) == 0))).then(pl.col(name)).alias(name) for name in names]

    def _offsets(self, frame: pl.DataFrame) -> pl.Series:
        """Seconds local time is ahead of UTC, as `offset_of` gives them."""
        rule = self._contract.day
        if rule.offset is not None and (rule.start is None or frame[rule.offset].null_count() == 0):
            return frame[rule.offset]
        nothing: list[Any] = [None] * frame.height
        own, starts, zones = (
            frame[name].to_list() if name else nothing for name in (rule.offset, rule.start, rule.zone)
        )
        filled = [
            offset if offset is not None or start is None or start == UNCLEAN else zone_offset(zone or home, start)
            for offset, start, zone, home in zip(own, starts, zones, self._homes(frame), strict=True)
        ]
        return pl.Series(filled, dtype=pl.Int64)

    def _offsets_at(self, spec: Field, frame: pl.DataFrame) -> pl.Series:
        """An offset field's values, where none is written as `offset_of_field` gives them."""
        written = frame[spec.name]
        if not written.null_count():
            return written
        rule = self._contract.day
        needed = [name for name in (spec.name, *spec.at, rule.start, rule.zone, "utc_offset_seconds") if name]
        rows = frame.select(list(dict.fromkeys(needed))).iter_rows(named=True)
        filled = [
            row[spec.name] if UNCLEAN in row.values() else offset_of_field(spec, rule, row, home)
            for row, home in zip(rows, self._homes(frame), strict=True)
        ]
        return pl.Series(spec.name, filled, pl.Int64)

    def _homes(self, frame: pl.DataFrame) -> list[str]:
        return frame[_HOME].fill_null(self._record_reader.zone).to_list()


def _learned(name: str) -> str:
    """The column of lines that have a learned name; no field's name has a blank."""
    return f"has {name}"


def _is_time(spec: Field) -> bool:
    return spec.type in _TIMES and spec.samples is None


def _text(spec: Field, path: tuple[str, ...]) -> str:
    """The column of the texts at a path of a field of times."""
    return f"text {spec.name} {path_text(path)}"


def _in_range(spec: Field) -> pl.Expr:
    """Whether an instant is null or in the field's range."""
    low, high = -(2**62) if spec.low is None else spec.low, 2**62 if spec.high is None else spec.high
    return pl.col(spec.name).is_between(low, high).fill_null(value=True)
