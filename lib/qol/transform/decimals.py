"""Rounding to published decimals: halves away from zero, the same for one row and for many."""

import polars as pl

#: Decimals that sines, cosines and logarithms of single days keep: far more than a published value shows, and fewer than
#: processors and their libraries differ in.
PORTABLE_DECIMALS = 12


def round_half_away(value: pl.Expr, decimals: int) -> pl.Expr:
    """A number with so many decimals, halves away from zero.

    The nudge makes a half of one that a binary fraction leaves a little below it, such as 0.575, and outweighs the last
    bits in which sums of doubles differ.
    """
    nudged = value + value.sign() * 10.0 ** -(decimals + 7)
    return nudged.round(decimals, mode="half_away_from_zero")
