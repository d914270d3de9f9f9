"""Words of a source contract that would change nothing beside its other words; each is refused, with what to do."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import polars as pl

from qol.contracts.code_words import bare, plain_code
from qol.contracts.fields import Field, SampleRule
from qol.contracts.language import Mistake
from qol.contracts.raw_values import CODE, OTHER, SPACING
from qol.contracts.references import references
from qol.contracts.source import SourceContract


class _Rule(NamedTuple):
    """A place (`{}` is what was found there), what has no effect there, and what to do."""

    at: str
    found: Callable[[Any], Iterable[object]]
    allowed: str


def effect_mistakes(contract: SourceContract) -> Iterator[Mistake]:
    """Words without effect, of a contract without other mistakes."""
    yield from _found(_OF_CONTRACT, contract)
    for field in contract.fields:
        at = f"fields.{field.name}"
        yield from (mistake.below(at) for mistake in _found(_OF_FIELD, field))
        if field.samples is not None:
            yield from (mistake.below(f"{at}.samples") for mistake in _found(_OF_SAMPLES, field.samples))


def _found(rules: Iterable[_Rule], model: object) -> Iterator[Mistake]:
    for rule in rules:
        yield from (Mistake(rule.at.format(found), found, rule.allowed) for found in rule.found(model))


def _when(value: Callable[[Any], object], is_idle: Callable[[Any], object]) -> Callable[[Any], list[object]]:
    """The value of a word where it is given and a condition holds."""
    return lambda model: [value(model)] if value(model) and is_idle(model) else []


def _unnamed(contract: SourceContract, names: Iterable[str]) -> list[str]:
    """Those of the names that no expression and no other word of the contract names."""
    if not (names := list(names)):
        return []
    wear, split = contract.wear, contract.split
    of_days = [sql for expressions in contract.gives.values() for sql in expressions]
    others = [contract.daily.get("where"), wear and wear.minutes, wear and wear.at_most, split and split.where]
    expressions = [sql for sql in (*contract.derived.values(), *of_days, *others) if sql]
    named = {name for sql in expressions for name in pl.sql_expr(sql).meta.root_names()}
    named |= {name for path, name, _ in references(contract) if not path.startswith("split.values")}
    return [name for name in names if name not in named]


def _of_best_record(contract: SourceContract) -> bool:
    """Whether a day's best record gives anything: a metric that is not `over` all records, or whether it was worn."""
    return contract.wear is not None or bool(contract.daily.keys() - {"where"})


def _of_spacing(contract: SourceContract) -> list[str]:
    return [field.name for field in contract.fields if (SPACING,) in field.paths]


def _absent_anyway(contract: SourceContract) -> list[str]:
    """Fields that may be absent without being told so: those that are no key, and codes and flags."""
    fields = [field for field in contract.fields if field.may_be_absent]
    return [field.name for field in fields if field.name not in contract.key or field.type in ("code", "boolean")]


def _has_other(field: Field) -> bool:
    return bool(field.classes or field.known or field.staged)


def _can_be(field: Field, code: str) -> bool:
    """Whether a code field may store a code."""
    if field.classes or code == OTHER:
        return code in (*field.classes, OTHER) and _has_other(field)
    is_listed = not field.known or bare(code) in field.known
    return is_listed and CODE.fullmatch(code) is not None and (not field.uppercase or code == code.upper())


def _never(contract: SourceContract, name: str, codes: Iterable[str]) -> list[str]:
    """Codes that a field never stores; a helper may have any."""
    field = contract.by_name.get(name)
    return [] if field is None else [code for code in codes if not _can_be(field, code)]


def _tier_codes(contract: SourceContract) -> list[str]:
    return [code for tier in contract.episodes.rank.tiers for code in tier] if contract.episodes else []


def _never_ranked(contract: SourceContract) -> list[str]:
    """Codes of tiers that no episode has; a session has the code of its stages' `by`."""
    name = contract.episodes.rank.field if contract.episodes else ""
    by = contract.stages.by if contract.stages and name == "session_rank" else name
    return _never(contract, by, _tier_codes(contract))


def _never_ordered(contract: SourceContract) -> list[str]:
    rules = [rule for rule in (contract.overlaps, contract.stages) if rule is not None]
    return [code for rule in rules for code in _never(contract, rule.by, rule.order)]


def _never_stages(contract: SourceContract) -> list[str]:
    """Codes of stages that their field never stores; case and blanks do not matter."""
    field = contract.by_name.get(contract.stages.stage) if contract.stages else None
    if field is None or contract.stages is None or not (field.classes or field.known):
        return []
    classes = {plain_code(name) for name in field.classes}
    codes = [code for values in contract.stages.values.values() for code in values]
    return [code for code in codes if (plain_code(code) not in classes if classes else bare(code) not in field.known)]


def _never_limited(contract: SourceContract) -> list[str]:
    rules = [field.ranges_by for field in contract.fields if field.ranges_by]
    return [code for rule in rules for code in _never(contract, rule.field, rule.ranges)]


