"""Sums over values of an array, in whatever order they lie there.

Four sums run side by side, for in one alone each addition would wait for the one before.
"""

from math import fabs

from stratoquant.graph.language import Array, kernel


@kernel
def total_distance(values: Array, n: int, centre: float) -> float:
    """The sum of |value - centre|."""
    first = 0.0
    second = 0.0
    third = 0.0
    fourth = 0.0
    quarters = n // 4
    for j in range(quarters):
        first += fabs(values[4 * j] - centre)
        second += fabs(values[4 * j + 1] - centre)
        third += fabs(values[4 * j + 2] - centre)
        fourth += fabs(values[4 * j + 3] - centre)
    for k in range(4 * quarters, n):
        first += fabs(values[k] - centre)
    return (first + second) + (third + fourth)


@kernel
def total(values: Array, start: int, n: int) -> float:
    """The sum of the n values from `start` on."""
    first = 0.0
    second = 0.0
    third = 0.0
    fourth = 0.0
    quarters = n // 4
    for j in range(quarters):
        first += values[start + 4 * j]
        second += values[start + 4 * j + 1]
        third += values[start + 4 * j + 2]
        fourth += values[start + 4 * j + 3]
    for k in range(4 * quarters, n):
        first += values[start + k]
    return (first + second) + (third + fourth)
