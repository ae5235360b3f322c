"""agreement: the side on which two views agree.

Rule: side = sign(slow) when fast has the same sign, else 0.
"""

from typing import NamedTuple

from stratoquant.graph.language import layer
from stratoquant.graph.types import Score, Side
from stratoquant.layers.primitives.scalars import sign


class Out(NamedTuple):
    side: Side


@layer(None, "agreement", domain="block", source="standard", pine="yes")
def step(slow: Score, fast: Score) -> Out:
    return Out(sign(slow) if sign(slow) == sign(fast) else 0.0)
