"""Rounding to published decimals: halves away from zero, the same for one row and for many."""

import polars as pl

#: Decimals that sines, cosines and logarithms of single days keep: far more than a published value shows, and fewer than
#: processors and their libraries differ in.
PORTABLE_DECIMALS = 12
#: From here on a double has no digit left for a half: of so many units the value stays as it is.
MAX_UNITS = 2.0**52
#: A few last bits of a double, by which a mean of a week of them may be off.
LAST_BITS = 2.0**-50


def round_half_away(value: pl.Expr, decimals: int) -> pl.Expr:
    """A number with so many decimals, halves away from zero; as it is where a double has no more decimals than these.

    A half is what shows as one in decimals, such as 0.575, also where the binary fraction lies a little below it: by the
    last bits in which doubles and their sums differ, or by the decimals that daily values leave out.
    """
    unit = 10.0**-decimals
    size = value.abs()
    whole = size.floor()  # split off, so that the decimals keep all bits of the double
    below = (size * LAST_BITS).clip(unit * 1e-7, unit * 0.05)
    units = ((size - whole + below) * 10.0**decimals + 0.5).floor()
    rounded = (whole + units * unit).round(decimals)
    return pl.when(size * 10.0**decimals < MAX_UNITS).then(value.sign() * rounded).otherwise(value)
