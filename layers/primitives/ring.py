"""A ring of the last values, whose capacity is a power of two so that a window can change without a recompile."""

from stratoquant.graph.language import Array, State, array, kernel


class Ring(State):
    """Memory of the last values; `head` counts all values ever pushed."""

    values: Array = array()
    head: int = 0


@kernel
def push(s: Ring, x: float) -> float:
    """Adds a value; returns it."""
    s.values[s.head & (len(s.values) - 1)] = x
    s.head += 1
    return x


@kernel
def back(s: Ring, steps: int) -> float:
    """The value pushed `steps` before the last one (0 is the last); meaningless before steps + 1 values were pushed."""
    return s.values[(s.head - 1 - steps) & (len(s.values) - 1)]
