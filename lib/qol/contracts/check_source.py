"""Checks within one source contract: names, references, types and expressions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from qol.contracts.expressions import ExpressionError, checked_type, record_types
from qol.contracts.metric_model import DailyMetric
from qol.contracts.raw_path import path_text
from qol.contracts.reasons import ISSUE_REASONS, REJECT_REASONS
from qol.contracts.record_columns import RECORD_HEAD, RECORD_TAIL, WORKING_COLUMNS
from qol.contracts.source_model import Field, SampleRule, SourceContract
from qol.contracts.wording import choices, shown
from qol.errors import Problem

Vocabulary = Mapping[str, DailyMetric]

_TAKEN = {name for name, _, _ in (*RECORD_HEAD, *RECORD_TAIL)} | {"date", "where"} | WORKING_COLUMNS
_NUMERIC = ("integer", "number", "decimal", "epoch_seconds", "instant")
_MOMENT = ("epoch_seconds", "instant")


class SourceCheck:
    """Collects what is wrong with one contract, given the daily vocabulary (None when that is not readable)."""

    def __init__(self, contract: SourceContract, vocabulary: Vocabulary | None) -> None:
        self._contract = contract
        self._vocabulary = vocabulary
        self._problems: list[Problem] = []
        self._types = record_types(contract)
        self._sessions = contract.stages.columns if contract.stages else {}

    def problems(self) -> list[Problem]:
        """Everything that is wrong, in the order of the file."""
        self._place()
        self._references()
        for field in self._contract.fields:
            self._field(field)
        self._aliases()
        self._derived()
        self._best()
        self._daily()
        self._parts()
        self._episodes()
        self._wear()
        self._examples()
        return self._problems

    def _add(self, path: str, found: object, allowed: str) -> None:
        text = found if isinstance(found, str) else shown(found)
        self._problems.append(Problem(self._contract.file, path, text, allowed))

    def _place(self) -> None:
        _, source, name = self._contract.file.rsplit("/", 2)
        if self._contract.source != source:
            self._add("source", self._contract.source, f"the folder's name, {source}")
        if f"{self._contract.record}.yaml" != name:
            self._add("record", self._contract.record, f"the file's name, {name.removesuffix('.yaml')}")

    def _references(self) -> None:
        contract, day = self._contract, self._contract.day
        for place in ("key", "version"):
            for index, name in enumerate(getattr(contract, place)):
                self._refer(f"{place}.{index}", name, None)
                if name in contract.by_name and contract.by_name[name].type == "intervals":
                    self._add(f"{place}.{index}", name, "a field of one value")
        for field in contract.fields:
            if field.type == "intervals" and field.samples is None:
                self._add(f"fields.{field.name}.samples", None, "samples reduced to intervals")
        self._refer("day.date", day.date, ("date",))
        self._refer("day.start", day.start, _MOMENT)
        self._refer("day.offset", day.offset, ("integer", "utc_offset"))
        self._refer("day.zone", day.zone, ("time_zone",))
        if day.start is None and (day.zone is not None or day.shift_hours):
            self._add("day.start", None, "a start, which zone and shift_hours are about")
        self._refer("source_timestamp", contract.source_timestamp, _MOMENT)

    def _refer(self, path: str, name: str | None, types: tuple[str, ...] | None) -> None:
        if name is None:
            return
        fitting = [f.name for f in self._contract.fields if types is None or f.type in types]
        if name not in fitting:
            kind = f"a field of type {' or '.join(types)}" if types else "a declared field"
            self._add(path, name, f"{kind}: {choices(fitting, name)}")

    def _field(self, field: Field) -> None:
        at = f"fields.{field.name}"
        if field.name in _TAKEN:
            self._add(at, field.name, "a name that no column of every record has, and that no step works with")
        if field.low is not None and field.high is not None and field.low >= field.high:
            self._add(f"{at}.range", [field.low, field.high], "[low, high] with low < high")
        if field.type not in _NUMERIC:
            for key, value in (("sentinels", field.sentinels), ("range", field.low)):
                if value not in (None, ()):
                    self._add(f"{at}.{key}", field.type, f"{key} only for {', '.join(_NUMERIC)}")
        for key in ("uppercase", "join_words", "classes"):
            if getattr(field, key) and field.type != "code":
                self._add(f"{at}.{key}", field.type, f"{key} only for code")
        if field.namespace and field.type != "document_id":
            self._add(f"{at}.namespace", field.type, "namespace only for document_id")
        self._measure(at, field)
        self._samples(at, field)
        self._secret(at, field)

    def _measure(self, at: str, field: Field) -> None:
        """Units beside the value, and limits that depend on a code."""
        if field.units is not None and (field.type not in ("integer", "number") or field.samples):
            self._add(f"{at}.units", field.type, "units only for an integer or number that is no sample")
        if field.ranges_field is None:
            return
        before = self._contract.fields[: self._contract.fields.index(field)]
        codes = [f.name for f in before if f.type == "code"]
        if field.ranges_field not in codes:
            allowed = f"a code field declared before this one: {choices(codes, field.ranges_field)}"
            self._add(f"{at}.ranges_by.field", field.ranges_field, allowed)
        if field.type not in _NUMERIC or field.samples or field.low is not None or field.high is not None:
            self._add(f"{at}.ranges_by", field.type, f"only for {', '.join(_NUMERIC)}, without samples and range")
        for code, (low, high) in field.ranges.items():
            if low >= high:
                self._add(f"{at}.ranges_by.ranges.{code}", [low, high], "[low, high] with low < high")

    def _samples(self, at: str, field: Field) -> None:
        rule = field.samples
        if field.decimals is not None and (rule is None or field.type not in _NUMERIC):
            self._add(f"{at}.decimals", field.decimals, "decimals only for what samples are reduced to")
        if rule is None:
            return
        if rule.low is not None and rule.high is not None and rule.low >= rule.high:
            self._add(f"{at}.samples.range", [rule.low, rule.high], "[low, high] with low < high")
        if rule.within is not None and rule.within[0] > rule.within[1]:
            self._add(f"{at}.samples.within", list(rule.within), "[low, high] with low <= high")
        if rule.reduce == "intervals":
            self._intervals(at, rule)
        else:
            self._no_intervals(at, rule)
        fitting = _SAMPLE_TYPES.get(rule.reduce, ("integer", "number"))
        if field.type not in fitting:
            self._add(f"{at}.type", field.type, f"{' or '.join(fitting)} for samples reduced to {rule.reduce}")

    def _no_intervals(self, at: str, rule: SampleRule) -> None:
        if {rule.within is not None, rule.seconds_each > 0} != {rule.reduce == "minutes"}:
            self._add(f"{at}.samples", rule.reduce, "within and seconds_each with minutes, and only there")
        if rule.start or rule.end or rule.characters or rule.start_field:
            self._add(f"{at}.samples", rule.reduce, "start, end, characters and from with intervals, and only there")

    def _intervals(self, at: str, rule: SampleRule) -> None:
        of_structs = rule.start is not None and rule.end is not None
        of_text = rule.characters is not None and rule.start_field is not None and rule.seconds_each > 0
        rest = (rule.characters, rule.start_field) if of_structs else (rule.start, rule.end, *rule.keys)
        if of_structs == of_text or any(rest):
            allowed = "either start and end of structs, or characters, seconds_each and from of a text"
            self._add(f"{at}.samples", "intervals", allowed)
        if rule.of or rule.has_range or rule.states_low is not None or rule.within:
            self._add(f"{at}.samples", "intervals", "no of, range, states or within: stretches are no numbers")
        self._refer(f"{at}.samples.from", rule.start_field, _MOMENT)

    def _secret(self, at: str, field: Field) -> None:
        for path in field.paths:
            if path[0] in self._contract.drop:
                self._add(f"{at}.path", path_text(path), "a path that is not in drop")
            if path == self._contract.person and field.type != "document_id":
                self._add(f"{at}.path", path_text(path), "a path that is not the person id")

    def _aliases(self) -> None:
        """One text may give fields of several types, such as a time and its offset, but no two of one type."""
        owner: dict[tuple[tuple[str, ...], str], str] = {}
        for field in self._contract.fields:
            for path in () if field.samples else field.paths:
                first = owner.setdefault((path, field.type), field.name)
                if first != field.name:
                    self._add(f"fields.{field.name}.path", path_text(path), f"a path that {first} does not read")

    def _expression(self, path: str, sql: str, kind: str, extra: Mapping[str, pl.DataType]) -> pl.DataType | None:
        try:
            return checked_type(sql, {**self._types, **extra}, kind)
        except ExpressionError as err:
            self._add(path, err.found, err.allowed)
            return None

    def _derived(self) -> None:
        for name, sql in self._contract.derived.items():
            if name in _TAKEN or name in self._contract.by_name:
                self._add(
                    f"derived.{name}", name, "a name that no field or record column has, and that no step works with"
                )
                continue
            kind = self._expression(f"derived.{name}", sql, "a value", {})
            self._types[name] = kind or pl.Int64()

    def _best(self) -> None:
        contract = self._contract
        known = list(self._sessions) or [*contract.by_name, *contract.derived]
        numeric = [name for name in known if name in self._types and self._types[name].is_numeric()]
        for index, name in enumerate(contract.best):
            if name not in numeric:
                self._add(f"best.{index}", name, f"a number of the record: {choices(numeric, name)}")
        if contract.best and contract.episodes is not None:
            self._add("best", ", ".join(contract.best), "nothing with episodes, which tell the day's main record")

    def _daily(self) -> None:
        for name, sql in self._contract.daily.items():
            at = f"daily.{name}"
            if name == "where":
                self._expression(at, sql, "true or false", {})
            else:
                metric = self._metric(at, name)
                if metric is not None:
                    self._expression(at, sql, _METRIC_KINDS[metric.type], {})

    def _metric(self, at: str, name: str) -> DailyMetric | None:
        """The daily metric that a contract may give under this name; None when it is wrong or nothing is known."""
        if self._vocabulary is None:
            return None
        if name not in self._vocabulary:
            self._add(at, name, f"where or a daily metric: {choices(self._vocabulary, name)}")
            return None
        if self._vocabulary[name].from_metrics:
            self._add(at, name, "a metric that is not computed from other metrics")
        return self._vocabulary[name]

    def _parts(self) -> None:
        for name, part in self._contract.parts.items():
            at = f"daily.{name}"
            metric = self._metric(at, name)
            if metric is not None and metric.type == "intervals":
                self._add(f"{at}.over", part.over, "a metric that is a number, over all records of a day")
            self._expression(f"{at}.value", part.value, "a value" if part.over == "count" else "a number", {})
            if part.where is not None:
                self._expression(f"{at}.where", part.where, "true or false", {})
            if part.each is not None:
                self._expression(f"{at}.each", part.each, "a value", {})
                if part.over != "mean":
                    self._add(f"{at}.each", part.over, "each only with over: mean")

    def _episodes(self) -> None:
        episodes = self._contract.episodes
        if episodes is None:
            return
        if episodes.start not in self._sessions:
            self._refer("episodes.start", episodes.start, _MOMENT)
        numeric = [name for name, kind in self._types.items() if kind.is_numeric()]
        if episodes.end not in numeric:
            self._add("episodes.end", episodes.end, f"a numeric field or helper: {choices(numeric, episodes.end)}")
        if episodes.rank_field not in self._sessions:
            self._refer("episodes.rank.field", episodes.rank_field, ("code",))
        last = len(episodes.rank_tiers) - 1
        if episodes.unlisted_tier > last:
            self._add("episodes.rank.unlisted", episodes.unlisted_tier, f"a tier from 0 to {last}")
        given = [name for name in self._contract.daily if name != "where"]
        for place, name in (("main", episodes.main), ("rest_to", episodes.rest_to)):
            if name is not None and name not in given:
                self._add(f"episodes.{place}", name, f"a daily metric of this contract: {choices(given, name)}")

    def _wear(self) -> None:
        wear = self._contract.wear
        if wear is None:
            return
        daily = {name: pl.Float64() for name in self._contract.daily if name != "where"}
        for place in ("minutes", "at_most"):
            sql = getattr(wear, place)
            if sql is not None:
                self._expression(f"wear.{place}", sql, "a number", daily)

    def _examples(self) -> None:
        seen: set[str] = set()
        for index, example in enumerate(self._contract.examples):
            at = f"examples.{index}"
            if example.name in seen:
                self._add(f"{at}.name", example.name, "a name that no other example has")
            seen.add(example.name)
            if (example.expect is None) == (example.reject is None):
                self._add(at, example.name, "either expect or reject")
            if example.reject is not None and example.reject not in REJECT_REASONS:
                self._add(f"{at}.reject", example.reject, choices(REJECT_REASONS))
            for path, found, allowed in _verdict_problems(at, example.expect or {}, example.nulled, self._columns()):
                self._add(path, found, allowed)

    def _columns(self) -> list[str]:
        return [name for name, _, _ in (*RECORD_HEAD, *RECORD_TAIL)] + [f.name for f in self._contract.fields]


_METRIC_KINDS = {"integer": "a whole number", "number": "a number", "intervals": "intervals"}
_SAMPLE_TYPES: Mapping[str, tuple[str, ...]] = {
    "count": ("integer",), "mean": ("number",), "minutes": ("number",), "intervals": ("intervals",)
}  # fmt: skip


def _verdict_problems(
    at: str, expect: Mapping[str, object], nulled: tuple[str, ...], columns: list[str]
) -> Iterator[tuple[str, str, str]]:
    for name in expect:
        if name not in columns:
            yield f"{at}.expect.{name}", name, f"a column of the record: {choices(columns, name)}"
    for index, issue in enumerate(nulled):
        if issue.rpartition(" ")[2] not in ISSUE_REASONS:
            yield f"{at}.nulled.{index}", issue, f"a text that ends in one of {choices(ISSUE_REASONS)}"
