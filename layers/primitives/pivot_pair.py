"""The last two of something that happens now and then, such as pivots, and when each of them was."""

from math import isnan, nan

from stratoquant.graph.language import State, kernel


class LastTwo(State):
    """Memory of two values and the steps on which they came; missing until then."""

    value: float = nan
    step: float = nan
    value_before: float = nan
    step_before: float = nan


@kernel
def keep_last_two(s: LastTwo, found: float, step: float) -> bool:
    """Takes in what was found on this step, NaN for nothing; True when there was something."""
    fresh = not isnan(found)
    if fresh:
        s.value_before = s.value
        s.step_before = s.step
        s.value = found
        s.step = step
    return fresh


@kernel
def rise(s: LastTwo) -> float:
    """The last value less the one before; missing until there are two."""
    return s.value - s.value_before


@kernel
def apart(s: LastTwo) -> float:
    """Steps between the two; missing until there are two."""
    return s.step - s.step_before
