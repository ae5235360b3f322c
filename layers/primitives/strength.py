"""Relative strength as Wilder has it: the share of the rises in all that the close has moved."""

from math import isnan, nan

from stratoquant.graph.language import State, kernel
from stratoquant.layers.primitives.averages import FADED, Smoothed, rma


class RelativeStrength(State):
    """Memory of the Wilder averages of rises and falls, and of their share."""

    gain: Smoothed
    loss: Smoothed
    close: float = nan
    value: float = nan


@kernel
def relative_strength(s: RelativeStrength, close: float, n: int) -> float:
    """gain / (gain + loss) over n changes, 0.5 when the close never moved; missing until there are n."""
    change = close - s.close
    if not isnan(close):
        s.close = close
    if not isnan(change) and not (change == 0.0 and s.gain.value + s.loss.value < FADED):
        gain = rma(s.gain, max(change, 0.0), n)
        moved = gain + rma(s.loss, max(-change, 0.0), n)
        s.value = gain / moved if moved > 0.0 else (0.5 if not isnan(moved) else nan)
    return s.value
