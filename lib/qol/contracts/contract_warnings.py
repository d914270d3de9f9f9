"""Patterns that the language allows and that have given wrong or missing values; `qol contracts check` warns of them."""

from collections.abc import Callable, Iterable, Iterator

import polars as pl

from qol.contracts.language import Mistake
from qol.contracts.model import Contracts
from qol.contracts.problems import problem
from qol.contracts.roots import WEEKLY
from qol.contracts.source import SourceContract
from qol.contracts.weekly import WeeklyGroup
from qol.contracts.word_warnings import word_warnings
from qol.contracts.wording import choices
from qol.contracts.zero_warnings import zero_warnings
from qol.errors import Problem


def contract_warnings(contracts: Contracts) -> Iterator[Problem]:
    """Every pattern found in contracts without mistakes: place, what stands there, what would be better."""
    for look_for in _PATTERNS:
        yield from look_for(contracts)


def _values_without_a_week(contracts: Contracts) -> Iterator[Problem]:
    """Weekly metrics that a record type gives without any anchor of their group: a user who sends only that has them in no week."""
    for group in contracts.groups:
        for name in group.metrics:
            if not group.anchor or name in (*group.anchor, *group.own_days):
                continue
            alone = [c.name for c in contracts.sources if name in c.metrics and not _has_anchor(c, name, group)]
            if alone:
                found = f"a metric that {', '.join(alone)} can give on a day without {' or '.join(group.anchor)}"
                allowed = f"{name} in own_days, an anchor that comes with it, or a group of its own"
                yield problem(WEEKLY, Mistake(f"groups.{group.name}.metrics.{name}", found, allowed))


def _sources_without_values(contracts: Contracts) -> Iterator[Problem]:
    """Sources in an order of precedence that give no metric of the group, such as a misspelled one."""
    for group in contracts.groups:
        names = {metric.name for metric in contracts.group_metrics[group.name]}
        known = sorted({c.source for c in contracts.sources if names & c.gives.keys()})
        for index, source in enumerate(group.precedence):
            if source not in known:
                found = f"{source}, which gives no metric of the group"
                yield problem(WEEKLY, Mistake(f"groups.{group.name}.precedence.{index}", found, choices(known, source)))


def _has_anchor(contract: SourceContract, name: str, group: WeeklyGroup) -> bool:
    """Whether a record that gives the metric gives an anchor too, as an episode does, or an anchor read from no other places."""
    if name in contract.daily and contract.episodes is not None and contract.episodes.main in group.anchor:
        return True
    places = _places(contract, contract.gives[name])
    return any(
        anchor in contract.metrics
        and _condition(contract, anchor) in (None, _condition(contract, name))
        and _places(contract, contract.gives[anchor]) <= places
        for anchor in group.anchor
    )


def _condition(contract: SourceContract, name: str) -> str | None:
    return contract.parts[name].where if name in contract.parts else None


def _places(contract: SourceContract, expressions: Iterable[str]) -> set[object]:
    """Places of the raw record that expressions read, themselves or by helpers; record columns stand for themselves."""
    found: set[object] = set()
    for column in {name for sql in expressions for name in pl.sql_expr(sql).meta.root_names()}:
        field = contract.by_name.get(column)
        if column in contract.derived:
            found |= _places(contract, [contract.derived[column]])
        else:
            found.add(column if field is None else field.paths)
    return found


_PATTERNS: tuple[Callable[[Contracts], Iterator[Problem]], ...] = (
    _values_without_a_week,
    _sources_without_values,
    word_warnings,
    zero_warnings,
)
