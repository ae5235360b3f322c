"""Jumps of a price that look like a split of the share. A ratio cannot tell a split from a crash; it can ask."""

from __future__ import annotations

from math import log

import polars as pl

RATIOS = (2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50, 100)
NEAR = 0.06
"""How far, as a logarithm, the price may have moved beside the split between a close and the next open."""


def looks_split(close_before: pl.Expr, open_: pl.Expr) -> pl.Expr:
    """True where an open is about a whole part or a whole multiple of the close before it."""
    moved = (open_ / close_before).log().abs()
    return pl.any_horizontal((moved - log(ratio)).abs() <= NEAR for ratio in RATIOS)


def split_ratio(close_before: float, open_: float) -> str:
    """The nearest ratio, as it is announced: 4:1 where the price falls to a quarter, 1:10 where it rises tenfold."""
    moved = log(open_ / close_before)
    nearest = min(RATIOS, key=lambda ratio: abs(abs(moved) - log(ratio)))
    return f"{nearest}:1" if moved < 0.0 else f"1:{nearest}"
