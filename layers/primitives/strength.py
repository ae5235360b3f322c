"""Relative strength as Wilder has it: the share of the rises in all that the close has moved."""

from math import isnan, nan

from graph.language import State, kernel
from layers.primitives.averages import Smoothed, rma, unless_faded


class RelativeStrength(State):
    """Memory of the Wilder averages of rises and falls, and of their share."""

    gain: Smoothed
    loss: Smoothed
    close: float = nan
    value: float = nan


@kernel
def relative_strength(s: RelativeStrength, close: float, n: int) -> float:
    """gain / (gain + loss) over n changes, 0.5 when the close never moved; missing until there are n."""
    if not isnan(close):
        change = unless_faded(close - s.close, s.gain.value + s.loss.value)
        s.close = close
        gain = rma(s.gain, max(change, 0.0) if not isnan(change) else nan, n)
        loss = rma(s.loss, max(-change, 0.0) if not isnan(change) else nan, n)
        moved = gain + loss
        s.value = gain / moved if moved > 0.0 else (0.5 if not isnan(moved) else nan)
    return s.value
