"""crossover: which of two prices is above, and the bar on which that changes.

Rule: side = +1 while fast > slow, -1 while fast < slow; where they are equal the last side stays, and it is 0 before
    they ever differed. cross = side on the bar on which it changes, else 0; nothing has changed on the first bar.
    So touching and going on is no cross, and two crosses in a row never have the same side.
"""

from math import isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import State, layer
from stratoquant.graph.types import Price, Side


class Memory(State):
    side: float = nan


class Out(NamedTuple):
    side: Side
    cross: Side


@layer(None, "crossover", domain="block", source="standard", pine="yes")
def step(s: Memory, fast: Price, slow: Price) -> Out:
    before = s.side
    if fast > slow:
        s.side = 1.0
    elif fast < slow:
        s.side = -1.0
    elif isnan(before):
        s.side = 0.0
    return Out(s.side, s.side if not isnan(before) and s.side != before else 0.0)
