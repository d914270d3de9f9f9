"""Differences between a user's published week and the week before."""

import polars as pl

from qol.contracts.columns import derived_type
from qol.contracts.model import Contracts
from qol.contracts.weekly import Derived
from qol.formulas import FORMULAS
from qol.formulas.half_away import round_half_away
from qol.formulas.registry import ANY_WEEK


def changes(contracts: Contracts, rows: pl.DataFrame, before: pl.DataFrame) -> list[pl.Series]:
    """The `change` columns of weekly `rows`, in their order.

    Published value minus the published value of `before`, the rows of the week before; null unless the user has one,
    the group is valid in both weeks and its source is the same: two devices, or two days against seven, differ for
    reasons other than the user's behaviour.
    """
    rules = [rule for rule in contracts.derived if rule.formula == "change"]
    names = before_columns(contracts)
    both = rows.select(names).join(
        before.select(names), on="user_id", how="left", suffix=":before", maintain_order="left"
    )
    return both.select([_change(contracts, rule).alias(rule.name) for rule in rules]).get_columns()


def before_columns(contracts: Contracts) -> list[str]:
    """Weekly columns that a change needs of the week before."""
    rules = [rule for rule in contracts.derived if rule.formula == "change"]
    groups = dict.fromkeys(rule.group for rule in rules)
    values = dict.fromkeys(_compared(rule) for rule in rules)
    return ["user_id", *[f"{group}_{part}" for group in groups for part in ("source", "valid")], *values]


def _compared(rule: Derived) -> str:
    return f"{rule.of[0]}_{rule.aggregate}"


def _change(contracts: Contracts, rule: Derived) -> pl.Expr:
    source, valid = f"{rule.group}_source", f"{rule.group}_valid"
    same = pl.col(source) == pl.col(f"{source}:before")
    difference = FORMULAS[rule.formula].compute(rule, ANY_WEEK)
    if derived_type(rule, contracts) == "double":
        difference = round_half_away(difference, rule.decimals)
    return pl.when(same & pl.col(valid) & pl.col(f"{valid}:before")).then(difference)
