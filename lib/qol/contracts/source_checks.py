"""Checks within one source contract: places, names, expressions; what fields and references say is checked with them."""

from collections.abc import Iterator, Mapping

from qol.contracts.code_words import plain_code
from qol.contracts.daily import DailyMetric
from qol.contracts.expressions import ColumnTypes, record_types
from qol.contracts.fields import Field
from qol.contracts.language import Mistake
from qol.contracts.ranges_by import RangesBy
from qol.contracts.raw_path import path_text
from qol.contracts.record_columns import RECORD_COLUMNS, TAKEN
from qol.contracts.references import reference_mistakes
from qol.contracts.source import Part, SourceContract
from qol.contracts.wording import choices

Vocabulary = Mapping[str, DailyMetric]

_METRIC_KINDS = {"integer": "a whole number", "number": "a number", "intervals": "intervals"}


def source_mistakes(contract: SourceContract, vocabulary: Vocabulary) -> Iterator[Mistake]:
    """Everything that is wrong within a contract; the vocabulary is empty where it cannot be read."""
    types = record_types(contract)
    yield from _place(contract)
    yield from _fields(contract)
    yield from _aliases(contract)
    yield from _helpers(contract, types)
    yield from reference_mistakes(contract, types)
    yield from _names_of_computed(contract)
    yield from _daily(contract, vocabulary, types)
    if contract.split is not None and contract.split.where is not None:
        yield from types.mistakes("split.where", contract.split.where, "true or false")
    yield from _wear(contract, types)
    yield from _words_together(contract)
    yield from _examples(contract, vocabulary)


def _place(contract: SourceContract) -> Iterator[Mistake]:
    _, source, name = contract.file.rsplit("/", 2)
    if contract.source != source:
        yield Mistake("source", contract.source, f"the folder's name, {source}")
    if f"{contract.record}.yaml" != name:
        yield Mistake("record", contract.record, f"the file's name, {name.removesuffix('.yaml')}")


def _fields(contract: SourceContract) -> Iterator[Mistake]:
    before: dict[str, Field] = {}
    for field in contract.fields:
        at = f"fields.{field.name}"
        yield from (mistake.below(at) for mistake in field.mistakes())
        if field.join_words and not (field.known or field.staged):
            allowed = "with known, or for the stage of stages: words could be what a person typed"
            yield Mistake(f"{at}.join_words", field.join_words, allowed)
        if field.of_other is not None:
            yield from (mistake.below(at) for mistake in _code_before("of_other", field.of_other, before))
        if field.ranges_by is not None:
            yield from (mistake.below(f"{at}.ranges_by") for mistake in _ranges(field.ranges_by, before))
        before[field.name] = field
        for path in field.paths:
            if path[0] in contract.drop:
                yield Mistake(f"{at}.path", path_text(path), "a path that is not in drop")
            if path == contract.person and field.type != "document_id":
                yield Mistake(f"{at}.path", path_text(path), "a path that is not the person id")


def _ranges(rule: RangesBy, before: Mapping[str, Field]) -> Iterator[Mistake]:
    """Fields that ranges read, which have to be declared before, and rates of codes without a range."""
    yield from _code_before("field", rule.field, before)
    if rule.per_minute is None:
        return
    for word, name in (("start", rule.per_minute.start), ("end", rule.per_minute.end)):
        if name not in before:
            yield Mistake(f"per_minute.{word}", name, f"a field declared before this one: {choices(before, name)}")
    for code in rule.per_minute.highest.keys() - rule.ranges.keys():
        yield Mistake("per_minute.highest", code, f"a code of ranges: {choices(rule.ranges, code)}")


def _code_before(word: str, name: str, before: Mapping[str, Field]) -> Iterator[Mistake]:
    codes = [field.name for field in before.values() if field.type == "code"]
    if name not in codes:
        yield Mistake(word, name, f"a code field declared before this one: {choices(codes, name)}")


def _aliases(contract: SourceContract) -> Iterator[Mistake]:
    """One text may give fields of several types, such as a time and its offset, but no two of one type."""
    owner: dict[tuple[tuple[str, ...], str], str] = {}
    for field in contract.fields:
        for path in () if field.samples else field.paths:
            first = owner.setdefault((path, field.type), field.name)
            if first != field.name:
                yield Mistake(f"fields.{field.name}.path", path_text(path), f"a path that {first} does not read")


def _helpers(contract: SourceContract, types: ColumnTypes) -> Iterator[Mistake]:
    """Helpers in their order; each is a column for the next. Ranges are checked where all are expressions."""
    mistakes: list[Mistake] = []
    for name, helper in contract.helpers.items():
        if name in TAKEN or name in contract.by_name:
            allowed = "a name that no field or record column has, and that no step works with"
            mistakes.append(Mistake(f"derived.{name}", name, allowed))
        else:
            mistakes += types.add(f"derived.{name}", name, helper.value)
    yield from mistakes or _helper_ranges(contract, types)


def _helper_ranges(contract: SourceContract, types: ColumnTypes) -> Iterator[Mistake]:
    """Ranges of helpers that are no numbers, or that a record alone does not give."""
    for name, helper in contract.helpers.items():
        at = f"derived.{name}"
        if helper.range is None:
            continue
        if not types.has(name, "a number"):
            yield Mistake(f"{at}.range", helper.value, "a range only of a number")
        elif name not in contract.own_helpers:
            yield Mistake(
                f"{at}.range", helper.value, "a range only of what fields, parameters and helpers of such give"
            )


