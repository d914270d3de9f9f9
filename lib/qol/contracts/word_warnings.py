"""Warnings about classes of words: texts that no class has, unnoticed, and words that only begin a longer one."""

import json
from collections.abc import Iterator, Mapping

import polars as pl

from qol.contracts.fields import Field
from qol.contracts.language import Mistake
from qol.contracts.model import Contracts
from qol.contracts.problems import problem
from qol.contracts.raw_values import safe_get
from qol.contracts.source import SourceContract
from qol.errors import Problem


def word_warnings(contracts: Contracts) -> Iterator[Problem]:
    """Fields with classes that daily values ask for but that are not closed, or whose words only begin those of the examples."""
    for contract in contracts.sources:
        for field in contract.fields:
            if field.classes:
                for mistake in (*_unnoticed(contract, field), *_beginnings(contract, field)):
                    yield problem(contract.file, mistake.below(f"fields.{field.name}"))


def _unnoticed(contract: SourceContract, field: Field) -> Iterator[Mistake]:
    for at, sql in _expressions(contract).items():
        if not field.closed and _asks_for_a_class(sql, field):
            found = f"classes that {at} asks for, where any other text is OTHER and is counted nowhere"
            yield Mistake("classes", found, "closed: true, which makes such a text an issue")
            return


def _expressions(contract: SourceContract) -> Mapping[str, str]:
    metrics = {f"daily.{name}": sql for name, of in contract.gives.items() for sql in of}
    return {
        **{f"derived.{name}": sql for name, sql in contract.derived.items()},
        **{f"daily.{name}": sql for name, sql in contract.daily.items()},
        **metrics,
    }


def _asks_for_a_class(sql: str, field: Field) -> bool:
    return field.name in pl.sql_expr(sql).meta.root_names() and any(f"'{name}'" in sql for name in field.classes)


def _beginnings(contract: SourceContract, field: Field) -> Iterator[Mistake]:
    for text in _texts(contract, field):
        words = field.classes.beginnings(text)
        if words and field.classes.class_of(text) is None:
            yield Mistake("classes", f"{words[0]}, which is no word of {text}", f"{text} as a word of its own")


def _texts(contract: SourceContract, field: Field) -> Iterator[str]:
    """Texts of a field in the contract's examples."""
    for example in contract.examples:
        raw = json.loads(example.raw) if example.reject is None else None
        for path in field.paths:
            if isinstance(text := safe_get(raw, path), str):
                yield text
