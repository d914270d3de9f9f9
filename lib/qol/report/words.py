"""What a report says in a language: one dictionary file per language, labels, units, and how numbers are written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from qol.contracts.model import Contracts
from qol.contracts.reasons import ISSUE_REASONS, REJECT_REASONS
from qol.report.choose import Shown

Language = Literal["en", "ja"]
FOLDER = Path(__file__).with_name("words")
DAY_MINUTES = 1440
_LABEL_ENDS = re.compile(r"[;:(,.](?:\s|$)|\s\(")
_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Words:
    """One language; a name without a word of its own is shown as the contract says it."""

    language: Language
    texts: Mapping[str, Any]
    contracts: Contracts

    def say(self, key: str, **values: object) -> str:
        """A sentence of the dictionary with its blanks filled in."""
        return str(self.texts["sentences"][key]).format(**values)

    def name(self, kind: str, key: str) -> str:
        """The word for a group, a source, an aggregate or a record."""
        return str(self.texts[kind].get(key) or key.replace("_", " "))

    def metric(self, name: str) -> str:
        """A metric's or formula's label."""
        own = self.texts["labels"].get(name)
        return str(own) if own else short_label(self._description(name))

    def _description(self, name: str) -> str:
        if name in self.contracts.metric:
            return self.contracts.metric[name].description
        return next((d.description for d in self.contracts.derived if d.name == name), name)

    def label(self, shown: Shown) -> str:
        """A weekly column's label with how the week was made one value."""
        label = self.metric(shown.name)
        return self.say("label", label=label, how=self.name("aggregates", shown.aggregate)) if shown.metric else label

    def unit(self, name: str, unit: str) -> str:
        """The unit of a metric or formula: its own word, else the unit's."""
        return str(self.texts["metric_units"].get(name) or self.texts["units"].get(unit) or unit)

    def value(self, shown: Shown, value: Any, size: float | None = None) -> str:
        """A value of a column as people read it, without its unit; `no data` for null."""
        return self.clock(value) if shown.clock and value is not None else self.number(value, size)

    def number(self, value: Any, size: float | None = None) -> str:
        """A number with as many decimals as its size, or another one, deserves; yes, no or `no data` for what is none."""
        if value is None:
            return self.say("no_data")
        if isinstance(value, bool):
            return self.say("yes" if value else "no")
        return plain_number(value, size)

    def clock(self, minutes: float) -> str:
        """Minutes after midnight as a time of the day."""
        return clock_text(minutes)

    def reason(self, code: str) -> str:
        """What a reason code means."""
        own = self.texts["reasons"].get(code)
        return str(own or ISSUE_REASONS.get(code) or REJECT_REASONS.get(code) or code.replace("_", " "))


def plain_number(value: float, size: float | None = None) -> str:
    """Whole numbers whole, others with three figures at least; thousands apart, a real minus sign."""
    if value == 0:
        return "0"
    decimals = 0 if isinstance(value, int) else decimals_of(value if size is None else size)
    text = f"{value:,.{decimals}f}"
    is_nothing = not text.strip("-0.,")
    return (text.removeprefix("-") if is_nothing else text).replace("-", _MINUS)


def decimals_of(value: float) -> int:
    """How many decimals a number is shown with."""
    size = abs(value)
    return next((decimals for decimals, least in enumerate((100, 10, 1)) if size >= least), 3)


def signed(value: float, size: float | None = None) -> str:
    """A change: with its sign, and none for no change."""
    text = plain_number(value, size)
    return f"+{text}" if value > 0 and text.strip("0.") else text


def clock_text(minutes: float) -> str:
    """`23:05` of minutes after midnight, to the nearest minute."""
    hours, rest = divmod(round(minutes) % DAY_MINUTES, 60)
    return f"{hours:02d}:{rest:02d}"


def short_label(description: str) -> str:
    """The start of a description: up to its first comma, bracket or full stop."""
    end = _LABEL_ENDS.search(description)
    return description[: end.start()].strip() if end else description


@cache
def texts_of(language: Language) -> Mapping[str, Any]:
    """A language's dictionary file."""
    found: Mapping[str, Any] = yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8"))
    return found


def load_words(language: Language, contracts: Contracts) -> Words:
    """The words of a language for these contracts."""
    return Words(language, texts_of(language), contracts)