def _states_are_values(rule: SampleRule) -> bool:
    return rule.states_low is not None and (rule.low is None or rule.low <= rule.states_low)


_CODES = "codes that the field stores, spelled as it stores them"
_OF_CONTRACT = (
    _Rule("parameters.{}", lambda c: _unnamed(c, [p.name for p in c.parameters]), "a parameter that an expression names; remove this one"),
    _Rule("derived.{}", lambda c: _unnamed(c, c.derived), "a helper that an expression names; remove this one"),
    _Rule("overlaps.share", lambda c: _unnamed(c, [c.overlaps.share] if c.overlaps else []), "a share that an expression of daily names, such as value * share"),
    _Rule("split.values", lambda c: _unnamed(c, c.split.values if c.split else []), "fields that an expression names"),
    _Rule("growing", lambda c: [n for n in c.growing if n in c.version or (n in c.key and not c.key_without)], "fields of neither key nor version, which records that tie have in common"),
    _Rule("same", _when(lambda c: ", ".join(c.same), lambda c: not c.key_without and {*c.key} <= {*c.same}), "not all fields of key: no two records of a table have these in common"),
    _Rule("best", _when(lambda c: ", ".join(c.best), lambda c: not _of_best_record(c)), "a daily metric without `over`; the others are made of all records of the day"),
    _Rule("daily.where", _when(lambda c: c.daily.get("where"), lambda c: not c.gives and c.wear is None), "a daily metric beside it; remove it without any"),
    _Rule("wear.limit_minutes", _when(lambda c: c.wear and c.wear.limit_minutes, lambda c: c.wear.minutes is None and c.wear.at_most is None), "minutes or at_most beside it, which the limit is for"),
    _Rule("wear.limit_minutes", lambda c: [0] if c.wear and c.wear.limit_minutes == 0 else [], "more than 0; without wear every day counts as worn"),
    _Rule("episodes.rest_to", _when(lambda c: c.episodes and c.episodes.rest_to, lambda c: c.episodes.rest_to == c.episodes.main), "another metric than main"),
    _Rule("day.utc_midnight", _when(lambda c: c.day.utc_midnight, lambda c: c.day.start is None), "day.start beside it, which it is about"),
    _Rule("spacing.of", _when(lambda c: c.spacing and c.spacing.of, lambda c: not _of_spacing(c)), f"a field with the path {SPACING}, which has the spacing"),
    _Rule("fields.{}.path", lambda c: [] if c.spacing else _of_spacing(c), f"`spacing` in the contract, which gives {SPACING}"),
    _Rule("fields.{}.may_be_absent", _absent_anyway, "a field of key that is no code or flag; any other may be absent anyway"),
    _Rule("fields.{}.of_other", lambda c: [f.name for f in c.fields if f.of_other and not _has_other(c.by_name[f.of_other])], "a code field with known or classes; no other is ever OTHER"),
    _Rule("quality.severity.fresh", _when(lambda c: c.quality.severity.get("fresh"), lambda c: c.quality.fresh_within_days is None), "fresh_within_days beside it, without which nothing is checked"),
    _Rule("drop", lambda c: [name for name in c.drop if "." in name], "the last key of the path alone; it is dropped wherever it stands"),
    _Rule("episodes.rank.tiers", lambda c: {code for code in _tier_codes(c) if _tier_codes(c).count(code) > 1}, "each code in one tier"),
    _Rule("episodes.rank.tiers", _never_ranked, _CODES),
    _Rule("overlaps.order or stages.order", _never_ordered, _CODES),
    _Rule("stages.values", _never_stages, _CODES),
    _Rule("ranges_by", _never_limited, _CODES),
)  # fmt: skip
_STORED_CLASS = "nothing with classes: the class is stored and not the text"
_OF_FIELD = (
    _Rule("decimals", _when(lambda f: f.decimals is not None and str(f.decimals), lambda f: f.type != "number"), "type: number"),
    _Rule("uppercase", _when(lambda f: f.uppercase, lambda f: f.classes), _STORED_CLASS),
    _Rule("join_words", _when(lambda f: f.join_words, lambda f: f.classes), _STORED_CLASS),
    _Rule("known", _when(lambda f: sorted(f.known), lambda f: f.classes), _STORED_CLASS),
)  # fmt: skip
_OF_SAMPLES = (
    _Rule("keys", _when(lambda s: ", ".join(s.keys), lambda s: not (s.of or s.start)), "`of`, or start and end, beside it: keys choose among lists of structs below a map"),
    _Rule("states", _when(lambda s: s.states_low, _states_are_values), "samples.range beside it, which begins above the states"),
    _Rule("within", _when(lambda s: s.within, lambda s: s.range and (s.within[0] > s.high or s.within[1] < s.low)), "a band that meets samples.range, outside which no sample counts"),
    _Rule("seconds_each", _when(lambda s: s.seconds_each, lambda s: s.start), "nothing with start and end of structs, which say how long it is"),
)  # fmt: skip