def _names_of_computed(contract: SourceContract) -> Iterator[Mistake]:
    """Parameters and columns of overlaps and stages that have the name of another column."""
    names = {f"parameters.{parameter.name}": parameter.name for parameter in contract.parameters}
    names |= {"overlaps.share": contract.overlaps.share} if contract.overlaps else {}
    if contract.stages:
        of_both = {f"{stage}_seconds" for stage in contract.stages.values} if contract.stages.joined else set()
        columns = [name for name in contract.stages.columns if name not in of_both & contract.by_name.keys()]
        names |= {f"stages ({name})": name for name in columns}
    for at, name in names.items():
        if name in contract.by_name or name in contract.derived or name in RECORD_COLUMNS:
            yield Mistake(at, name, "a name that no field, helper or record column has")


def _daily(contract: SourceContract, vocabulary: Vocabulary, types: ColumnTypes) -> Iterator[Mistake]:
    for name, value in contract.metrics.items():
        at, metric = f"daily.{name}", vocabulary.get(name)
        if name == "where" and isinstance(value, str):
            yield from types.mistakes(at, value, "true or false")
            continue
        if vocabulary and metric is None:
            yield Mistake(at, name, f"where or a daily metric: {choices(vocabulary, name)}")
        elif metric is not None and metric.from_metrics:
            yield Mistake(at, name, "a metric that is not computed from other metrics")
        if isinstance(value, Part):
            yield from _part(at, value, metric, types)
        elif metric is not None:
            yield from types.mistakes(at, value, _METRIC_KINDS[metric.type])


def _part(at: str, part: Part, metric: DailyMetric | None, types: ColumnTypes) -> Iterator[Mistake]:
    if metric is not None and metric.type == "intervals":
        yield Mistake(f"{at}.over", part.over, "a metric that is a number, over all records of a day")
    yield from types.mistakes(f"{at}.value", part.value, "a value" if part.over == "count" else "a number")
    if part.where is not None:
        yield from types.mistakes(f"{at}.where", part.where, "true or false")
    if part.each is not None:
        yield from types.mistakes(f"{at}.each", part.each, "a value")
        if part.over != "mean":
            yield Mistake(f"{at}.each", part.over, "each only with over: mean")


def _wear(contract: SourceContract, types: ColumnTypes) -> Iterator[Mistake]:
    """Wear time is SQL over the columns of the record and its metrics of the day."""
    if contract.wear is None:
        return
    both = types.with_numbers(name for name in contract.daily if name != "where")
    for word, sql in (("minutes", contract.wear.minutes), ("at_most", contract.wear.at_most)):
        if sql is not None:
            yield from both.mistakes(f"wear.{word}", sql, "a number")


def _words_together(contract: SourceContract) -> Iterator[Mistake]:
    """Words of the contract that need or exclude each other."""
    day, episodes = contract.day, contract.episodes
    if day.start is None and (day.zone is not None or day.shift_hours):
        yield Mistake("day.start", None, "a start, which zone and shift_hours are about")
    if contract.split is not None and day.shift_hours:
        yield Mistake("split", day.shift_hours, "nothing with shift_hours: days are cut at local midnight")
    if contract.best and episodes is not None:
        allowed = "nothing with episodes, which tell the day's main record"
        yield Mistake("best", ", ".join(contract.best), allowed)
    if episodes is not None and episodes.rank.unlisted >= len(episodes.rank.tiers):
        allowed = f"a tier from 0 to {len(episodes.rank.tiers) - 1}"
        yield Mistake("episodes.rank.unlisted", episodes.rank.unlisted, allowed)
    for name in contract.quality.fields:
        if name not in contract.by_name:
            allowed = f"a field of the contract: {choices(contract.by_name, name)}"
            yield Mistake(f"quality.fields.{name}", name, allowed)
    owner: dict[str, str] = {}
    for stage, codes in contract.stages.values.items() if contract.stages else ():
        for code in codes:
            other = owner.setdefault(plain_code(code), stage)
            if other != stage:
                yield Mistake(f"stages.values.{stage}", code, f"a code that {other} does not have")


def _examples(contract: SourceContract, vocabulary: Vocabulary) -> Iterator[Mistake]:
    seen: set[str] = set()
    columns = [*RECORD_COLUMNS, *contract.by_name]
    computed = [name for name, metric in vocabulary.items() if metric.from_metrics]
    metrics = [*contract.gives, *computed, "worn"]
    for index, example in enumerate(contract.examples):
        at = f"examples.{index}"
        if example.name in seen:
            yield Mistake(f"{at}.name", example.name, "a name that no other example has")
        seen.add(example.name)
        if (example.expect is None) == (example.reject is None):
            yield Mistake(at, example.name, "either expect or reject")
        if example.reject is not None and (example.nulled or example.expect_daily):
            yield Mistake(f"{at}.reject", example.reject, "no nulled and no expect_daily, which only a kept record has")
        yield from _expected(f"{at}.expect", example.expect, columns, "a column of the record")
        if vocabulary:
            yield from _expected(f"{at}.expect_daily", example.expect_daily, metrics, "a daily metric of this contract")


def _expected(at: str, values: Mapping[str, object] | None, known: list[str], what: str) -> Iterator[Mistake]:
    for name in values or {}:
        if name not in known:
            yield Mistake(f"{at}.{name}", name, f"{what}: {choices(known, name)}")
