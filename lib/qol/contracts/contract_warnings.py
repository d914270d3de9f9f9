"""Patterns that the language allows and that have given wrong or missing values; `qol contracts check` warns of them."""

from collections.abc import Callable, Iterator

from qol.contracts.language import Mistake
from qol.contracts.model import WEEKLY, Contracts
from qol.contracts.problems import problem
from qol.contracts.source import SourceContract
from qol.contracts.weekly import WeeklyGroup
from qol.contracts.word_warnings import word_warnings
from qol.contracts.zero_warnings import zero_warnings
from qol.errors import Problem


def contract_warnings(contracts: Contracts) -> Iterator[Problem]:
    """Every pattern found in contracts without mistakes: place, what stands there, what would be better."""
    for look_for in _PATTERNS:
        yield from look_for(contracts)


def _values_without_a_week(contracts: Contracts) -> Iterator[Problem]:
    """Weekly metrics that a record type gives without any anchor of their group: whoever sends only that has them in no week."""
    for group in contracts.groups:
        for name in group.metrics:
            if not group.anchor or name in (*group.anchor, *group.own_days):
                continue
            alone = [c.name for c in contracts.sources if name in c.metrics and not _has_anchor(c, name, group)]
            if alone:
                found = f"a metric that {', '.join(alone)} can give on a day without {' or '.join(group.anchor)}"
                allowed = f"{name} in own_days, an anchor that comes with it, or a group of its own"
                yield problem(WEEKLY, Mistake(f"groups.{group.name}.metrics.{name}", found, allowed))


def _has_anchor(contract: SourceContract, name: str, group: WeeklyGroup) -> bool:
    """Whether what gives the metric gives an anchor too: the day's best record, or parts of the same records or of all."""
    if name in contract.daily:
        return any(anchor in contract.daily for anchor in group.anchor)
    chosen = (None, contract.parts[name].where)
    return any(anchor in contract.parts and contract.parts[anchor].where in chosen for anchor in group.anchor)


_PATTERNS: tuple[Callable[[Contracts], Iterator[Problem]], ...] = (_values_without_a_week, word_warnings, zero_warnings)
