"""The largest of many values, found among the few that can be them."""

from math import inf

from stratoquant.graph.language import Array, kernel
from stratoquant.layers.primitives.spike import select


@kernel
def copy_above(values: Array, n: int, least: float, work: Array) -> int:
    """Copies the first n values that are above `least`; returns how many they are."""
    found = 0
    for i in range(n):
        work[found] = values[i]
        found += 1 if values[i] > least else 0
    return found


@kernel
def rank_largest(values: Array, n: int, count: int, least: float, work: Array) -> int:
    """Puts the `count` largest of n values last in `work`, behind the next one below them; returns where they end.

    count is below n. least: a guess of a value that more than `count` of them exceed; where fewer do, all are ranked.
    """
    found = copy_above(values, n, least, work)
    if found <= count:
        found = copy_above(values, n, -inf, work)
    select(work, found, found - 1 - count)
    return found
