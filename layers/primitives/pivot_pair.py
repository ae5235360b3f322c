"""The last two of something that happens now and then, such as pivots, and when each of them was."""

from math import isnan, nan

from graph.language import State, kernel


class LastTwo(State):
    """Memory of two values and the steps on which they came; missing until then."""

    value: float = nan
    step: float = nan
    value_before: float = nan
    step_before: float = nan


@kernel
def keep_last_two(s: LastTwo, found: float, step: float) -> float:
    """Takes in what was found on this step, NaN for nothing; returns 1 when there was something, else 0."""
    fresh = 0.0
    if not isnan(found):
        s.value_before = s.value
        s.step_before = s.step
        s.value = found
        s.step = step
        fresh = 1.0
    return fresh


@kernel
def rise(s: LastTwo) -> float:
    """The last value less the one before; missing until there are two."""
    return s.value - s.value_before


@kernel
def apart(s: LastTwo) -> float:
    """Steps between the two; missing until there are two."""
    return s.step - s.step_before
