"""What holding a position costs a bar. A rate comes with the bars at which it is due and is missing on others."""

from math import isnan, nan

from stratoquant.graph.language import State, kernel


class Funding(State):
    """Memory of a funding rate: the last one, the steps since, and the steps between the last two."""

    rate: float = nan
    since: float = 0.0
    interval: float = nan


@kernel
def note_funding(s: Funding, rate: float) -> float:
    """The rate that a long pays a step; missing until two have come (s.rate is the last one)."""
    s.since += 1.0
    if not isnan(rate):
        if not isnan(s.rate):
            s.interval = s.since
        s.rate = rate
        s.since = 0.0
    return s.rate / s.interval
