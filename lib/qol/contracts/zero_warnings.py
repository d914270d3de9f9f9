"""Warnings about zeros that mean unknown: parts of a whole that a record gives as they are, even where all of them are 0."""

import re
from collections.abc import Iterator

import polars as pl

from qol.contracts.language import Mistake
from qol.contracts.model import Contracts
from qol.contracts.problems import problem
from qol.contracts.source import SourceContract
from qol.errors import Problem

#: A column, maybe times or over a number, under no condition.
_BARE = re.compile(r"(\w+)( [*/] [0-9.]+)?")
#: Two parts, such as moderate and vigorous activity, may well both be 0; a night without any stage may not.
MIN_PARTS = 3


def zero_warnings(contracts: Contracts) -> Iterator[Problem]:
    """Record types that give metrics which a relation of `metrics/daily.yaml` adds up, without a word for all being 0."""
    for relation in contracts.relations:
        parts = pl.sql_expr(relation.left).meta.root_names()
        for contract in contracts.sources:
            bare = [name for name in parts if _is_sent(contract, contract.daily.get(name, ""))]
            if len(bare) >= MIN_PARTS:
                found = f"{contract.daily[bare[0]]}, which is 0 also where {', '.join(bare)} are all 0"
                better = (
                    "null where they are, as a device that cannot tell them apart sends 0: CASE WHEN … > 0 THEN … END"
                )
                yield problem(contract.file, Mistake(f"daily.{bare[0]}", found, better))


def _is_sent(contract: SourceContract, sql: str) -> bool:
    """Whether an expression is a column as the vendor sent it; what is made of samples or stages is null without any."""
    column = _BARE.fullmatch(sql)
    field = contract.by_name.get(column[1]) if column else None
    return field is not None and field.samples is None
