"""The data dictionary with labels in both languages, and the search of its columns by words."""

import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from qol.contracts.columns import table_schemas
from qol.contracts.dictionary import Entry, dictionary
from qol.contracts.model import Contracts
from qol.report.locales import Locale, load_locale


class DictionaryRow(NamedTuple):
    """A row of the data dictionary as it is printed."""

    table: str
    column: str
    type: str
    unit: str
    group: str
    formula: str
    source: str
    label_en: str
    label_ja: str
    meaning: str


def dictionary_rows(contracts: Contracts, table: str) -> Iterator[DictionaryRow]:
    """The dictionary of a table; KeyError when there is no such table."""
    english, japanese = load_locale("en", contracts), load_locale("ja", contracts)
    for entry in dictionary(contracts, table):
        named = {name: value for name, value in entry._asdict().items() if name in DictionaryRow._fields}
        yield DictionaryRow(**named, label_en=_label(english, entry), label_ja=_label(japanese, entry))


def found_rows(contracts: Contracts, words: Iterable[str]) -> Iterator[DictionaryRow]:
    """Columns of all tables that have every word in their name, unit, group, labels, meaning or place in the raw record."""
    wanted = [_folded(word) for word in words]
    for table in table_schemas(contracts):
        for row in dictionary_rows(contracts, table):
            place = row.formula if table.startswith("records_") else ""
            names = f"{table} {row.column} {row.column.replace('_', ' ')} {row.group} {row.unit}"
            text = f"{names} {row.label_en} {row.label_ja} {row.meaning} {place}"
            if all(word in _folded(text) for word in wanted):
                yield row


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _label(locale: Locale, entry: Entry) -> str:
    """The label of a column in the reports, or of its group; empty where they have none."""
    if not entry.metric:
        return locale.name("groups", entry.group) if entry.group else ""
    label = locale.metric(entry.metric)
    if entry.aggregate in ("", "days"):
        return f"{label}: {locale.text('valid_days')}" if entry.aggregate else label
    return locale.text("label", label=label, how=locale.name("aggregates", entry.aggregate))
