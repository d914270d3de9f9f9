"""The texts of a report in a language: one dictionary file per language, labels, units, and how numbers are written."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from qol.contracts.model import Contracts
from qol.contracts.reasons import ISSUE_REASONS, REJECT_REASONS
from qol.contracts.yaml_file import read_yaml
from qol.report.shown_columns import ShownColumn, all_columns, daily_groups

Language = Literal["en", "ja"]
FOLDER = Path(__file__).with_name("locales")
DAY_MINUTES = 1440
#: Characters of a label that a table of a report has room for.
MAX_LABEL = 75
_LABEL_ENDS = re.compile(r"[;:(,.](?:\s|$)|\s\(")
#: The blank between a number and its Japanese counter, where a line must not break.
_COUNTED = re.compile(r"(?<=\d) (?=[\u3040-\u30ff\u4e00-\u9fff])")
_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Locale:
    """One language; a name without a text of its own is shown as the contracts have it."""

    language: Language
    texts: Mapping[str, Any]
    contracts: Contracts

    def text(self, key: str, **values: object) -> str:
        """A sentence of the dictionary with its placeholders filled in."""
        text = str(self.texts["sentences"][key]).format(**values)
        return _COUNTED.sub("\N{NO-BREAK SPACE}", text)

    def name(self, kind: str, key: str) -> str:
        """The name of a group, a source, an aggregate or a record."""
        return str(self.texts[kind].get(key) or key.replace("_", " "))

    def names(self, kind: str, keys: Iterable[str]) -> str:
        """The names of several groups or sources, with commas."""
        return self.text("comma").join(self.name(kind, key) for key in keys)

    def metric(self, name: str) -> str:
        """The label of a metric or formula."""
        described = {formula.name: formula.description for formula in self.contracts.derived}
        described |= {metric.name: metric.description for metric in self.contracts.metrics}
        return str(self.texts["labels"].get(name) or short_label(described.get(name, name)))

    def label(self, column: ShownColumn) -> str:
        """The label of a weekly column, with its aggregate."""
        label = self.metric(column.name)
        if column.metric is None:
            return label
        return self.text("label", label=label, how=self.name("aggregates", column.aggregate))

    def unit(self, name: str, unit: str) -> str:
        """The unit of a metric or formula: its own text, else the unit's."""
        return str(self.texts["metric_units"].get(name) or self.texts["units"].get(unit) or unit)

    def unit_of(self, column: ShownColumn) -> str:
        """The unit of a weekly column."""
        return self.unit(column.name, column.unit)

    def value(self, column: ShownColumn, value: Any, size: float | None = None) -> str:
        """The text of a column's value without its unit; `no data` for null."""
        return clock_text(value) if column.clock and value is not None else self.number(value, size)

    def number(self, value: Any, size: float | None = None) -> str:
        """A number with the decimals that its size, or `size`, deserves; yes, no or `no data` for a boolean or null."""
        if value is None:
            return self.text("no_data")
        if isinstance(value, bool):
            return self.text("yes" if value else "no")
        return plain_number(value, size)

    def reason(self, code: str) -> str:
        """The meaning of a reason code."""
        own = self.texts["reasons"].get(code)
        return str(own or ISSUE_REASONS.get(code) or REJECT_REASONS.get(code) or code.replace("_", " "))


def plain_number(value: float, size: float | None = None) -> str:
    """Integers whole, other numbers with at least three figures; thousands apart, a real minus sign."""
    if value == 0:
        return "0"
    size = abs(value if size is None else size)
    decimals = 0 if isinstance(value, int) else next((n for n, least in enumerate((100, 10, 1)) if size >= least), 3)
    text = f"{value:,.{decimals}f}"
    is_zero = not text.strip("-0.,")
    return (text.removeprefix("-") if is_zero else text).replace("-", _MINUS)


def signed(value: float, size: float | None = None) -> str:
    """A change with its sign; no sign for no change."""
    text = plain_number(value, size)
    return f"+{text}" if value > 0 and text.strip("0.") else text


def clock_text(minutes: float) -> str:
    """`23:05` for minutes after midnight, to the nearest minute."""
    hours, rest = divmod(round(minutes) % DAY_MINUTES, 60)
    return f"{hours:02d}:{rest:02d}"


def short_label(description: str) -> str:
    """The start of a description: up to its first comma, bracket or full stop."""
    end = _LABEL_ENDS.search(description)
    return description[: end.start()].strip() if end else description


@cache
def texts_of(language: Language) -> Mapping[str, Any]:
    """A language's dictionary file."""
    found: Mapping[str, Any] = read_yaml(FOLDER / f"{language}.yaml", language)[0]
    return found


def unnamed(contracts: Contracts, language: Language) -> list[tuple[str, str]]:
    """Metrics, formulas, groups and units without a text in a language, each with the part of the dictionary it lacks in."""
    texts, groups = texts_of(language), daily_groups(contracts)
    columns, metrics = all_columns(contracts), contracts.metrics
    kinds = {
        "labels": [*(column.name for column in columns), *(name for _, names in groups for name in names)],
        "groups": [group for group, _ in groups],
        "units": [*(column.unit for column in columns), *(metric.unit for metric in metrics)],
    }
    return [(kind, name) for kind, names in kinds.items() for name in dict.fromkeys(names) if name not in texts[kind]]


def unreadable_labels(contracts: Contracts) -> list[tuple[str, str]]:
    """Metrics and formulas whose English label, the start of their description, is long or a column name; with the label."""
    locale = load_locale("en", contracts)
    labels = {column.name: locale.metric(column.name) for column in all_columns(contracts)}
    return [(name, text) for name, text in labels.items() if "_" in text or len(text) > MAX_LABEL]


def load_locale(language: Language, contracts: Contracts) -> Locale:
    """The texts of a language for these contracts."""
    return Locale(language, texts_of(language), contracts)
